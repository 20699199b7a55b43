"""What collecting costs per id at 64 and at 512 in flight, and how its memory grows with the number of ids.

    python -m benchmarks.collecting [--rounds 3]

The simulated gateway runs in a process of its own; each figure is a whole `collect`, ids to published warehouse, in a
process of its own. Rounds alternate, and ratios are of figures of the same round.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COLLECT = [sys.executable, "-c", "from flows.cli import main; main()", "collect"]
_MORE = 4
SERVE = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from gateway.simulator import SimulatedGateway, World, run
end = datetime.now(UTC) - timedelta(days=1)
world = World(seed=3, tasks=int(sys.argv[1]), start=end - timedelta(days=7), end=end, odd_share=0.0)
app = SimulatedGateway(world, cache_size=10**6)
app.prerender()
Path("ids.txt").write_text("".join(f"{one}\\n" for one in world.ids))
run(app, 0, on_ready=lambda url: print(url, flush=True))
"""


def collect(folder: Path, base_url: str, ids: int, concurrency: int) -> tuple[float, float]:
    """Collect the first `ids` ids into a fresh folder: (seconds, peak memory in MB)."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        lines = (folder / "ids.txt").read_text().splitlines()[:ids]
        Path(work, "ids.txt").write_text("\n".join(lines))
        environment = os.environ | {"AVATAR_TASKS_BASE_URL": base_url, "PYTHONPATH": str(Path.cwd())}
        arguments = [*COLLECT, "--no-prefect", "--ids-file", "ids.txt", "--concurrency", str(concurrency), "--json"]
        started = time.monotonic()
        process = subprocess.Popen(arguments, cwd=work, env=environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        found = re.search(rb'"outcomes": \{"task": (\d+)\}', printed)
        assert found, printed
        assert int(found[1]) == len(lines)
        return seconds, usage.ru_maxrss / 1024


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ids", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(_MORE * options.ids)],
            cwd=name,
            env=os.environ | {"PYTHONPATH": str(Path.cwd())},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert server.stdout is not None
        try:
            measure(Path(name), server.stdout.readline().strip(), options.rounds, options.ids)
        finally:
            server.terminate()
            server.wait()


def measure(folder: Path, base_url: str, rounds: int, ids: int) -> None:
    collect(folder, base_url, 500, 64)  # warm
    rows = [(collect(folder, base_url, ids, 64), collect(folder, base_url, ids, 512)) for _ in range(rounds)]
    for number, ((slow, _), (fast, _)) in enumerate(rows, start=1):
        print(f"round {number}: {ids:,} ids, {ids / slow:,.0f}/s at 64 and {ids / fast:,.0f}/s at 512 in flight")
    ratio = statistics.median(fast / slow for (slow, _), (fast, _) in rows)
    print(f"cost per id at 512 in flight / at 64: {ratio:.2f} (median of {rounds}; bar: at most 1)")
    peaks = {count: collect(folder, base_url, count, 64)[1] for count in (ids // 4, ids, _MORE * ids)}
    print("peak memory: " + ", ".join(f"{peak:,.0f} MB for {count:,} ids" for count, peak in peaks.items()))
    print(f"peak memory for {_MORE * ids:,} ids / for {ids:,}: {peaks[_MORE * ids] / peaks[ids]:.2f}")


if __name__ == "__main__":
    main()
