"""How many bytes of answers a client may hold, however many requests are in flight and however large answers are.

A body is read in pieces, and everything beyond a first small piece waits until there is room. One body may always go
on, room or not, so that many that each hold a part do not wait for one another for ever: what is held stays below the
limit, one body, and a piece for each request.
"""

import asyncio
from collections import deque

ANSWER_BYTES = 12 * 1024 * 1024
"""Of answers on their way from the socket to a segment of the archive. With one body of 8 MB and the first pieces of 64
requests it is below 32 MB in all; the buffers of 64 sockets, which the system keeps, take some megabytes more."""
PIECE_BYTES = 64 * 1024
"""Of a body, what is read without asking: more than most answers have."""
LONGEST_STEP_BYTES = 1024 * 1024
"""A body that grows asks for as much as it has, and for no more than this."""


class Memory:
    """Shared by all that hold bodies: requests, the queue behind them, the buffers before the archive."""

    def __init__(self, limit: int = ANSWER_BYTES) -> None:
        self.held = 0
        self.most_held = 0
        self.writing = asyncio.Lock()
        """Bodies are copied while they are written to the archive, so one writes at a time."""
        self._limit = limit
        self._waiting: deque[tuple[Hold, int, asyncio.Future[None]]] = deque()
        self._favoured: Hold | None = None
        """Whose body goes on, room or not."""

    @property
    def is_tight(self) -> bool:
        """More than half is held: what can be written to the archive should be."""
        return self.held > self._limit // 2

    def hold(self) -> "Hold":
        return Hold(self)

    def take(self, size: int) -> None:
        """Count bytes that are there already; negative to let go of them."""
        self.held += size
        self.most_held = max(self.most_held, self.held)
        if size < 0:
            self._let_in_soon()

    async def wait_for(self, hold: "Hold", size: int) -> None:
        """Returns once `hold` may hold `size` more."""
        if self._favoured is hold or (self._may(hold, size) and not self._waiting):
            self.take(size)
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((hold, size, place))
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.take(-size)
            raise

    def forget(self, hold: "Hold") -> None:
        if self._favoured is hold:
            self._favoured = None
            self._let_in_soon()

    def _may(self, hold: "Hold", size: int) -> bool:
        return self.held + size <= self._limit or self._favoured is hold

    def _let_in_soon(self) -> None:
        """Once the task that runs has to wait: it may count again, as another owner, what it has just let go of."""
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._let_in)

    def _let_in(self) -> None:
        """Those who wait, in their order; the first is favoured if nobody is."""
        while self._waiting:
            hold, size, place = self._waiting[0]
            if not place.cancelled():
                if not self._may(hold, size) and self._favoured is None:
                    self._favoured = hold
                if not self._may(hold, size):
                    return
                self.take(size)
                place.set_result(None)
            self._waiting.popleft()


class Hold:
    """What one body holds."""

    __slots__ = ("_memory", "size")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.size = 0

    async def grow(self, size: int) -> None:
        """Holds at least `size`, and some more, once there is room."""
        if size <= max(self.size, PIECE_BYTES):
            return
        wanted = max(size, min(2 * self.size, self.size + LONGEST_STEP_BYTES), 2 * PIECE_BYTES)
        await self._memory.wait_for(self, wanted - self.size)
        self.size = wanted

    def settle(self, size: int) -> None:
        """The body is whole, and so large."""
        more, self.size = size - self.size, size
        self._memory.take(more)

    def release(self) -> None:
        """Stop counting the body here: another owner counts it, or nobody needs it."""
        self._memory.forget(self)
        self.settle(0)
