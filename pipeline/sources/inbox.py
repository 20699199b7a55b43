"""An inbox for several gateways has a folder for each of them; files outside of these folders belong to none."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipeline.intake.rejections import shown_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.sources.file import Source

#: How many files a warning names at most.
_NAMED: Final = 10


def warn_of_strays(inbox: str | None, sources: Sequence[Source], warn: Callable[[str], None]) -> None:
    """Warn of files in an inbox that are in no gateway's folder, because nothing reads them."""
    if inbox is None:
        return
    folder, strays = Path(inbox), list[str]()
    with contextlib.suppress(OSError):
        strays = sorted(one.name for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
    if strays:
        more = f" and {len(strays) - _NAMED:,} more" if len(strays) > _NAMED else ""
        places = " or ".join(str(folder / one.name) for one in sources)
        names = ", ".join(map(shown_path, strays[:_NAMED]))
        warn(f"{names}{more} in {shown_path(inbox)} are in no gateway's folder, and not read: move them to {places}")
