"""What the locks promise about other people's packages, as far as it can be known without a network.

Which versions were withdrawn, or have holes found since, only a service on a network knows: see docs/security.md.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-run.lock", "requirements-bench.lock", "requirements-uv.lock")

#: Versions from which on a hole that was published is closed. Number and version of each were looked up in November
#: 2026, in what other projects' audits and distributions have written of them; no advisory database could be asked.
CLOSED_SINCE = {
    "aiohttp": ("3.14.3", "CVE-2026-69244: a malformed answer that is read beyond its end"),
    "certifi": ("2024.7.4", "CVE-2024-39689: an authority that is not trusted any more"),
    "cryptography": ("50.0.0", "CVE-2026-69247"),
    "flask": ("3.1.3", "CVE-2026-27205: a session in a shared cache"),
    "h11": ("0.16.0", "CVE-2025-43859: chunks that smuggle a request"),
    "idna": ("3.15", "CVE-2026-45409: names that take for ever"),
    "jinja2": ("3.1.6", "CVE-2025-27516: a way out of the sandbox"),
    "pillow": ("12.3.0", "GHSA-6r8x-57c9-28j4: memory overwritten by a picture"),
    "pyarrow": ("14.0.1", "CVE-2023-47248: code in a file"),
    "pydantic-settings": ("2.14.2", "GHSA-4xgf-cpjx-pc3j: secrets read through a link"),
    "pygments": ("2.20.0", "CVE-2026-4539"),
    "python-multipart": ("0.0.31", "CVE-2026-53540: a negative length, and memory without end"),
    "requests": ("2.33.0", "CVE-2026-25645: a temporary file under a name that can be guessed"),
    "setuptools": ("78.1.1", "CVE-2025-47273: files written anywhere"),
    "starlette": ("1.3.1", "CVE-2026-54283: limits of forms that are ignored"),
    "urllib3": ("2.7.0", "CVE-2026-44431: the key sent to another host; CVE-2026-44432: a compression bomb"),
    "werkzeug": ("3.1.6", "CVE-2026-27199"),
}

#: Words of licences under which the packages may be used with, and some of them distributed beside, Apache-2.0.
ALLOWED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL|Mozilla|Zlib|CC0|CNRI|Artistic|Public Domain|0BSD",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pin:
    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        [pinned] = self.requirement.specifier
        assert pinned.operator == "==", f"{self.requirement} is not pinned"
        return pinned.version


def pins(lock: str) -> Iterator[Pin]:
    """Every entry of a lock; whatever else stands in it fails."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / lock).read_text(encoding="utf-8"))
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=", line.strip())
            yield Pin(Requirement(requirement), tuple(hashes))


def installed() -> Iterator[tuple[Pin, Distribution]]:
    for pin in pins("requirements.lock"):
        if pin.requirement.marker is None or pin.requirement.marker.evaluate():
            try:
                yield pin, distribution(pin.name)
            except PackageNotFoundError:
                pytest.fail(f"{pin.requirement} is in the lock and not installed: run make setup")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_one_version_of_known_content(lock: str) -> None:
    """From the index in use, with SHA-256 of each of its files: no address, no branch, no file."""
    found = list(pins(lock))
    assert found
    for pin in found:
        assert pin.requirement.url is None
        assert str(Version(pin.version))
        assert pin.hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in pin.hashes), pin.name


def test_what_is_installed_is_what_is_locked() -> None:
    """So what is tested here is what the lock gives anybody."""
    assert {pin.name: pin.version for pin, _ in installed()} == {pin.name: found.version for pin, found in installed()}


def test_a_server_gets_the_versions_that_are_tested() -> None:
    """And nothing that only tests need, pandas least of all: DuckDB imports it wherever it is, which takes 0.4 s."""
    tested = {pin.name: (pin.version, pin.hashes) for pin in pins("requirements.lock")}
    server = {pin.name: (pin.version, pin.hashes) for pin in pins("requirements-run.lock")}
    assert server == {name: pinned for name, pinned in tested.items() if name in server}
    assert {"duckdb", "prefect", "marimo"} <= set(server)
    assert {"pandas", "pytest", "lifelines"} & set(server) == set()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-run.lock", "requirements-bench.lock"])
def test_the_lock_keeps_to_the_bounds(lock: str) -> None:
    """Those of pyproject.toml; what only the benchmarks need has a lock of its own."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project, optional, groups = (
        pyproject["project"],
        pyproject["project"]["optional-dependencies"],
        pyproject["dependency-groups"],
    )
    server = [*groups["build"], *(one for extra in optional.values() for one in extra)]
    wanted_too = {"requirements-run.lock": server, "requirements-bench.lock": groups["bench"]}.get(
        lock, [*server, *(one for one in groups["dev"] if isinstance(one, str))]
    )
    locked = {pin.name: pin.version for pin in pins(lock)}
    for wanted in map(Requirement, [*project["dependencies"], *wanted_too]):
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), str(wanted)


def test_no_package_has_a_hole_that_was_known_when_this_was_written() -> None:
    """Which does not replace asking a service that knows today's."""
    locked = [pin for lock in LOCKS for pin in pins(lock) if pin.name in CLOSED_SINCE]
    assert {pin.name for pin in locked} == set(CLOSED_SINCE), "what is locked no more has nothing to do here"
    holes = [f"{one.name} {one.version}: {CLOSED_SINCE[one.name][1]}" for one in locked if is_open(one)]
    assert holes == []


def is_open(pin: Pin) -> bool:
    return Version(pin.version) < Version(CLOSED_SINCE[pin.name][0])


def test_every_package_may_be_used_with_ours() -> None:
    """By the licence in its metadata."""
    assert {pin.name: licence(found) for pin, found in installed() if not ALLOWED.search(licence(found))} == {}


def licence(found: Distribution) -> str:
    """As the package's metadata says it, the most formal of its three ways first."""
    said = {name: found.metadata.get_all(name, []) for name in ("License-Expression", "Classifier", "License")}
    classifiers = [text for text in said["Classifier"] if text.startswith("License ::")]
    named = said["License-Expression"] or classifiers or [text[:80] for text in said["License"]]
    return "; ".join(named) or by_text(found)


def by_text(found: Distribution) -> str:
    """The licence whose words are in the file that a package without such metadata comes with."""
    texts = [str(one.read_text()) for one in found.files or () if one.name.startswith("LICENSE")]
    return "MIT" if any("Permission is hereby granted, free of charge, to any person" in text for text in texts) else ""
