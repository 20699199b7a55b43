"""Plain engineering English: the private terms of the first version are gone, and none comes back."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent

#: What to write instead of a term. Each is a pattern that legitimate uses of the same word do not match.
SAY: Final = {
    r"\b(lays?|laid|laying)[ _]aside\b": "spill (to disk)",
    r"(\b|_)debris\b": "leftover temporary files",
    r"\b(doz(e|es|ed|ing)|naps?|truces?)\b": "wait, poll interval, cooldown",
    r"\b(Question|Inquiry|Inquirer)\b": "poll request, poller",
    r"\bask(ed|s|ing)? (for )?again\b": "poll again",
    r"\b(last|between two|after three|three|consecutive)[ _]looks?\b": "poll",
    r"\bwritten[ _]whole\b": "atomic write",
    r"\bnever fatal\b|\bends? well\b": "log and continue, handle errors",
    r"\bfor their number\b": "rate-limited (429)",
    r"\b(gravest|commonest|seldom)\b": "worst, most common, rarely",
    r"\bin the mean\b": "on average",
    r"\beither end\b": "success or failure",
    r"\b(un)?mend(s|ed|ing)?\b": "fix, repair",
    r"\b[Ww]hoever\b": "who, anyone who, the process that",
    r"\bat[ _]work\b": "active (run)",
    r"\bserially\b": "serialized, under an advisory lock",
    r"(?<!\d)\d+ %(?= (?![\d\"])|[,.;:)]|$)": "7.3%, without a blank",
    r"\bis no setting\b": "unknown setting",
    r"\b(hands?|handed|handing)[ _]back\b": "return, release; trim (the allocator)",
    r"\bstands? for\b": "represents, replaces",
    r"\bbelieve(s|d)?\b": "current, winner, merged",
    r"\bwhat(ever)? becomes of\b": "what happens to",
    r"\b(Voice|voice(?=[.=(]))": "reporter",
    r"\.tell\(|\.say\(|\bdef (tell|say)\b": "info, notify",
    r"\b(ROOM|rooms|this room|whole room|The room)\b": "package",
    r"\bheld by\b|\bwho(ever)?[ _]holds\b|\bWarehouseHeld": "locked by, lock holder",
    r"\b(turns|advisory_lock)\.turn\b|\b(its|whose) turn\b": "the advisory lock",
    r"\bto be had\b|\bcan be had\b": "available",
    r"\bseen[ _]whole\b": "seen completely",
    r"\bpass(ed|es|ing)?[ _](over|by)\b": "skip, ignore",
    r"\b[Ww]hat c[ao]mes? of\b": "the result, the outcome",
    r"(\b|_)anew\b": "again, recreate",
    r"\bbecame of\b": "happened to, how it ended",
    r"\bput(s|ting)? together\b": "compact, combine",
    r"\bwhole or not at all\b": "complete or not at all, atomic",
    r"\b(lest|hither|thither|thence)\b": "so that … not",
    r"\b[Ss]o long (it|no|nothing|after)\b": "for this long",
    r"\btouched\b": "affected",
    r"\banswers? of use\b": "usable answer",
    r"(?<!there )\b(is no (regular|page|path)|(is|are) no task ids?)\b": "is not a",
    r"\bfolder was begun\b": "created",
    r"\bof which gateway\?": "which gateway it needs, and what to add",
    r"\bnothing is done with\b": "ignored",
    r"\bhead (it|each [^.]*) with \[": "begin it with",
    r"\b[Mm]ost requests (in flight|a second)\b": "maximum requests in flight, per second",
    r"\bwants more than\b": "uses more than",
    r"\b[Aa]ll in all\b|\bthan stand here\b|\bspeaks DuckDB\b": "all tasks; other tables; a DuckDB client",
    r"\bgo(es)? by (its|their) own\b": "uses its own",
    r"\b_?held(_here|_days)?\(|\b(replace|write)_whole\b": "locked_error, active_days; replace atomically",
    r"\b_in_vain\b|\b_(tell|ask)\(con\b|_ask_for_a_lot\b": "without a result; execute, query, request",
}

#: Which files are searched: everything that is written by hand.
SUFFIXES: Final = frozenset({".py", ".sql", ".md", ".yaml", ".yml", ".toml", ".jinja", ".css", ".service", ".sh"})
NAMES: Final = frozenset({"Makefile", "Containerfile", "run", ".dockerignore"})
SKIPPED: Final = frozenset({".git", "cases", "results", "data", "demo", "__pycache__"})
ENVIRONMENTS: Final = ".venv"

#: Any of them: most files have none.
ANY: Final = re.compile("|".join(f"(?:{pattern})" for pattern in SAY), re.MULTILINE)

#: Paths that are not done yet.
NOT_YET: Final = ()


def texts() -> Iterator[tuple[str, str]]:
    """Path below the project and text of each file; of the changelog only what is not released."""
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.is_dir():
                if path.name not in SKIPPED and not path.name.startswith(ENVIRONMENTS) and "_cache" not in path.name:
                    folders.append(path)
            elif path.suffix in SUFFIXES or path.name in NAMES:
                name = str(path.relative_to(ROOT))
                if path.is_file() and name != "tests/test_glossary.py" and not name.startswith(NOT_YET):
                    text = path.read_text(encoding="utf-8")
                    yield name, text.partition("\n## 0.1.0")[0] if name == "CHANGELOG.md" else text


def old_terms(name: str, text: str) -> Iterator[str]:
    """One sentence for each old term in a text: where it is and what to write instead."""
    if not ANY.search(text):
        return
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, term in SAY.items():
            if found := re.search(pattern, line):
                yield f"{name}:{number}: {found[0]!r}: say {term}"


def test_no_old_term_is_left() -> None:
    """Each is named with file, line and what to say instead."""
    found = [one for name, text in texts() for one in old_terms(name, text)]
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize(
    ("text", "term"),
    [
        pytest.param("connection.lay_aside(con)", "spill (to disk)", id="a name"),
        pytest.param("check_no_debris(paths)", "leftover temporary files", id="a part of a name"),
        pytest.param("0 refused for their number", "rate-limited (429)", id="a message"),
        pytest.param("its 95 % interval", "7.3%, without a blank", id="a number"),
        pytest.param("asked for again", "poll again", id="several words"),
        pytest.param("catalog.make_anew(con)", "again, recreate", id="the end of a name"),
        pytest.param("'(' is no regular expression", "is not a", id="an error"),
    ],
)
def test_an_old_term_is_found(text: str, term: str) -> None:
    """In code and in prose; the message ends with the term to use."""
    assert [found.partition(": say ")[2] for found in old_terms("file.py", text)] == [term]


@pytest.mark.parametrize(
    "text",
    [
        "return self._is_open",
        "voice_engine_id",
        "snapshot of a map",
        "recommend, commended",
        "hands them out in batches",
        "index = number % 7",
        '" 42 % ", 42',
        "there is no room on the disk",
    ],
)
def test_legitimate_words_are_left_alone(text: str) -> None:
    """Patterns match whole words and whole names."""
    assert list(old_terms("file.py", text)) == []
