"""How many bytes of answers a client may hold, however many requests are in flight and however large answers are.

A body is read in pieces, and everything beyond a first small piece waits until there is memory for it. One body may
always continue regardless, so that several partly read bodies cannot block one another for ever: the total stays below
the limit plus one body plus one piece per request.
"""

import asyncio
from collections import deque

ANSWER_BYTES = 12 * 1024 * 1024
"""For answers between the socket and a segment of the archive. With one body of 8 MB and the first pieces of 64
requests the total is below 32 MB; the operating system's buffers of 64 sockets take some megabytes more."""
PIECE_BYTES = 64 * 1024
"""This much of a body is read without a reservation: more than most answers have."""
LONGEST_STEP_BYTES = 1024 * 1024
"""A growing body doubles its reservation, but by no more than this at a time."""


class Memory:
    """Counts the bodies of requests, of the queue behind them, and of the buffers before the archive."""

    def __init__(self, limit: int = ANSWER_BYTES) -> None:
        self.in_use = 0
        self.peak = 0
        self.writing = asyncio.Lock()
        """Writing to the archive copies the bodies, so only one batch is written at a time."""
        self._limit = limit
        self._waiting: deque[tuple[Reservation, int, asyncio.Future[None]]] = deque()
        self._privileged: Reservation | None = None
        """The one body that may continue beyond the limit."""

    @property
    def is_tight(self) -> bool:
        """More than half is in use: whatever can be written to the archive should be."""
        return self.in_use > self._limit // 2

    def reserve(self) -> "Reservation":
        return Reservation(self)

    def take(self, size: int) -> None:
        """Count bytes that are already in memory; a negative number releases them."""
        self.in_use += size
        self.peak = max(self.peak, self.in_use)
        if size < 0:
            self._let_in_soon()

    async def wait_for(self, reservation: "Reservation", size: int) -> None:
        """Returns once `reservation` may take `size` more bytes."""
        if self._privileged is reservation or (self._may(reservation, size) and not self._waiting):
            self.take(size)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((reservation, size, place))
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.take(-size)
            raise

    def forget(self, reservation: "Reservation") -> None:
        if self._privileged is reservation:
            self._privileged = None
            self._let_in_soon()

    def _may(self, reservation: "Reservation", size: int) -> bool:
        return self.in_use + size <= self._limit or self._privileged is reservation

    def _let_in_soon(self) -> None:
        """Admit waiting bodies after the current task: it may count the bytes again, for their next owner."""
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._let_in)

    def _let_in(self) -> None:
        """Admit waiting bodies in order; the first becomes the privileged one if there is none."""
        while self._waiting:
            reservation, size, place = self._waiting[0]
            if not place.cancelled():
                if not self._may(reservation, size) and self._privileged is None:
                    self._privileged = reservation
                if not self._may(reservation, size):
                    return
                self.take(size)
                place.set_result(None)
            self._waiting.popleft()


class Reservation:
    """The memory reserved for one body."""

    __slots__ = ("_memory", "size")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.size = 0

    async def grow(self, size: int) -> None:
        """Returns once at least `size` bytes are reserved (and some more, so that this is called less often)."""
        if size <= max(self.size, PIECE_BYTES):
            return
        wanted = max(size, min(2 * self.size, self.size + LONGEST_STEP_BYTES), 2 * PIECE_BYTES)
        await self._memory.wait_for(self, wanted - self.size)
        self.size = wanted

    def settle(self, size: int) -> None:
        """Set the reservation to the size of the complete body."""
        more, self.size = size - self.size, size
        self._memory.take(more)

    def release(self) -> None:
        """Stop counting the body here: another owner counts it, or it is no longer needed."""
        self._memory.forget(self)
        self.settle(0)
