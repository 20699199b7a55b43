"""More than one at once: collects, maintenance, a notebook that holds the warehouse, and readers all the time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import duckdb

from avatar_tasks import connect
from tests.pipeline.tables import rows
from tests.warehouse import children

if TYPE_CHECKING:
    from pathlib import Path

    from tests.command_line import CommandLine, Gateway

HOLD = "import duckdb; con = duckdb.connect(sys.argv[1]); con.sql('from tasks limit 1')"


class Reader:
    """Somebody who opens the published copy again and again, and is never refused."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.counts: list[int] = []
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _read(self) -> None:
        try:
            while not self._over.wait(0.1):
                with connect(self._data) as con:
                    self.counts += [count for (count,) in con.execute("select count(*) from tasks").fetchall()]
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            self.error = error


def test_a_notebook_that_locks_the_warehouse_for_a_whole_run_costs_nothing(
    connected: CommandLine, gateway: Gateway, tmp_path: Path
) -> None:
    """The run collects all the same, readers of the published copy go on, and the next run loads."""
    ids, data = gateway.world.ids, tmp_path / "data"
    connected("collect", *ids[:5])
    with children.holding(HOLD, data / "warehouse.duckdb"), Reader(data) as reader:
        held = connected("collect", *ids[:40], "--json", AVATAR_TASKS_LOCK_WAIT="1")
        assert (held.code, held.json["fetched"]) == (4, 35), held.err
        assert connected("maintain", AVATAR_TASKS_LOCK_WAIT="0.2").code == 4
    assert (reader.error, set(reader.counts)) == (None, {5})
    calls = gateway.app.total_calls
    assert connected("collect", "--json").code == 0
    assert gateway.app.total_calls == calls
    assert len(rows(data / "published" / "current.duckdb", "tasks", ["task_id"])) == 40


def test_maintain_prints_the_promised_json(connected: CommandLine, gateway: Gateway, tmp_path: Path) -> None:
    """In one JSON object; it fails when something is wrong, and refuses to drop what is still asked for."""
    connected("collect", *gateway.world.ids[:5])
    sound = connected("maintain", "--json")
    promised = (
        "run_id segments_before segments_after dropped_days differences broken_rules data_quality problem seconds"
    )
    assert sound.code == 0, sound.err
    assert set(promised.split()) <= set(sound.json)
    with duckdb.connect(tmp_path / "data" / "warehouse.duckdb") as con:
        con.execute("update tasks set model = 'another'")
    wrong = connected("maintain")
    assert wrong.code == 1
    assert "tasks (5 rows, 5)" in wrong.err
    assert "avatar-tasks rebuild" in wrong.err
    connected("rebuild")
    assert connected("maintain", "--json").json["problem"] is None
    few = connected("maintain", "--retain", "3")
    assert few.code == 2
    assert "GIVE_UP_AFTER" in few.err
