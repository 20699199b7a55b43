"""An error that no other handler catches is a bug: report it in one line, and write its traceback to a file."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
import tempfile
import traceback
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from gateway.errors import InvalidApiKey
from gateway.secrets.api_key import ApiKey
from pipeline.sources.choose import secret_variables
from warehouse.environment import SECRETS, read_environment, read_variable
from warehouse.errors import EnvironmentFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What looks like a key, a password in a connection string, or one in a URL.
_LOOKS_SECRET: Final = re.compile(
    r"\b(?P<key>sk-)[\w-]{6,}|(?P<name>password\s*=\s*)(?:'[^']*'|\S+)|(?P<user>://[^:/@\s]*:)[^/@\s]+(?=@)",
    re.IGNORECASE,
)


def report_bug(error: BaseException) -> str:
    """Write the traceback of `error` to a file for its owner only; returns the sentence that says where it is."""
    what = masked(f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}")
    try:
        descriptor, path = tempfile.mkstemp(prefix="avatar-tasks-bug-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(masked("".join([*_circumstances(), *traceback.format_exception(error)])))
    except OSError as problem:
        return (
            f"this is a bug: {what}. Please report it; its traceback cannot be written ({problem.strerror or problem})"
        )
    return f"this is a bug: {what}. Nothing archived is lost. Please report it with its traceback, which is in {path}"


def masked(text: str) -> str:
    """`text` without the secrets in force, and without anything that looks like a key or a password."""
    for secret in _secrets_in_force():
        with contextlib.suppress(InvalidApiKey):
            text = ApiKey(secret).scrub(text)
    return _LOOKS_SECRET.sub(lambda found: f"{found['key'] or found['name'] or found['user']}***", text)


def _secrets_in_force() -> Iterator[str]:
    try:
        values = read_environment()
    except (EnvironmentFileError, OSError):
        values = {name.upper(): value for name, value in os.environ.items()}
    yield from filter(None, (values.get(name) for name in SECRETS))
    with contextlib.suppress(EnvironmentFileError, OSError):
        yield from filter(None, map(read_variable, secret_variables()))


def _circumstances() -> Iterator[str]:
    packages = ", ".join(f"{name} {version(name)}" for name in ("avatar-tasks", "duckdb", "polars"))
    yield f"{packages}; Python {platform.python_version()} on {platform.platform()}\n"
    yield f"command: {' '.join(sys.argv[1:2])}\n\n"
