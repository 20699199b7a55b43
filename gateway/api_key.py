"""The key, held so that it shows up nowhere."""

from gateway.errors import InvalidApiKey

_MASK = "***"

_SHORTEST_SCRUBBED = 6
"""A key of a letter or two is nobody's secret, and replacing every such letter would ruin what is kept."""


class ApiKey:
    """A key, or none. Its text is in no `repr`; whatever echoes it is cleaned with `scrub`.

    Raises:
        InvalidApiKey: it cannot stand in a header.
    """

    __slots__ = ("_forms", "_text")

    def __init__(self, text: str | None) -> None:
        self._text = (text or "").strip()
        if any(not "!" <= character <= "~" for character in self._text):
            raise InvalidApiKey(
                "AVATAR_TASKS_API_KEY has a space, a line break or a character outside ASCII in it. Copy it once more."
            )
        secret = len(self._text) >= _SHORTEST_SCRUBBED
        spellings = {self._text, self._text.replace("/", "\\/")} if secret else set()
        self._forms = tuple(sorted(spellings, key=len, reverse=True))

    def __repr__(self) -> str:
        return f"ApiKey({_MASK if self._text else 'none'})"

    def __bool__(self) -> bool:
        return bool(self._text)

    @property
    def longest(self) -> int:
        """Bytes of the longest spelling."""
        return max(map(len, self._forms), default=0)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._text}"} if self._text else {}

    def scrub(self, text: str) -> str:
        for form in self._forms:
            text = text.replace(form, _MASK)
        return text

    def scrub_bytes(self, body: bytes) -> bytes:
        for form in self._forms:
            body = body.replace(form.encode("ascii"), _MASK.encode("ascii"))
        return body
