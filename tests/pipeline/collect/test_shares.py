"""A list cut into shares: each id is polled by one of them, and the run that cut it says how all of them ended."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
from prefect.states import Completed, Crashed, Failed
from pydantic import SecretStr

from flows._prefect import fan_out as fanning
from pipeline import run as runs
from pipeline.collect import destination
from pipeline.collect.accept import Accepted, accept
from pipeline.collect.batches import fetch_batch
from pipeline.collect.collect import CollectRun
from pipeline.collect.request import CollectRequest
from pipeline.collect.shards import Share
from pipeline.errors import ExitCode
from pipeline.settings import Settings
from tests.command_line import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prefect.client.schemas.objects import State

    from gateway.client import GatewayClient
    from pipeline.collect.summary import Summary
    from pipeline.run import Run
    from tests.command_line import Gateway

KNOWN, GIVEN = 30, 120


@pytest.fixture
def run(tmp_path: Path, gateway: Gateway) -> Run:
    settings = Settings(base_url=gateway.base_url, api_key=SecretStr(KEY), data_dir=tmp_path / "data")
    return runs.begin(settings, "collect")


@pytest.fixture
def accepted(run: Run, gateway: Gateway) -> Accepted:
    """Ids that a run was given, while others wait that an earlier one was given and never polled."""
    accept(runs.begin(run.settings, "collect"), CollectRequest(gateway.world.ids[:KNOWN]))
    return accept(run, CollectRequest(gateway.world.ids[KNOWN : KNOWN + GIVEN]))


async def collect_share(run: Run, parameters: dict[str, Any], all_planned: asyncio.Barrier) -> Summary:
    """What the flow `collect-shard` does. It polls once all know what to poll, as shares do that run at once."""

    async def run_batch(run: Run, client: GatewayClient, ids: list[str]) -> int:
        await all_planned.wait()
        return await fetch_batch(run, client, ids)

    share = Share(parameters["accepted_by"], parameters["number"], parameters["of"])
    own = runs.begin(run.settings, "collect-shard", run_id=parameters["run_id"])
    request = CollectRequest(refresh=parameters["refresh"], share=(share.number, share.of))
    return await CollectRun(own, request, run_batch=run_batch, accepted=share.accepted(run.store)).collect()


def fan_out(run: Run, accepted: Accepted, end_of: Callable[[int], State | None], of: int = 3) -> Summary:
    """The run that cuts, with shares that run in this process, or end as `end_of` their number says."""

    async def final_state(_run: Run, _name: str, parameters: dict[str, Any], _deadline: float | None) -> State:
        if state := end_of(parameters["number"]):
            return state
        await collect_share(run, parameters, all_planned)
        return Completed()

    all_planned = asyncio.Barrier(sum(end_of(number) is None for number in range(of)) or 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(destination, "_CATCH_UP_SECONDS", 60.0)  # shares of a lake need not wait for each other
        patch.setattr(fanning, "final_state", final_state)
        return asyncio.run(fanning.FanOut(run, CollectRequest(), accepted, of).collect())


def test_every_id_is_polled_by_one_share(run: Run, accepted: Accepted, gateway: Gateway) -> None:
    """Given ones and known ones that are due: the gateway counts as many requests as there are ids."""
    summary = fan_out(run, accepted, lambda _: None)
    assert gateway.app.total_calls == KNOWN + GIVEN
    assert (summary.requested, summary.asked, summary.fetched) == (GIVEN, KNOWN + GIVEN, KNOWN + GIVEN)
    assert (summary.exit_code, summary.unreachable, summary.problem) == (ExitCode.DONE, 0, None)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        pytest.param("Flow run encountered an exception: UnusableInputError: no gateway is set", 2, id="settings"),
        pytest.param("Flow run encountered an exception: ArchiveError: cannot write", 2, id="archive"),
        pytest.param("Flow run encountered an exception: KeyError: 'x'", 1, id="bug"),
        pytest.param(None, 1, id="without a word"),
    ],
)
def test_shares_that_all_fail_fail_the_run_and_every_id_counts(
    run: Run, accepted: Accepted, gateway: Gateway, message: str | None, code: int
) -> None:
    """With the code of what ended them, and a sentence that says so; none of the ids is forgotten."""
    summary = fan_out(run, accepted, lambda _: Failed(message=message))
    assert (summary.exit_code, gateway.app.total_calls) == (code, 0)
    assert (summary.requested, summary.asked, summary.unreachable, summary.fetched) == (GIVEN, GIVEN, GIVEN, 0)
    assert "of 3 shares, 1, 2, 3 failed" in str(summary.problem)
    assert (message or "failed") in str(summary.problem)


def test_one_share_that_fails_or_dies_is_named_beside_those_that_do_not(run: Run, accepted: Accepted) -> None:
    """The worst end is that of the run; the counts are those of all."""
    ends: dict[int, State] = {
        1: Failed(message="Flow run encountered an exception: UnusableInputError: x"),
        2: Crashed(),
    }
    summary = fan_out(run, accepted, ends.get)
    assert summary.exit_code == ExitCode.UNEXPECTED
    assert "of 3 shares, 2, 3 failed" in str(summary.problem)
    assert summary.requested == GIVEN
    assert 0 < summary.unreachable < GIVEN
    assert summary.asked == summary.fetched + summary.unreachable


def test_a_share_that_is_refused_is_the_end_of_the_run(run: Run, accepted: Accepted) -> None:
    """Its summary says so, though its flow run is completed."""
    wrong = run.settings.model_copy(update={"api_key": SecretStr("wrong")})
    summary = fan_out(dataclasses.replace(run, settings=wrong), accepted, lambda _: None)
    assert summary.exit_code == ExitCode.KEY_REFUSED
    assert "AVATAR_TASKS_API_KEY" in str(summary.problem)
