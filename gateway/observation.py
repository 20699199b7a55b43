"""What one look at one task gave: the raw facts, of which `transforms` decides the outcome."""

from datetime import datetime
from typing import NamedTuple


class Observation(NamedTuple):
    """One per id asked, whatever happened; where several requests were sent, the facts are those of the last."""

    source: str
    task_id: str
    observed_at: datetime
    """Aware, UTC: when the answer was complete or was given up."""
    http_status: int | None
    """None when no answer came."""
    content_type: str | None
    body: bytes | None
    """As it came, after content-decoding; what there is of it when `error` is set; None when no answer came."""
    body_cut: bool
    """The body was longer than the limit and ends there."""
    elapsed_ms: float | None
    """Of the last request."""
    attempts: int
    """Requests that counted as tries: the first and its retries. 0 if all there was were refusals."""
    refusals: int
    """Further requests that were answered with 429 or a throttling 503."""
    request_id: str | None
    """`X-Oneapi-Request-Id`: what a gateway's support asks for."""
    gateway_version: str | None
    """`X-New-Api-Version`."""
    error: str | None
    """`kind: text` when no whole answer came. Kinds: timeout, connect, dns, tls, reset, truncated, protocol, encoding,
    redirect, unexpected."""
