"""The values of `AVATAR_TASKS_*`: from the environment, else from `.env` in the working folder. Names in upper case."""

from __future__ import annotations

import codecs
import io
import logging
import os
from pathlib import Path
from typing import Final

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from warehouse.errors import EnvironmentFileError

PREFIX: Final = "AVATAR_TASKS_"

#: A variable whose name begins with one of these, in upper or lower case, holds a secret or the name of one.
SECRETS: Final = (
    f"{PREFIX}API_KEY",
    f"{PREFIX}ACCESS_TOKEN",
    f"{PREFIX}USER_ID",
    f"{PREFIX}CALLBACK_SECRET",
)

FILE: Final = Path(".env")

#: It warns about lines that are not assignments, without the name of the file.
logging.getLogger("dotenv.main").setLevel(logging.ERROR)

#: The first bytes of text files in UTF-16. One without a byte order mark has NUL characters.
_OTHER_TEXT: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_environment() -> dict[str, str]:
    """The values that are set and not empty; the environment overrides the file, a name in upper case other spellings.

    Raises:
        EnvironmentFileError: when there is a file that cannot be read.
    """
    in_file, outside = read_layers().values()
    return in_file | outside


def read_layers() -> dict[str, dict[str, str]]:
    """The values of `read_environment` by origin: those in `.env`, and those in the environment, which override them.

    Raises:
        EnvironmentFileError: when there is a file that cannot be read.
    """
    return {str(FILE): _named(_from_file()), "environment": _named(dict(os.environ))}


def read_variable(name: str) -> str | None:
    """The value of any variable, such as one that holds a gateway's key: from the environment, else from `.env`.

    Raises:
        EnvironmentFileError: when there is a file that cannot be read.
    """
    return os.environ.get(name) or variable_in_file(name)


def variable_in_file(name: str) -> str | None:
    """The value of any variable in `.env`.

    Raises:
        EnvironmentFileError: when there is a file that cannot be read.
    """
    return _from_file().get(name) or None


def _named(values: dict[str, str]) -> dict[str, str]:
    ours = {name: value for name, value in values.items() if name.upper().startswith(PREFIX) and value}
    return {name.upper(): value for name, value in ours.items()} | {
        name: value for name, value in ours.items() if name.isupper()
    }


def _from_file() -> dict[str, str]:
    text = _text_of_file()
    if not text:
        return {}
    for one in parse_stream(io.StringIO(text)):
        words = one.original.string.lstrip()
        if one.error and PREFIX in words.upper():  # others belong to another program
            line = one.original.line + one.original.string.removesuffix(words).count("\n")
            raise EnvironmentFileError(f"cannot read settings from {FILE}: line {line} is not NAME=value")
    return {name: value or "" for name, value in dotenv_values(stream=io.StringIO(text)).items()}


def _text_of_file() -> str | None:
    """The text of `.env`; None if there is no such file. A folder with that name is a virtual environment."""
    try:
        if FILE.is_dir() or not os.path.lexists(FILE):
            return None
        raw = FILE.read_bytes()
    except OSError as error:
        raise _unreadable(error.strerror or str(error)) from None
    if raw.startswith(_OTHER_TEXT) or b"\0" in raw:
        raise _unreadable("it is UTF-16, or not a text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:  # not chained: its message shows the bytes, which may contain a key
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unreadable(f"line {line} is not UTF-8") from None


def _unreadable(why: str) -> EnvironmentFileError:
    return EnvironmentFileError(f"cannot read settings from {FILE}: {why}. Save it as UTF-8 text, or move it away")
