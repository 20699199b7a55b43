"""Several gateways in one file, one down and one throttling: the healthy one beside the same one alone.

What is measured is the time from the start of the command until all tasks of the healthy gateway can be read. Then the
command is ended, although the throttling gateway has not finished. Alone, it is one `collect` with the same settings.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import duckdb

from benchmarks.harness import OURS, Outcome, Row, at_most, compete
from benchmarks.inputs import fast_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TASKS: Final = 20_000
_LATENCY_SECONDS: Final = 0.1
_SLOW_RATE: Final = 1
_LONGEST_SECONDS: Final = 300.0
_POLL_SECONDS: Final = 0.02


def run(rounds: int, scale: float) -> Iterator[Row]:
    """Alternately alone and together, with a realistic latency."""
    tasks = int(_TASKS * scale)
    with _gateways(tasks) as urls:
        contest = compete(
            {"alone": lambda: _collect(urls, ["well"], tasks), "three": lambda: _collect(urls, [*urls], tasks)}, rounds
        )
    what = f"{tasks:,} tasks of one gateway beside one that is down and one that throttles"
    detail = (
        f"alone {contest.seconds('alone'):.1f} s, together {contest.seconds('three'):.1f} s, until they can be read"
    )
    yield Row(what, contest.times("three", "alone"), "times alone", at_most(1.25), detail)


@contextmanager
def _gateways(tasks: int) -> Iterator[dict[str, str]]:
    """URLs by name. The throttling one is limited by our setting `rate`, which has the same effect: few answers."""
    with ExitStack() as stack, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        names = ("well", "slow")
        urls = {name: stack.enter_context(fast_gateway.running(_LATENCY_SECONDS, tasks)) for name in names}
        yield {**urls, "down": f"http://127.0.0.1:{closed.getsockname()[1]}"}


def _collect(urls: dict[str, str], names: list[str], tasks: int) -> Outcome:
    """One `collect` for these gateways, until all tasks of `well` are in the published copy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_inputs(folder, {name: urls[name] for name in names}, tasks)
        published = folder / "data" / "published" / "current.duckdb"
        began = time.perf_counter()
        command = [OURS, "collect", "--no-prefect", "--inbox", "inbox"]
        here = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
        with subprocess.Popen(
            command, cwd=folder, env=here, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as one:
            rows = _wait_for(lambda: _count(published), tasks, one)
            seconds = time.perf_counter() - began
            one.send_signal(signal.SIGTERM)
        return Outcome(seconds, rows)


def _write_inputs(folder: Path, urls: dict[str, str], tasks: int) -> None:
    tables = [
        f'[[source]]\nname = "{name}"\nbase_url = "{url}"\nfetch = "single"\n'
        + (f"rate = {_SLOW_RATE}\n" if name == "slow" else "")
        for name, url in urls.items()
    ]
    (folder / "sources.toml").write_text("\n".join(tables))
    text = "\n".join(fast_gateway.ids(tasks))
    for name in urls:
        file = folder / "inbox" / name / "ids.txt"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        os.utime(file, (time.time() - 60,) * 2)


def _wait_for(count: Callable[[], int], wanted: int, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while (found := count()) < wanted:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{found} of {wanted} tasks after {_LONGEST_SECONDS:g} s")
        if process.poll() is not None and count() < wanted:
            raise RuntimeError(f"collect ended with {process.returncode} and {count()} of {wanted} tasks")
        time.sleep(_POLL_SECONDS)
    return found


def _count(published: Path) -> int:
    if not published.exists():
        return 0
    with duckdb.connect(published, read_only=True) as con:
        found = con.execute("select count(*) from tasks where source = 'well'").fetchone()
    return found[0] if found else 0
