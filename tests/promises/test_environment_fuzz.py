"""Whatever the environment and `.env` hold, a command works or says in a sentence what is wrong; no key shows."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections import Counter
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from avatar_tasks.cli import main
from pipeline.settings import Settings
from tests.command_line import CommandLine
from tests.gateway.servers import Server, answer, serving
from warehouse.environment import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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

#: What works, or nearly so: with these, and the address of a gateway, a command goes as far as a run.
WORKING: Final = {
    "CONCURRENCY": ("1", " 8", "64", "4096"),
    "RATE": ("5", "50.5", "1e6", "1e308", "1e-300"),
    "TIMEOUT": ("5", "2.5", "1e-9", "86400"),
    "MAX_BODY_BYTES": ("1024", "1099511627776"),
    "REDACT": ("", "notify_hook", " signed_urls , notify_hook,"),
    "GIVE_UP_AFTER": ("7 days", "90", "12h"),
    "MAX_UNREACHABLE_SHARE": ("0", "1", "1e-320"),
    "LOCK_WAIT": ("0", "5"),
    "SHARD_IDS": ("1", "9" * 18),
    "MEMORY": ("350MB", "1 GiB", "100000000", "2e9"),
    "LOAD_PROCESSES": ("1", "2"),
    "POLL_MIN": ("1e-320", "15"),
    "SOURCE": ("default", "a.b-c_9", "x" * 64),
    "DATA_DIR": ("./here", "~/there", "中文", "a#b", "a b", "a%20b;'"),
    "WAREHOUSE": ("w.duckdb", "~/w.db", "a b/中文.duckdb"),
    "ARCHIVE": ("elsewhere", "~/archive"),
    "ACCEPT_OTHER_IDS": ("true", "0", "YES"),
    "FIRST_START": ("false", "on"),
}

#: With these a run would leave this machine, or this process.
ADDRESSES: Final = ("BASE_URL", "WAREHOUSE", "LAKE_DATA", "ARCHIVE", "API_KEY_BLOCK")

COLLECT: Final = ("collect", "--no-prefect", "--json", "ok-1", "ok-2")

#: What reads, in the same environment, what was collected in it.
READERS: Final = (("status",), ("sql", "from tasks", "--out", "o.csv"), ("load",))
TASK: Final = b'{"code":"success","message":"","data":{"task_id":"%s","status":"SUCCESS","submit_time":1736868741}}'

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


def working_environment(rng: Random, url: str) -> dict[str, str]:
    """Settings that work, and one in three times another among them, which may not."""
    names = rng.sample(list(WORKING), rng.randrange(4))
    found = {PREFIX + name: rng.choice(WORKING[name]) for name in names}
    if rng.random() < 1 / 3:
        name = any_name(rng)
        if not name.upper().endswith(ADDRESSES):
            found[name] = rng.choice(VALUES)
    return found | {f"{PREFIX}BASE_URL": rng.choice((url, f"{url}/", f" {url}", f"{url}/prefix"))}


def attempt(rng: Random, home: Path) -> int:
    """One command in one environment; its exit code."""
    file = home / "cwd" / ".env"
    file.unlink(missing_ok=True)
    if rng.random() < 0.5:
        file.write_bytes(any_file(rng))
    environment = {f"{PREFIX}API_KEY": KEY, "HOME": str(home / "home")} | any_environment(rng)
    return in_this_process(rng.choice(COMMANDS), environment)


def in_this_process(words: Sequence[str], environment: dict[str, str]) -> int:
    result = CliRunner().invoke(main, words, env=environment)
    check(result.exit_code, result.stdout + result.stderr, f"{words} {environment}")
    return result.exit_code


def collected(
    rng: Random, home: Path, url: str, run: Callable[[Sequence[str], dict[str, str]], int] = in_this_process
) -> int:
    """The exit code of a collect in an environment that works, as a rule, and in an empty folder.

    What it collected can be read in the same environment.
    """
    file = home / "cwd" / ".env"
    if rng.random() < 0.5:
        lines = working_environment(rng, url).items()
        text = "".join(f"{name}='{value}'\n" for name, value in lines if not {"'", "\0", "\n"} & set(value))
        file.write_bytes(text.encode("utf-8", "replace"))
    environment = {f"{PREFIX}API_KEY": KEY, "HOME": str(home / "home")} | working_environment(rng, url)
    code = run(COLLECT, environment)
    if code == 0:
        assert run(rng.choice(READERS), environment) == 0, environment
    check_what_is_left(home)
    for folder in ("cwd", "home"):
        for path in (home / folder).iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return code


def check(code: int, shown: str, what: str) -> None:
    """How a command may end: never with the program's own fault or the key, and if not well, in a few lines."""
    assert code in {0, 1, 2, 5}, f"{code} {what}: {shown}"
    assert not any(word in shown for word in ("Traceback", "this is a bug", KEY, KEY[3:], "hush")), f"{what}: {shown}"
    assert code == 0 or len(shown.splitlines()) <= 5, f"{what}: {shown}"


