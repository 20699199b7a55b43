"""Whatever the environment and `.env` hold, a command works or says in a sentence what is wrong; no key shows."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from avatar_tasks.cli import main
from pipeline.settings import Settings
from warehouse.environment import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.promises.conftest import Figures

FIELDS: Final = [name.upper() for name in Settings.model_fields]

#: A key as gateways make them; planted where it belongs and where it does not.
KEY: Final = "sk-" + "fUzZ9" * 9

NUMBERS: Final = (
    "0",
    "-1",
    "1",
    "3.5",
    "1e308",
    "-1e308",
    "1e-320",
    "nan",
    "inf",
    "-inf",
    "9" * 400,
    "0x10",
    "١٢",
    "1_000",
)
WORDS: Final = (
    "",
    " ",
    "\t",
    "true",
    "null",
    "none",
    "auto",
    "single",
    "group",
    "signed_urls",
    "notify_hook,",
    ",,",
    "=",
    '"',
    "'",
)
SPANS: Final = ("7 days", "500ms", "1e9 days", "99999999999999 d", "d", "-1h", "1 fortnight", "9" * 30 + "s")
PATHS: Final = (
    "~",
    "~/there",
    "~nobody-of-that-name/x",
    "a?b",
    "a#b",
    "caf\udce9",
    "中文",
    "n" * 300,
    "x/" * 3000,
    "./here",
    "/dev/null/x",
)
URLS: Final = (
    "http://127.0.0.1:99999", "http://[::1", "http://u:p@h", "https://", "ftp://h", "//h", "http://h?x", "http://h/avatar/task",
    "http://\u202eh", "s3://", "s3://b/p", "https://" + "h" * 5000, "http://h:port",
)  # fmt: skip
LAKES: Final = ("ducklake:sqlite:x", "ducklake:", "postgres://me:hush@db", "duckdb:x", "md:x")
VALUES: Final = (
    *NUMBERS,
    *WORDS,
    *SPANS,
    *PATHS,
    *URLS,
    *LAKES,
    KEY,
    f"x {KEY} y",
    "\udcff",
    "\x1b[31mred\x07",
    "x" * 100_000,
)

#: Each ends before anything is polled: the id is none. For a key in a block a Prefect server would be started.
COMMANDS: Final = (
    ("status",),
    ("status", "--json"),
    ("sql", "select 1"),
    ("collect", "--no-prefect", "no id"),
    ("collect", "--no-prefect", "--json", "../x"),
)


def any_name(rng: Random) -> str:
    """A setting's name; one in five with a slip of the finger, or in other letters."""
    name = PREFIX + rng.choice(FIELDS)
    kind = rng.randrange(15)
    position = rng.randrange(len(PREFIX), len(name))
    if kind == 0:
        return name[:position] + name[position + 1 :]
    if kind == 1:
        return name[:position] + rng.choice("AEX_1é") + name[position:]
    return name.lower() if kind == 2 else name


def any_environment(rng: Random) -> dict[str, str]:
    return {any_name(rng): rng.choice(VALUES) for _ in range(rng.randrange(4))}


def any_file(rng: Random) -> bytes:
    """A `.env`: lines in one encoding or another, with some bytes changed now and then."""
    lines = [f"{rng.choice(('', 'export ', ' '))}{name}={value}" for name, value in any_environment(rng).items()]
    text = rng.choice(("\n", "\r\n", "\n\n# note\n")).join(
        [*lines, rng.choice(("", "no equals sign", "A='", "${A:-", "\0"))]
    )
    raw = bytearray(text.encode(rng.choice(("utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32")), "ignore"))
    for _ in range(rng.choice((0, 0, 0, 1, 5))):
        raw.insert(rng.randrange(len(raw) + 1), rng.randrange(256))
    return bytes(raw)


def attempt(rng: Random, home: Path) -> int:
    """One command in one environment; its exit code."""
    file = home / "cwd" / ".env"
    file.unlink(missing_ok=True)
    if rng.random() < 0.5:
        file.write_bytes(any_file(rng))
    environment = {f"{PREFIX}API_KEY": KEY, "HOME": str(home / "home")} | any_environment(rng)
    words = rng.choice(COMMANDS)
    result = CliRunner().invoke(main, words, env=environment)
    shown = result.stdout + result.stderr
    what = f"{words} {environment} {file.read_bytes()[:500] if file.exists() else b''!r}: {shown}"
    assert isinstance(result.exception, SystemExit | None), what
    assert result.exit_code in {0, 1, 2}, what
    assert not any(word in shown for word in ("Traceback", "this is a bug", KEY, KEY[3:], "hush")), what
    assert result.exit_code == 0 or len(shown.splitlines()) <= 4, what
    return result.exit_code


def fuzz(home: Path, seed: int, tries: int) -> Counter[int]:
    """Exit codes; and nothing is left that should not be."""
    rng = Random(seed)
    codes = Counter(attempt(rng, home) for _ in range(tries))
    left = list(everything(home))
    assert not [path for path in left if path.name.startswith("~") or KEY in str(path)]
    assert not [path for path in left if path.is_file() and path.name != ".env" and KEY.encode() in path.read_bytes()]
    assert {path.name for path in home.iterdir()} == {"cwd", "home", "tmp"}
    assert not list((home / "tmp").glob("avatar-tasks-bug-*"))
    return codes


def everything(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        yield from (type(folder)(root, name) for name in (*folders, *files))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home, a working folder and a folder for temporary files, and nothing set."""
    for name in ("cwd", "home", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(logging.getLogger("dotenv.main"), "disabled", True)  # it tells of lines, by number alone
    mask = os.umask(0o077)
    yield tmp_path
    os.umask(mask)


def test_any_environment_works_or_ends_with_a_sentence(home: Path) -> None:
    """A short form of what follows."""
    codes = fuzz(home, seed=1, tries=400)
    assert codes[2] > 100


@pytest.mark.soak
def test_sixty_thousand_environments(home: Path, figures: Figures) -> None:
    """Each with a command, through the real entry point in this process."""
    began, codes = time.monotonic(), Counter[int]()
    for seed in range(60):
        codes += fuzz(home, 1_000 + seed, 1_000)
    shown = ", ".join(f"{count:,} ended with {code}" for code, count in sorted(codes.items()))
    seconds = time.monotonic() - began
    figures("environments", f"{codes.total():,} in {seconds:,.0f} s: {shown}; 0 tracebacks, 0 keys shown or stored")
