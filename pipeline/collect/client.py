"""Create the gateway clients of a run from its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.client import LIST_ENDPOINT, AccessToken, ApiKey, GatewayClient, check_base_url
from gateway.clock import Clock
from gateway.errors import InvalidSetting
from gateway.wire.descriptors import RESERVED, most_in_flight
from pipeline.errors import UnusableInputError
from pipeline.sources.wording import worded_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from pipeline.run import Run
    from pipeline.settings import Settings


def gateway_address(settings: Settings) -> str:
    """The gateway's address.

    Raises:
        UnusableInputError: when no gateway is set, or its address cannot be used.
    """
    if not settings.base_url:
        msg = (
            "no gateway is set: export AVATAR_TASKS_BASE_URL=https://host and AVATAR_TASKS_API_KEY, or give --base-url"
        )
        raise UnusableInputError(msg)
    try:
        return check_base_url(settings.base_url)
    except InvalidSetting as error:
        raise UnusableInputError(worded_for(settings.source, str(error))) from None


def make_client(run: Run) -> GatewayClient:
    """The client that polls tasks.

    Raises:
        UnusableInputError: when no gateway is set, or a setting cannot be used.
    """
    return _client(run, lambda: ApiKey(_secret(run.settings.api_key)), run.settings.task_path)


def make_list_client(run: Run) -> GatewayClient:
    """The client for the gateway's list of tasks, with the account's token instead of the key.

    Raises:
        UnusableInputError: when no token is set, or a setting cannot be used.
    """
    settings = run.settings
    if not settings.access_token:
        msg = (
            "--discover reads the account's list of tasks: set AVATAR_TASKS_ACCESS_TOKEN and AVATAR_TASKS_USER_ID, "
            "which the gateway's dashboard shows in the account's settings (the token is not the key)"
        )
        raise UnusableInputError(worded_for(settings.source, msg))
    return _client(run, lambda: AccessToken(_secret(settings.access_token), _secret(settings.user_id)), LIST_ENDPOINT)


def _secret(value: SecretStr | None) -> str | None:
    return value.get_secret_value() if value else None


def _client(run: Run, key: Callable[[], ApiKey], endpoint: str) -> GatewayClient:
    settings = run.settings
    base_url = gateway_address(settings)
    try:
        return GatewayClient(
            base_url,
            key(),
            endpoint=endpoint,
            source=settings.source,
            concurrency=_most_in_flight(run),
            rate=settings.rate,
            timeout=settings.timeout,
            max_body_bytes=settings.max_body_bytes,
            redact=settings.redact,
            permission=run.permission,
            memory=run.memory,
            clock=Clock(now=run.clock.now),  # a demo's clock is faster, but requests take real time
        )
    except InvalidSetting as error:
        raise UnusableInputError(worded_for(settings.source, str(error))) from None


def _most_in_flight(run: Run) -> int:
    wanted = run.settings.concurrency
    most = most_in_flight(wanted)
    if most < wanted:
        run.warn_once(
            f"this process may not open enough files for {wanted} requests in flight: it uses {most}. "
            f"Raise the limit (ulimit -n {wanted + RESERVED}) to use all of them"
        )
    return most
