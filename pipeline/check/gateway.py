"""What the gateway offers, checked with at most four requests: one task, many tasks, the account's list, the status.

None of them changes anything: they read a task that is known, or one that cannot exist, the list, or the status.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from gateway.client import AccessToken, ApiKey, check_base_url
from gateway.clock import SYSTEM_CLOCK, Clock
from gateway.ending import why_key_refused
from gateway.errors import InvalidSetting
from gateway.pace.retries import Verdict, judge
from gateway.recognition import foreign, is_about_quota
from gateway.wire.endpoints import BULK_ENDPOINT, LIST_ENDPOINT, STATUS_ENDPOINT
from gateway.wire.envelope import read_envelope
from gateway.wire.probe import probe
from pipeline.check.finding import Finding, error, refusal
from pipeline.collect.bulk.comparison import bulk_task, compare, single_task
from pipeline.errors import ExitCode
from transforms.pages import error_message, read_bulk, read_page, requested_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

    from gateway.wire.exchange import Answer
    from pipeline.settings import Settings

_AREA: Final = "gateway"
_MOST_SECONDS: Final = 15.0
_CLIENT_ERROR, _OK = 400, 200

#: A smaller difference between two clocks does not matter.
_FEW_SECONDS: Final = 60.0

#: Looks like an id, but no task has it.
NO_TASK: Final = "0" * 32

#: What to do, by kind of fault.
_REMEDIES: Final = {
    "connect": "Check host and port of AVATAR_TASKS_BASE_URL, and that the gateway is up",
    "dns": "Check the host's name in AVATAR_TASKS_BASE_URL, and this machine's name service",
    "tls": "Check whether AVATAR_TASKS_BASE_URL has to begin with http:// or https://; for a certificate of your own, "
    "set SSL_CERT_FILE to its file",
    "timeout": "Raise AVATAR_TASKS_TIMEOUT, or run again when the gateway is less busy",
}


@dataclass(slots=True)
class GatewayCheck:
    """Sends the requests and collects findings.

    Args:
        settings: those in force, with the secrets that a Prefect block holds.
        known_id: a task of this gateway; None if none is known.
        clock: the gateway's clock is compared with it.

    Attributes:
        findings: so far.
        offers: so far; see `Checked`.
    """

    settings: Settings
    known_id: str | None = None
    clock: Clock = SYSTEM_CLOCK
    findings: list[Finding] = field(default_factory=list)
    offers: dict[str, Any] = field(
        default_factory=lambda: dict.fromkeys(("single", "bulk", "list", "status", "rate_limit_headers"))
    )
    _task: dict[str, Any] | None = None

    async def run(self) -> None:
        """Send the requests. If the first shows that no gateway answers there, no key or token is sent again."""
        try:
            key, token = ApiKey(_text(self.settings.api_key)), _token(self.settings)
            wrong = await self._single(key)
            if wrong is None or wrong.name != "address":
                await self._status()
            if wrong is None or wrong.exit_code is ExitCode.KEY_REFUSED:
                await self._bulk(key)
                await self._list(token)
        except InvalidSetting as problem:
            self._add(refusal(_AREA, "address", problem))

    async def _send(self, path: str, key: ApiKey, ids: Sequence[str] | None = None) -> Answer:
        timeout = min(self.settings.timeout, _MOST_SECONDS)
        answer = await probe(check_base_url(self.settings.base_url or ""), path, key, timeout_seconds=timeout, ids=ids)
        limits = {name: value for name, value in answer.headers.items() if _is_about_limits(name)}
        if limits:
            self.offers["rate_limit_headers"] = (self.offers["rate_limit_headers"] or {}) | limits
        return answer

    async def _single(self, key: ApiKey) -> Finding | None:
        """Request one task. What is wrong with the address, the key or the answer; None if nothing is."""
        answer = await self._send(self.settings.task_path.replace("{id}", self.known_id or NO_TASK), key)
        if answer.status is None:
            self._add(unreachable := self._unreachable(answer))
            return unreachable
        self._add(Finding(_AREA, "address", "ok", f"{self.settings.base_url} answers"))
        self._clock_difference(answer)
        wrong = self._judged(answer, key)
        self.offers["single"] = wrong is None
        self._task = single_task(answer.status, answer.body)
        self._add(wrong or self._about_known_id(answer))
        return wrong

    def _unreachable(self, answer: Answer) -> Finding:
        kind = answer.fault.kind if answer.fault else ""
        remedy = _REMEDIES.get(kind, _REMEDIES["connect"])
        return error(_AREA, "address", f"no answer: {answer.fault}", remedy, ExitCode.UNREACHABLE)

    def _judged(self, answer: Answer, key: ApiKey) -> Finding | None:
        """What is wrong with the answer to the request for a task; None if nothing is."""
        envelope = read_envelope(answer.body) if (answer.status or 0) >= _CLIENT_ERROR else None
        verdict = judge(answer.status, answer.fault.kind if answer.fault else None, None, envelope)
        if (other := foreign(answer, envelope)) is not None:
            remedy = (
                "Compare scheme, host, port and path of AVATAR_TASKS_BASE_URL, and AVATAR_TASKS_TASK_PATH, with what "
                "the operator gave you"
            )
            return error(_AREA, "single", f"no gateway answers at {self.settings.task_path}, but {other}", remedy)
        if verdict is Verdict.DENIED:
            said = None if envelope is None else str(envelope)
            is_quota = is_about_quota(answer.status, envelope)
            what, remedy = why_key_refused(answer.status, said, has_key=bool(key), is_quota=is_quota)
            return error(_AREA, "API_KEY", f"the gateway {what}", remedy, ExitCode.KEY_REFUSED)
        if verdict is Verdict.REFUSED:
            remedy = "Wait a minute, and set AVATAR_TASKS_RATE to what the gateway allows"
            return error(_AREA, "single", "rate-limited (429) at the first request", remedy, ExitCode.UNREACHABLE)
        if verdict.is_failure:
            text = f"it fails: {answer.fault or f'HTTP {answer.status}'}" + (f", {str(envelope)!r}" if envelope else "")
            remedy = (
                _REMEDIES["timeout"] if answer.fault else "Run again later; if it lasts, ask the gateway's operator"
            )
            return error(_AREA, "single", text, remedy, ExitCode.UNREACHABLE)
        return None

    def _about_known_id(self, answer: Answer) -> Finding:
        accepted = f"{self.settings.task_path} answers, and the key is accepted"
        if self.known_id is None or answer.status == _OK:
            return Finding(_AREA, "single", "ok", accepted)
        text = f"{accepted}, but it does not know {self.known_id}, which it knew before"
        remedy = "Check that AVATAR_TASKS_API_KEY belongs to the account of these tasks, and check AVATAR_TASKS_SOURCE"
        return Finding(_AREA, "single", "warning", text, remedy)

    def _clock_difference(self, answer: Answer) -> None:
        try:
            there = parsedate_to_datetime(answer.headers.get("date", ""))
            seconds = (there - self.clock.now()).total_seconds()
        except (ValueError, TypeError):
            return
        if abs(seconds) < _FEW_SECONDS:
            self._add(Finding(_AREA, "clock", "ok", f"it differs from this machine's by {abs(seconds):.0f} s"))
            return
        text = f"the gateway's is {abs(seconds):,.0f} s {'ahead of' if seconds > 0 else 'behind'} this machine's"
        remedy = "Set this machine's clock (timedatectl set-ntp true); ages and due times depend on it"
        self._add(Finding(_AREA, "clock", "warning", text, remedy))

    async def _status(self) -> None:
        answer = await self._send(STATUS_ENDPOINT, ApiKey(None))
        said = _object(_object(answer.body).get("data"))
        version = said.get("version") or answer.gateway_version
        unit = said.get("quota_per_unit")
        if not said:
            self._add(Finding(_AREA, "status", "info", f"not offered at {STATUS_ENDPOINT}"))
            return
        self.offers["status"] = {"version": version, "quota_per_unit": unit}
        quota = f", {unit:,} of quota are one unit" if isinstance(unit, int | float) else ""
        self._add(Finding(_AREA, "status", "ok", f"version {version}{quota}"))

    async def _bulk(self, key: ApiKey) -> None:
        task_id = self.known_id or NO_TASK
        answer = await self._send(BULK_ENDPOINT, key, [task_id])
        page = read_bulk(answer.body) if answer.status == _OK else None
        items = [bulk_task(item.raw) for item in requested_items(page, task_id)]
        is_same = bool(items) and compare(self._task, items[0], items[0]) != "other"
        self.offers["bulk"] = is_same or (None if page is not None and not items else False)
        self._add(self._bulk_finding(answer, is_offered=page is not None, is_known=bool(items), is_same=is_same))

    def _bulk_finding(self, answer: Answer, *, is_offered: bool, is_known: bool, is_same: bool) -> Finding:
        if is_same:
            text = f"POST {BULK_ENDPOINT} answers many ids at once, with the same answers as for single ids"
            return Finding(_AREA, "bulk", "ok", text)
        if is_offered and self.known_id is None:
            text = f"POST {BULK_ENDPOINT} answers; it can be compared with single answers once a task is known"
            return Finding(_AREA, "bulk", "info", text)
        why = f"HTTP {answer.status}" if answer.status else answer.fault
        if is_offered:
            why = "differs from the answer for the single task" if is_known else "does not know these tasks"
        text = f"not used at POST {BULK_ENDPOINT} ({why}): each id gets its own request"
        if self.settings.fetch == "bulk":
            return Finding(_AREA, "bulk", "warning", text, "Set AVATAR_TASKS_FETCH to single, or to auto")
        return Finding(_AREA, "bulk", "info", text)

    async def _list(self, token: AccessToken | None) -> None:
        if token is None:
            text = f"not checked: {LIST_ENDPOINT} needs AVATAR_TASKS_ACCESS_TOKEN and AVATAR_TASKS_USER_ID"
            self._add(Finding(_AREA, "list", "info", text))
            return
        answer = await self._send(f"{LIST_ENDPOINT}?p=1&page_size=1", token)
        page = read_page(answer.body) if answer.status == _OK else None
        self.offers["list"] = page.paging if page else False
        if page is not None:
            total = f", {page.total:,} tasks" if page.total is not None else ""
            self._add(Finding(_AREA, "list", "ok", f"{LIST_ENDPOINT} with {page.paging} paging{total}"))
            return
        self._add(_no_list(answer))

    def _add(self, finding: Finding) -> None:
        self.findings.append(finding)


def _no_list(answer: Answer) -> Finding:
    said = error_message(answer.body)
    if said is not None:
        remedy = "Check AVATAR_TASKS_ACCESS_TOKEN and AVATAR_TASKS_USER_ID: the token is not the key"
        return error(_AREA, "list", f"the gateway refuses to show it: {said!r}", remedy, ExitCode.KEY_REFUSED)
    verdict = judge(answer.status, answer.fault.kind if answer.fault else None, None, read_envelope(answer.body))
    if verdict in {Verdict.DENIED, Verdict.REFUSED} or verdict.is_failure:
        is_denied = verdict is Verdict.DENIED
        remedy = (
            "Check AVATAR_TASKS_ACCESS_TOKEN and AVATAR_TASKS_USER_ID" if is_denied else "Run again in a few minutes"
        )
        code = ExitCode.KEY_REFUSED if is_denied else ExitCode.UNREACHABLE
        return error(
            _AREA, "list", f"no page of it could be read: {answer.fault or f'HTTP {answer.status}'}", remedy, code
        )
    text = f"a token is set, but there is no list at {LIST_ENDPOINT} (HTTP {answer.status})"
    return error(_AREA, "list", text, "Give ids instead of --discover, and unset AVATAR_TASKS_ACCESS_TOKEN")


def _token(settings: Settings) -> AccessToken | None:
    token = _text(settings.access_token)
    return AccessToken(token, _text(settings.user_id)) if token else None


def _text(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


def _object(value: object) -> dict[str, Any]:
    """A JSON object, parsed first if given as bytes; an empty one for anything else."""
    if isinstance(value, bytes):
        with contextlib.suppress(ValueError, RecursionError):
            value = json.loads(value)
    return value if isinstance(value, dict) else {}


def _is_about_limits(name: str) -> bool:
    return "ratelimit" in name.replace("-", "") or name == "retry-after"
