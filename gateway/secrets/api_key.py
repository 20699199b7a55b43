"""The API key, kept out of messages, tracebacks and archived answers."""

import html
import re
import zlib

from gateway.errors import InvalidApiKey

_MASK = "***"

_SHORTEST_SCRUBBED = 6
"""A key of one or two letters is not a secret, and replacing every such letter would ruin the archived body."""

_SHORTEST_PART = 16
"""If the first part of a key with dashes is shorter than this, it is a word and not the secret."""

_WIDEST = 4
"""Bytes of a character in UTF-32."""

_GZIP = b"\x1f\x8b"
_MOST_LAYERS = 3
_MOST_UNPACKED_BYTES = 8_388_608

_UNSENDABLE = "{} has a space, a line break or a character outside ASCII in it. Copy it again."

_LONGEST_ESCAPE = 16
"""The most characters that one character of the key can become when escaped."""

_LETTER_CODE = "(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])"
_LETTER_IN_JSON = re.compile(rf"\\u00{_LETTER_CODE}".encode())
_LETTER_IN_URL = re.compile(rf"%(?:25){{0,4}}{_LETTER_CODE}".encode())
_LETTER_IN_PAGE = re.compile(
    rf"&\#(?:x{_LETTER_CODE}|0?(?:4[89]|5[0-7]|6[5-9]|[78]\d|9[07-9]|1[01]\d|12[0-2]));".encode()
)
"""Escaped letters or digits, which no encoder needs to escape: if there are any, the whole text is searched."""


class ApiKey:
    """A key, or none. `repr` does not show it; `scrub` removes it from a text that may repeat it.

    `setting` names the setting that it comes from, for messages.

    Raises:
        InvalidApiKey: the key cannot be sent in a header.
    """

    setting = "AVATAR_TASKS_API_KEY"

    __slots__ = (
        "_core",
        "_core_bytes",
        "_escaped_pattern",
        "_pattern",
        "_pattern_bytes",
        "_text",
        "_wide_pattern",
        "longest",
    )

    def __init__(self, text: str | None) -> None:
        self._text = (text or "").strip()
        text = None  # a traceback that shows variables would show it
        if not _is_sendable(self._text):
            raise InvalidApiKey(_UNSENDABLE.format(self.setting))
        forms = _forms(self._text)
        self._core = _plain_core(forms[-1]) if forms else None
        self._core_bytes = (self._core or "").encode("ascii")
        spellings = "|".join("".join(map(_spelling, form)) for form in forms)
        self._pattern, self._pattern_bytes = re.compile(spellings), re.compile(spellings.encode("ascii"))
        self._escaped_pattern = re.compile("|".join("".join(map(_any_spelling, form)) for form in forms))
        wide = "|".join(r"\x00{0,3}".join(map(re.escape, form)) for form in forms)
        self._wide_pattern = re.compile(wide.encode("ascii"))
        self.longest = _longest_spelling(self._text) if forms else 0
        """Upper bound for the length of the longest spelling, in bytes."""

    def __repr__(self) -> str:
        return f"ApiKey({_MASK if self._text else 'none'})"

    def __bool__(self) -> bool:
        return bool(self._text)

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._text}"} if self._text else {}

    def scrub(self, text: str) -> str:
        if self._core is None:
            return text
        if self._core in text:
            text = self._pattern.sub(_MASK, text)
        return self._escaped_pattern.sub(_MASK, text) if _has_escaped_letters(text.encode(errors="replace")) else text

    def scrub_bytes(self, body: bytes) -> bytes:
        """Remove the key, also in UTF-16 and UTF-32.

        A body that is gzip although its headers do not say so is replaced as a whole if it contains the key.
        """
        if self._core is None:
            return body
        if self._core_bytes in body:
            body = self._pattern_bytes.sub(_MASK.encode("ascii"), body)
        if _has_escaped_letters(body):
            body = self._escaped_pattern.sub(_MASK, body.decode("latin-1")).encode("latin-1")
        if b"\0" in body and self._core_bytes in body.replace(b"\0", b""):
            body = self._wide_pattern.sub(_MASK.encode("ascii"), body)
        if body.startswith(_GZIP) and self._is_packed_in(body):
            return _MASK.encode("ascii")
        return body

    def _is_packed_in(self, body: bytes) -> bool:
        for _ in range(_MOST_LAYERS):
            if not body.startswith(_GZIP):
                return False
            try:
                body = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(body, _MOST_UNPACKED_BYTES)
            except zlib.error:
                return False
            if self._core_bytes in body.replace(b"\0", b""):
                return True
        return False


class AccessToken(ApiKey):
    """The token of an account, which opens its list of tasks: sent without `Bearer`, and with the user's number.

    Raises:
        InvalidApiKey: the token or the number cannot be sent in a header.
    """

    setting = "AVATAR_TASKS_ACCESS_TOKEN"

    __slots__ = ("_user_id",)

    def __init__(self, text: str | None, user_id: str | None = None) -> None:
        self._user_id, user_id = (user_id or "").strip(), None
        given, text = [text], None  # as above: neither secret stays in a variable of this frame
        super().__init__(given.pop())
        if not _is_sendable(self._user_id):
            raise InvalidApiKey(_UNSENDABLE.format("AVATAR_TASKS_USER_ID"))

    def headers(self) -> dict[str, str]:
        token = {"Authorization": self._text} if self._text else {}
        return token | ({"New-Api-User": self._user_id} if self._user_id else {})


def _is_sendable(text: str) -> bool:
    """Whether a header can hold the text. Never raises: a traceback that shows variables would show the text."""
    return all("!" <= character <= "~" for character in text)


def _has_escaped_letters(text: bytes) -> bool:
    """Whether letters or digits are escaped. It looks for the escape sign first, which is ten times as fast."""
    return (
        (b"%" in text and _LETTER_IN_URL.search(text) is not None)
        or (b"\\u00" in text and _LETTER_IN_JSON.search(text) is not None)
        or (b"&#" in text and _LETTER_IN_PAGE.search(text) is not None)
    )


def _forms(key: str) -> list[str]:
    """The parts of a key that a gateway may repeat, longest first: the whole key, or the part stored in its database.

    The full key is `sk-`, the stored part, and possibly `-` and a channel's number.
    """
    secret = key.removeprefix("sk-")
    in_database = secret.partition("-")[0]
    forms = {key, secret, in_database if len(in_database) >= _SHORTEST_PART else secret}
    return sorted((form for form in forms if len(form) >= _SHORTEST_SCRUBBED), key=len, reverse=True)


def _longest_spelling(key: str) -> int:
    return max(_WIDEST, _LONGEST_ESCAPE) * len(key)


def _plain_core(form: str) -> str:
    """The longest piece that is the same in every spelling: a text without it does not need to be searched."""
    return max(re.split("[^A-Za-z0-9]", form), key=len)


def _spelling(character: str) -> str:
    """A pattern for the spellings of a character: escaped for JSON, a URL or HTML, also more than once."""
    return re.escape(character) if character.isalnum() else _any_spelling(character)


def _any_spelling(character: str) -> str:
    """As `_spelling`, with letters and digits escaped as well."""
    plain, code = re.escape(character), ord(character)
    in_page = re.escape(html.escape(character))
    return (
        rf"(?:\\{{0,8}}{plain}|\\{{1,8}}u00(?i:{code:02x})|%(?:25){{0,4}}(?i:{code:02x})"
        rf"|{in_page}|&\#0?{code};|&\#x(?i:{code:x});)"
    )
