"""Whether the server at the base URL is a gateway at all, and whether it accepts the key. Pure.

- **No gateway**: web pages, redirects, and 404s for an unknown path. A gateway's own proxy may send such answers now
  and then, so this is concluded only if none of the first `FOREIGN_TO_END` answers comes from a gateway.
- **The key**: 401, or 403 with the gateway's own envelope. A 403 without it comes from a proxy (a challenge page) and
  says nothing about the key. With it, a message about a key, a user or a quota ends the client immediately. A message
  about a model or a group, or any other, may concern a single task: only `REFUSED_TO_END` in a row end the client.
"""

import re

from gateway import ending
from gateway.ending import End
from gateway.secrets.api_key import ApiKey
from gateway.wire.envelope import Envelope
from gateway.wire.exchange import Answer

FOREIGN_TO_END = 20
REFUSED_TO_END = 10
_UNAUTHORIZED, _FORBIDDEN = 401, 403
_NO_SUCH_PATH = frozenset({404, 405, 410})
_SERVER_ERROR = 500
_JSON = (b"{", b"[")
_TITLE = re.compile(rb"<title[^>]*>\s*([^<]{1,100})", re.IGNORECASE)
_ABOUT_QUOTA = re.compile("quota|balance|credit|billing|额度|余额|欠费", re.IGNORECASE)
_ABOUT_ONE_MODEL = re.compile("model|group|channel|模型|分组|渠道", re.IGNORECASE)
_ABOUT_KEY = re.compile(
    r"\b(api.?)?(key|token)|\bips?\b|user|account|expired|banned|disabled|令牌|密钥|用户|账户|账号|过期|封禁|禁用",
    re.IGNORECASE,
)


class Recognition:
    """What the answers so far show about the server that sends them."""

    def __init__(self, base_url: str, *, has_key: bool, setting: str = ApiKey.setting) -> None:
        self._base_url = base_url
        self._setting = setting
        self._has_key = has_key
        self._is_gateway = False
        self._foreign = 0
        self._foreign_said = ""
        self._refused_in_a_row = 0
        self._refusal: End | None = None

    def answered(self, answer: Answer, envelope: Envelope | None) -> End | None:
        """Records an accepted answer. Returns why nothing more should be polled, or None."""
        self._refused_in_a_row, self._refusal = 0, None
        if self._is_gateway:
            return None
        said = foreign(answer, envelope)
        if said is not None:
            self._foreign += 1
            self._foreign_said = said
        else:
            self._is_gateway = (answer.body or b"").lstrip().startswith(_JSON)
        return self.conclusion() if self._foreign >= FOREIGN_TO_END else None

    def refused(self, status: int | None, envelope: Envelope | None) -> End | None:
        """Records an answer that refuses the key. Returns why nothing more should be polled, or None."""
        self._refused_in_a_row += 1
        said = "" if envelope is None else f"{envelope} {envelope.code}"
        is_quota = is_about_quota(status, envelope)
        message = None if envelope is None else str(envelope)
        self._refusal = ending.key_refused(
            self._base_url, status, message, has_key=self._has_key, is_quota=is_quota, setting=self._setting
        )
        is_about_key = is_quota or (_ABOUT_KEY.search(said) and not _ABOUT_ONE_MODEL.search(said))
        ends = status == _UNAUTHORIZED or is_about_key or self._refused_in_a_row >= REFUSED_TO_END
        return self._refusal if ends else None

    def conclusion(self) -> End | None:
        """What all answers so far point to: no gateway, or a refused key; None if neither."""
        if self._is_gateway:
            return None
        if self._foreign:
            return ending.no_gateway(self._base_url, self._foreign, self._foreign_said)
        return self._refusal


def is_about_quota(status: int | None, envelope: Envelope | None) -> bool:
    """Whether the key is refused because its quota or balance is used up."""
    said = "" if envelope is None else f"{envelope} {envelope.code}"
    return status == _FORBIDDEN and bool(_ABOUT_QUOTA.search(said))


def foreign(answer: Answer, envelope: Envelope | None) -> str | None:
    """How this answer shows that no gateway sent it, as text; None if a gateway may have sent it."""
    status, body = answer.status or 0, (answer.body or b"").lstrip()
    if answer.fault is not None:
        return f"HTTP {status}, a redirect {answer.fault.text}" if answer.fault.kind == "redirect" else None
    if status >= _SERVER_ERROR:
        return None
    if "html" in (answer.content_type or "").lower() or body[:1] == b"<":
        title = _TITLE.search(body)
        named = f" titled {title[1].decode(errors='replace').strip()!r}" if title else ""
        return f"HTTP {status} with a web page{named}"
    if status == _FORBIDDEN:
        return "HTTP 403 without a gateway's error message"
    if status in _NO_SUCH_PATH and (envelope is None or "invalid url" in envelope.message.lower()):
        return f"HTTP {status}: {envelope or body[:100].decode(errors='replace') or 'nothing else'}"
    return None
