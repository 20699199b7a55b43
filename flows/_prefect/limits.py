"""Limits for all workers together, on Prefect's server: requests per second and in flight, for all gateways or each."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from prefect.client.schemas.actions import GlobalConcurrencyLimitUpdate
from prefect.exceptions import ObjectNotFound

from flows._prefect.server import read_variable, write_variable
from flows._prefect.shared_rate import IN_FLIGHT_NAME, LIMIT_NAME, Bucket, bucket_for, limit_of_source

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prefect.client.orchestration import PrefectClient

    from pipeline.sources.file import Source

#: Means that there should be no limit.
_NO_LIMIT: Final = Bucket(0, 0)

#: The Prefect variable with the limits that sources.toml had when `setup-prefect` last ran; limits changed since stay.
VARIABLE: Final = "avatar_tasks_limits"
_REMOVED: Final = "removed, because sources.toml no longer has it"


@dataclass(frozen=True)
class Limits:
    """Sets limits, and reports what it changes, or would change if this is a dry run."""

    client: PrefectClient
    report: Callable[[str], None]
    dry_run: bool

    async def set(self, sources: Sequence[Source], rate: float | None, in_flight: int | None) -> None:
        """Set one limit of each kind or, with sources.toml, one of each kind for every gateway.

        Args:
            sources: the gateways; empty if there is no such file.
            rate: maximum requests per second for a gateway without its own rate; 0 removes the limit, None leaves it.
            in_flight: maximum requests in flight for a gateway without its own; 0 removes the limit, None leaves it.
        """
        if not sources:
            await self._put(LIMIT_NAME, *_of_rate(rate))
            await self._put(IN_FLIGHT_NAME, *_of_in_flight(in_flight))
        before = {name: Bucket(*was) for name, was in (await read_variable(self.client, VARIABLE)).items()}
        for one in sources:
            await self._of_source(one, LIMIT_NAME, before, *_of_rate(one.rate or rate))
            await self._of_source(one, IN_FLIGHT_NAME, before, *_of_in_flight(one.in_flight or in_flight))
        names = {limit_of_source(common, one.name) for one in sources for common in (LIMIT_NAME, IN_FLIGHT_NAME)}
        for name in before.keys() - names:
            if await self._now(name) == before[name]:
                await self._put(name, _NO_LIMIT, _REMOVED)
        if not self.dry_run:
            await write_variable(self.client, VARIABLE, _in_file(sources))

    async def _of_source(
        self, source: Source, common: str, before: Mapping[str, Bucket], wanted: Bucket | None, meaning: str
    ) -> None:
        """Set the limit of one gateway; if none is given, the same as the limit that was common to all.

        With a common limit, a gateway that is down would make the others wait. A limit that is no longer in the file is
        removed, unless it was changed by hand.
        """
        name = limit_of_source(common, source.name)
        now = await self._now(name)
        if wanted is None and now == before.get(name):
            wanted, meaning = await self._now(common), f"the same as {common}, which applied to all gateways"
            if wanted is None and now is not None:
                wanted, meaning = _NO_LIMIT, _REMOVED
        await self._put(name, wanted, meaning)

    async def _put(self, name: str, wanted: Bucket | None, meaning: str) -> None:
        if wanted is None or wanted == (await self._now(name) or _NO_LIMIT):
            return
        self.report(f"global limit {name}: {meaning}")
        if self.dry_run:
            return
        if wanted == _NO_LIMIT:
            await self.client.delete_global_concurrency_limit_by_name(name)
            return
        await self.client.upsert_global_concurrency_limit_by_name(name, wanted.slots, wanted.per_second or None)
        if (
            wanted.per_second
        ):  # empty the changed bucket: slots taken at a high rate would take minutes to drain at a low one
            await self.client.update_global_concurrency_limit(name, GlobalConcurrencyLimitUpdate(active_slots=0))

    async def _now(self, name: str) -> Bucket | None:
        try:
            limit = await self.client.read_global_concurrency_limit_by_name(name)
        except ObjectNotFound:
            return None
        return Bucket(limit.limit, limit.slot_decay_per_second)


def _in_file(sources: Sequence[Source]) -> dict[str, Any]:
    """The limits that sources.toml has, by name."""
    wanted = {
        limit_of_source(common, one.name): bucket
        for one in sources
        for common, (bucket, _) in ((LIMIT_NAME, _of_rate(one.rate)), (IN_FLIGHT_NAME, _of_in_flight(one.in_flight)))
    }
    return {name: list(astuple(bucket)) for name, bucket in wanted.items() if bucket is not None}


def _of_rate(rate: float | None) -> tuple[Bucket | None, str]:
    """The limit (None if not given), and a sentence about it."""
    if not rate:
        return (None if rate is None else _NO_LIMIT), "removed"
    return bucket_for(rate), f"at most {rate:g} requests per second over all workers"


def _of_in_flight(in_flight: int | None) -> tuple[Bucket | None, str]:
    if not in_flight:
        return (None if in_flight is None else _NO_LIMIT), "removed"
    return Bucket(in_flight, 0), f"at most {in_flight} requests in flight over all workers"
