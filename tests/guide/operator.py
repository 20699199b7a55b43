"""What a guide needs from outside (a gateway, a receiver of alerts, ids), and what has to be so after its commands."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable  # noqa: TC003 - the type of a constant
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import duckdb
import httpx

from tests.guide.machine import PROJECT

if TYPE_CHECKING:
    from simulator import SimulatedGateway

API: Final = "http://127.0.0.1:4200/api"
DATA: Final = Path("/var/lib/avatar-tasks/data")
PASSWORD: Final = "anything"
PATIENCE_SECONDS: Final = 240.0
ENDED: Final = {"Completed", "Failed", "Crashed", "Cancelled"}


@dataclass
class Operator:
    """One who follows the guide: `yours` are their values, `before` and `then` what its sentences mean."""

    gateway: SimulatedGateway
    base_url: str
    key: str
    hook: str
    received: list[bytes]
    _seen: dict[str, list[Any]] = field(default_factory=dict)
    _taken: int = 0
    _run: str = ""

    def yours(self, name: str) -> str:
        """The operator's value for a variable of the guide."""
        return {
            "GATEWAY": lambda: self.base_url,
            "KEY": lambda: self.key,
            "PASSWORD": lambda: PASSWORD,
            "HOOK": lambda: self.hook,
            "RUN": self.running,
        }[name]()

    def sentence(self, words: str) -> None:
        """Make it so, or check that it is."""
        SENTENCES[words](self)

    def write_ids(self, count: int, path: Path) -> list[str]:
        """A file with the next ids, which has lain there for a minute."""
        ids = self.gateway.world.ids[self._taken : self._taken + count]
        assert len(ids) == count
        self._taken += count
        path.write_text("".join(f"{one}\n" for one in ids), encoding="utf-8")
        os.utime(path, (time.time() - 60,) * 2)
        return list(ids)

    def deployments_are_there(self) -> None:
        names = {one["name"] for one in self._ask("deployments")}
        assert names == {"collect", "collect-shard", "report", "maintain"}, names

    def ids_are_in_the_tables(self) -> None:
        found = {row[0] for row in tables()["tasks"]}
        assert found >= set(self.gateway.world.ids[: self._taken])
        left = [path.name for path in (PROJECT / "inbox").iterdir() if path.is_file()]
        assert left == [], f"{left} should be in inbox/done: may the worker write to the inbox?"

    def arrived(self, words: str) -> None:
        wait_for(lambda: any(words in one.decode() for one in self.received), f"{words} among {self.received}")

    def many_ids(self, count: int) -> None:
        """So many that a run of them takes seconds."""
        path = PROJECT / "inbox" / f"{count}.txt"
        self.write_ids(count, path)
        shutil.chown(path, "avatar-tasks", "avatar-tasks")
        self.gateway._latency = (2.0, 0.0)
        self._calls = self.gateway.calls.total()

    def running(self) -> str:
        """The run that is active, once it polls."""
        wait_for(lambda: self.gateway.calls.total() > self._calls, "requests of the run")
        [run] = self._ask("flow_runs", flow_runs={"state": {"name": {"any_": ["Running"]}}})
        self._run = str(run["id"])
        return self._run

    def heartbeats(self) -> None:
        run = self.running()
        filters = {
            "event": {"name": ["prefect.flow-run.heartbeat"]},
            "any_resource": {"id": [f"prefect.flow-run.{run}"]},
        }

        def beats() -> bool:
            found = httpx.post(f"{API}/events/filter", json={"filter": filters}, timeout=30).json()
            return bool(found["events"])

        wait_for(beats, "a heartbeat")

    def next_completes(self, state: str) -> None:
        self.gateway._latency = (0.0, 0.0)
        wait_for(lambda: self._state(self._run) in ENDED, f"run {self._run}")
        assert self._state(self._run) == state
        before = {row[0] for row in tables()["tasks"]}
        assert not before >= set(self.gateway.world.ids[: self._taken]), "it was cut short"
        deployment = httpx.get(f"{API}/deployments/name/collect/collect", timeout=30).json()["id"]
        run = httpx.post(f"{API}/deployments/{deployment}/create_flow_run", json={}, timeout=30).json()["id"]
        wait_for(lambda: self._state(run) in ENDED, f"run {run}")
        assert self._state(run) == "Completed"
        self.ids_are_in_the_tables()

    def crashed(self) -> None:
        """Systemd would start the worker again after five seconds."""
        assert os.system("systemctl start avatar-tasks-worker") == 0  # noqa: S605
        self.next_completes("Crashed")

    def completes_with_the_server(self) -> None:
        """Systemd would start the server again after five seconds; nobody else needs it meanwhile."""
        began = time.monotonic()
        time.sleep(5)
        assert os.system("systemctl start avatar-tasks-server") == 0  # noqa: S605
        wait_for(lambda: self._is("Completed"), f"the end of run {self._run}")
        print(f"server killed: the run was Completed {time.monotonic() - began:.0f} s later")  # noqa: T201
        self.gateway._latency = (0.0, 0.0)
        self.ids_are_in_the_tables()

    def _is(self, state: str) -> bool:
        try:
            return self._state(self._run) == state
        except httpx.TransportError:
            return False

    def note_tables(self) -> None:
        self._seen = tables()

    def tables_are_as_before(self) -> None:
        assert tables() == self._seen

    def lose_data(self) -> None:
        self.note_tables()
        shutil.rmtree(DATA)

    def _state(self, run: str) -> str:
        return str(httpx.get(f"{API}/flow_runs/{run}", timeout=30).json()["state"]["name"])

    def _ask(self, what: str, **filters: Any) -> list[dict[str, Any]]:  # noqa: ANN401
        found: list[dict[str, Any]] = httpx.post(f"{API}/{what}/filter", json=filters, timeout=30).json()
        return found


SENTENCES: Final[dict[str, Callable[[Operator], object]]] = {
    "the deployments are there": Operator.deployments_are_there,
    "the ids are in the tables": Operator.ids_are_in_the_tables,
    "the alert has arrived": lambda one: one.arrived("the gateway refuses the key"),
    "the alarm has arrived": lambda one: one.arrived("there is no archive at"),
    "many ids are in the inbox": lambda one: one.many_ids(120),
    "many more ids are in the inbox": lambda one: one.many_ids(150),
    "some ids are in the inbox": lambda one: one.many_ids(60),
    "a run sends heartbeats": Operator.heartbeats,
    "a run is active": Operator.running,
    "the run completes when the server is back": Operator.completes_with_the_server,
    "the run is cancelled and the next one completes it": lambda one: one.next_completes("Cancelled"),
    "the run is crashed and the next one completes it": Operator.crashed,
    "the tables are noted": Operator.note_tables,
    "the tables are as before": Operator.tables_are_as_before,
    "the data folder is lost": Operator.lose_data,
    "the tables are as before the loss": Operator.tables_are_as_before,
}


def tables() -> dict[str, list[Any]]:
    """What readers see of tasks and observations."""
    with duckdb.connect(DATA / "published" / "current.duckdb", read_only=True) as con:
        return {
            name: con.execute(f"select task_id, columns(* exclude task_id) from {name} order by all").fetchall()  # noqa: S608
            for name in ("tasks", "observations")
        }


def wait_for(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s: {what}"
        time.sleep(0.3)
