"""What `REDACT` strips from a body before it is stored.

- `notify_hook`: the value of every key of that name becomes "", also inside strings that hold JSON themselves.
- `signed_urls`: every http(s) URL loses its query, where the signature is.

Both also apply to percent-encoded text, encoded once or several times.

JSON stays valid, and byte for byte the same outside the changed strings. Text that is not JSON (a web page, a body that
was cut) is redacted by pattern, which may remove too much rather than too little.
"""

import json
import re

from gateway.errors import UnknownRedaction

NOTIFY_HOOK = "notify_hook"
SIGNED_URLS = "signed_urls"
REDACTIONS = frozenset({NOTIFY_HOOK, SIGNED_URLS})

_DEEPEST = 8
"""From this depth of JSON inside strings inside JSON …, text is redacted by pattern."""
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_COLON = re.compile(r"\s*:\s*")
_URL = re.compile(
    r"""
    https?:(?:\\{0,64}/){2}                # slashes may be escaped
    (?:
        (?!\\{1,64}")                      # never half of an escaped quote
        (?!,https?:)                       # a list of URLs is several
        [^\s"<>，。；、）】」]
    )*
    """,
    re.IGNORECASE | re.VERBOSE,
)
_QUERY = re.compile(r"\?|\\u003f", re.IGNORECASE)
_ENCODED_URL = re.compile(r"https?%(?:25)*3A%(?:25)*2F%(?:25)*2F(?:(?!%(?:25)*22)[^\s\"'<>\\&,])*", re.IGNORECASE)
_ENCODED_QUERY = re.compile(r"\?|%(?:25)*3F", re.IGNORECASE)
_HOOK = re.compile(
    r"""
    (\\{0,64}["']notify_hook\\{0,64}["']\s*[:=]\s*)
    (?:
        (?P<quote>\\{0,64}["']) (?:(?!(?<!\\)(?P=quote)).)* (?:(?P=quote)|\Z)
      | [^\s,}\]"'\\]+
    )
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_ENCODED_HOOK = re.compile(
    r"""
    (?P<key> (?<![\w.-])notify_hook=) [^&\s"'<>\\]*                  # in a form
    |
    (?P<encoded> notify_hook%(?:25)*3D) (?:(?!%(?:25)*26)[^&\s"'<>\\])*  # in a form that is encoded itself
    |
    (?P<name> %(?:25)*22notify_hook%(?:25)*22 %(?:25)*3A (?:%(?:25)*20|\+)*)
    (?P<quote> %(?:25)*22) .*? (?P<end> (?P=quote)|\Z)                # in JSON
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_decoder = json.JSONDecoder()


def check_redactions(names: frozenset[str]) -> frozenset[str]:
    """`names` itself.

    Raises:
        UnknownRedaction: there is no redaction of one of these names.
    """
    unknown = sorted(names - REDACTIONS)
    if unknown:
        known = " and ".join(sorted(REDACTIONS))
        raise UnknownRedaction(f"REDACT has no {', '.join(map(repr, unknown))}. Known are {known}.")
    return names


def redact(body: bytes, names: frozenset[str]) -> bytes:
    """`body` after the redactions `names`."""
    if not names:
        return body
    text = body.decode("utf-8", "surrogateescape")
    return _redact_text(text, names, 0).encode("utf-8", "surrogateescape")


def _redact_text(text: str, names: frozenset[str], depth: int) -> str:
    bare = text.removeprefix("\ufeff")
    if depth >= _DEEPEST or not _is_json(bare):
        return _redact_by_pattern(text, names)
    return text[: len(text) - len(bare)] + _redact_json(bare, names, depth)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _redact_by_pattern(text: str, names: frozenset[str]) -> str:
    if NOTIFY_HOOK in names:
        text = _ENCODED_HOOK.sub(
            lambda found: found["key"] or found["encoded"] or found["name"] + 2 * found["quote"], text
        )
        text = _HOOK.sub(lambda found: found[1] + (found["quote"] or '"') + (found["quote"] or '"'), text)
    if SIGNED_URLS in names:
        text = _URL.sub(lambda found: _QUERY.split(found[0], maxsplit=1)[0], text)
        text = _ENCODED_URL.sub(lambda found: _ENCODED_QUERY.split(found[0], maxsplit=1)[0], text)
    return text


def _emptied(hook: re.Match[str]) -> str:
    return hook["key"] or hook["encoded"] or hook["name"] + 2 * hook["quote"]


def _redact_json(text: str, names: frozenset[str], depth: int) -> str:
    """Redact each string in turn: in JSON, every quotation mark outside a string begins a string."""
    pieces: list[str] = []
    position = 0
    while (found := _STRING.search(text, position)) is not None:
        pieces.append(text[position : found.start()])
        pieces.append(_redact_string(found[0], names, depth))
        position = found.end()
        if NOTIFY_HOOK in names and (colon := _COLON.match(text, position)) and _value(found[0]) == NOTIFY_HOOK:
            pieces.append(colon[0] + '""')
            position = _decoder.raw_decode(text, colon.end())[1]
    return "".join([*pieces, text[position:]])


def _redact_string(token: str, names: frozenset[str], depth: int) -> str:
    """A JSON string, quotes included; unchanged unless there is something to strip."""
    if not _may_hold_something(token):
        return token
    value = _value(token)
    redacted = _redact_text(value, names, depth + 1)
    return token if redacted == value else json.dumps(redacted)


def _may_hold_something(token: str) -> bool:
    return any(mark in token for mark in "\\:%=")


def _value(token: str) -> str:
    if "\\" not in token:
        return token[1:-1]
    value: str = json.loads(token)
    return value
