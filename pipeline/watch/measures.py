"""What `status --fail-if` can measure, from the published warehouse, the archive and the disk, without any lock.

A measure that cannot be read is None, and a condition on it holds: missing data is an alarm.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

from pipeline.data_folder import require_archive
from pipeline.errors import UnusableInputError
from warehouse.archive.segments import Archive
from warehouse.backends.choose import reader
from warehouse.database.schema import statement
from warehouse.errors import ArchiveError, WarehouseError
from warehouse.load.loader import unloaded

if TYPE_CHECKING:
    from pathlib import Path

    from warehouse.paths import DataPaths

Severity = Literal["critical", "warning"]


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that a condition can be about.

    Attributes:
        kind: what it is compared with: a span of time, a count, or free space on the disk (in % or bytes).
        meaning: what it measures, for people.
        advice: what to do if the condition holds.
        severity: how bad it is if the condition holds.
    """

    kind: Literal["span", "count", "room"]
    meaning: str
    advice: str
    severity: Severity = "critical"


MEASURES: Final = {
    "stale": Measure(
        "span",
        "time since the last run that readers can see ended",
        "Check that server and worker run (`systemctl status 'avatar-tasks-*'`, `prefect work-pool ls`), that the "
        "schedule is not paused, and who locks the warehouse (`avatar-tasks status`)",
    ),
    "unanswered": Measure(
        "span",
        "time since the gateway last gave a usable answer, while ids are due",
        "Check the gateway and the key: `avatar-tasks collect` prints what the gateway answers",
    ),
    "failing": Measure(
        "count",
        "latest runs of collect, in a row, that ended with an error",
        "See why: `avatar-tasks sql \"select started_at, exit_code, summary->>'problem' from runs order by 1 desc\"`",
    ),
    "waiting": Measure(
        "count",
        "archived segments that are not loaded",
        "Load them with `avatar-tasks load`; `avatar-tasks status` names who locks the warehouse",
        "warning",
    ),
    "due": Measure(
        "count",
        "ids that are due for polling",
        "The runs do not keep up: raise RATE or CONCURRENCY, or run more often",
        "warning",
    ),
    "stuck": Measure(
        "count",
        "tasks running for more than three times the p99 of their kind",
        'List them with `avatar-tasks sql "from stuck_tasks"`, and ask the provider about them',
        "warning",
    ),
    "quarantined": Measure(
        "count",
        "answers of the last 24 hours that could not be understood",
        'See why: `avatar-tasks sql "from quarantine order by observed_at desc limit 20"`',
        "warning",
    ),
    "burning": Measure(
        "count",
        "objectives whose error budget burns too fast",
        'See which and since when: `avatar-tasks sql "from slo_burn where is_burning"`, and `avatar-tasks report`',
    ),
    "missing_storm": Measure(
        "count",
        "gateways that suddenly do not know many ids",
        "Check AVATAR_TASKS_API_KEY, AVATAR_TASKS_BASE_URL and AVATAR_TASKS_SOURCE; no id is given up while this lasts",
    ),
    "identity_conflict": Measure(
        "count",
        "tasks whose answers are proven to be about other tasks",
        "Check the proxy in front of the gateway; see view mixed_up_answers",
    ),
    "disk": Measure(
        "room",
        "free space on the disk of the data folder",
        "Free space or enlarge the disk: `avatar-tasks maintain` compacts the archive, `--retain DAYS` drops old days",
    ),
}


@dataclass(frozen=True, slots=True)
class Room:
    """Free space and size of a disk, in bytes."""

    free: int
    size: int


@dataclass(frozen=True, slots=True)
class Readings:
    """What was measured.

    Attributes:
        values: by measure; seconds for spans. None, or no entry, if it cannot be read.
        room: space on the disk of the data folder; None if there is no folder.
        problem: why something cannot be read, as a sentence; None when everything could.
    """

    values: dict[str, float | None]
    room: Room | None
    problem: str | None = None


def read_measures(paths: DataPaths, now: datetime | None = None) -> Readings:
    """Read all measures at `now` (UTC), by default the current time."""
    room = room_on_disk(paths.root)
    try:
        require_archive(paths)
        with reader(paths) as con:
            moment = {"now": now or datetime.now(UTC)}
            values = con.execute(statement("queries/measures"), moment).pl().row(0, named=True)
            waiting = len(unloaded(con, Archive(paths.storage)))
    except (ArchiveError, OSError, UnusableInputError, WarehouseError) as error:
        return Readings({}, room, str(error))
    return Readings({**values, "waiting": waiting}, room)


def room_on_disk(folder: Path) -> Room | None:
    """The space on the disk that holds a folder; None if the folder is missing."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return Room(usage.free, usage.total)
