"""The result of polling one task once: raw facts, from which `transforms` derives the outcome."""

from datetime import datetime
from typing import NamedTuple


class Observation(NamedTuple):
    """One per polled id, whatever happened; if several requests were sent, the facts are those of the last."""

    source: str
    task_id: str
    observed_at: datetime
    """Aware, UTC: when the answer was complete, or the request was given up."""
    http_status: int | None
    """None if there was no answer."""
    content_type: str | None
    body: bytes | None
    """As received, after content-decoding; possibly incomplete if `error` is set; None if there was no answer."""
    body_cut: bool
    """The body was longer than the limit and was cut there."""
    elapsed_ms: float | None
    """Of the last request."""
    attempts: int
    """The first request and its retries. 0 if every request was rate-limited."""
    refusals: int
    """Further requests, answered with 429 or a throttling 503."""
    request_id: str | None
    """`X-Oneapi-Request-Id`: what a gateway's support needs to find the request."""
    gateway_version: str | None
    """`X-New-Api-Version`."""
    error: str | None
    """`kind: text` if there was no complete answer. Kinds: timeout, connect, dns, tls, reset, truncated, protocol,
    encoding, redirect, unexpected."""