def fuzz(home: Path, seed: int, tries: int) -> Counter[int]:
    """Exit codes; and nothing is left that should not be."""
    rng = Random(seed)
    codes = Counter(attempt(rng, home) for _ in range(tries))
    check_what_is_left(home)
    return codes


def check_what_is_left(home: Path) -> None:
    left = list(everything(home))
    assert not [path for path in left if path.name.startswith("~") or KEY in str(path)]
    assert not [path for path in left if path.is_file() and path.name != ".env" and KEY.encode() in path.read_bytes()]
    assert {path.name for path in home.iterdir()} == {"cwd", "home", "tmp"}
    assert not list((home / "tmp").glob("avatar-tasks-bug-*"))


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


@pytest.fixture
def gateway() -> Iterator[Server]:
    """One that knows every id."""
    with serving(lambda request: answer(200, TASK % request.task_id.encode())) as server:
        yield server


def test_any_environment_works_or_ends_with_a_sentence(home: Path) -> None:
    """A short form of what follows."""
    codes = fuzz(home, seed=1, tries=200)
    assert codes[2] > 50


def test_an_environment_that_nearly_works_collects_or_ends_with_a_sentence(home: Path, gateway: Server) -> None:
    """More than half go as far as a run; a short form, too."""
    rng = Random(2)
    codes = Counter(collected(rng, home, gateway.url) for _ in range(8))
    assert codes[0] >= 4
    assert len(gateway.requests) >= 8


@pytest.mark.soak
def test_five_hundred_environments_that_nearly_work(home: Path, gateway: Server, figures: Figures) -> None:
    """Runs in this process, and twenty in processes of their own."""
    began, rng = time.monotonic(), Random(3)
    codes = Counter(collected(rng, home, gateway.url) for _ in range(500))
    alone = Counter(collected(rng, home, gateway.url, partial(in_a_process, home)) for _ in range(20))
    shown = [", ".join(f"{n:,} ended with {code}" for code, n in sorted(some.items())) for some in (codes, alone)]
    seconds, polled = time.monotonic() - began, len(gateway.requests)
    figures(
        "environments that nearly work",
        f"{codes.total() + alone.total():,} in {seconds:,.0f} s: {shown[0]}; in processes of their own {shown[1]}; "
        f"{polled:,} requests; what was collected could be read; 0 tracebacks, 0 keys shown or stored",
    )
    assert codes[0] >= 250
    assert alone[0] >= 10


def in_a_process(home: Path, words: Sequence[str], environment: dict[str, str]) -> int:
    given = {name: value.replace("\0", "") for name, value in environment.items() if len(value) < 90_000}
    result = CommandLine(home / "cwd", given)(*words)
    check(result.code, result.out + result.err, f"{words} {given}")
    return result.code


@pytest.mark.soak
def test_sixty_thousand_environments(home: Path, figures: Figures) -> None:
    """Each with a command, through the real entry point in this process."""
    began, codes = time.monotonic(), Counter[int]()
    for seed in range(60):
        codes += fuzz(home, 1_000 + seed, 1_000)
    shown = ", ".join(f"{count:,} ended with {code}" for code, count in sorted(codes.items()))
    seconds = time.monotonic() - began
    figures("environments", f"{codes.total():,} in {seconds:,.0f} s: {shown}; 0 tracebacks, 0 keys shown or stored")
