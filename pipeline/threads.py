"""Blocking work beside an event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


async def run_to_its_end(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` in a thread. It cannot be cancelled: a cancellation, or any number, waits until it is done.

    Raises:
        CancelledError: when it was cancelled meanwhile and `work` itself has not failed.
    """
    working = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    cancelled: asyncio.CancelledError | None = None
    while not working.done():
        try:
            await asyncio.wait([working])
        except asyncio.CancelledError as error:  # half a write is no write
            cancelled = error
    result = working.result()
    if cancelled is not None:
        raise cancelled
    return result
