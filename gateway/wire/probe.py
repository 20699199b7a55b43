"""Single requests that find out what a server offers: each on its own connection, never retried, never archived."""

from collections.abc import Sequence

from gateway.secrets.api_key import ApiKey
from gateway.wire.exchange import Answer, BulkExchange, Exchange, Limits
from gateway.wire.memory import Memory
from gateway.wire.transport import build_transport

MOST_BODY_BYTES = 8_388_608


async def probe(
    base_url: str, path: str, key: ApiKey, *, timeout_seconds: float, ids: Sequence[str] | None = None
) -> Answer:
    """The answer to one GET of `path`, or to one POST of `ids` to it; its headers are kept, without the key.

    No two probes share a connection, a session or a header, so no other key is sent by mistake.

    Raises:
        InvalidProxy, InvalidCertificates: see `build_transport`.
    """
    transport = build_transport(base_url, 1)
    make = Exchange if ids is None else BulkExchange
    limits = Limits(timeout_seconds, MOST_BODY_BYTES, frozenset(), Memory())
    exchange = make(transport, base_url + path, key, limits, keeps_headers=True)
    try:
        answer = await exchange.get(",".join(ids or ()))
        answer.release()
        return answer
    finally:
        await transport.aclose()
