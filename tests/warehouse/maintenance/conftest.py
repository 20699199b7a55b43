"""Three days of an archive, loaded; made once, and copied for each test."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pytest

from tests.warehouse.answers import RUNNING, START, SUCCESS_WITH_WORK, SURPRISING, Answer, Request, file_of
from tests.warehouse.conftest import DEFAULTS, Site
from warehouse.maintenance.derivation import Derivation
from warehouse.maintenance.maintain import maintain_file
from warehouse.paths import DataPaths

if TYPE_CHECKING:
    from warehouse.maintenance.findings import Maintained

NOW: Final = START + timedelta(days=20)


def day(number: int, site: Site, *tasks: str) -> None:
    """A segment of ids and two of answers on the day so many days after the first."""
    at = START + timedelta(days=number)
    for kind, offset in ((RUNNING, 1), (SUCCESS_WITH_WORK if number else SURPRISING, 2)):
        answers = [Answer(task, at + timedelta(minutes=offset), kind) for task in tasks]
        requests = [Request(task, at) for task in tasks] if kind is RUNNING else []
        for segment in site.archive(answers, requests):
            folder = file_of(segment).parent.with_name(f"{at:%Y-%m-%d}")
            folder.mkdir(exist_ok=True)
            file_of(segment).rename(folder / file_of(segment).name)


def run(site: Site, retain_days: int | None = None) -> Maintained:
    """Maintenance of it at `NOW`."""
    work = Derivation(site.paths, site.store, DEFAULTS, site.policy, 1)
    return maintain_file(work, NOW, retain_days)


@pytest.fixture(scope="session")
def three_days_once(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(DataPaths(tmp_path_factory.mktemp("three-days") / "data"))
    day(0, site, "t0", "t1")
    day(5, site, "t1", "t2")
    day(15, site, "t3")
    site.load()
    return site


@pytest.fixture(scope="session")
def tidied_once(three_days_once: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(DataPaths(tmp_path_factory.mktemp("tidied") / "data")).copy_of(three_days_once)
    run(site)
    return site


@pytest.fixture
def three_days(site: Site, three_days_once: Site) -> Site:
    """Days 0, 5 and 15, one task asked for on the first two."""
    return site.copy_of(three_days_once)


@pytest.fixture
def tidied(site: Site, tidied_once: Site) -> Site:
    """These days after maintenance: one segment of each kind a day, and published."""
    return site.copy_of(tidied_once)
