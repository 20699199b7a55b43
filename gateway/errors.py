"""Errors in the arguments of this package; whatever the gateway does wrong becomes an observation instead.

GatewayError
├── InvalidTaskId        an id that cannot be polled (also a ValueError)
└── InvalidSetting       a setting that the client cannot work with (also a ValueError)
    ├── InvalidBaseUrl
    ├── InvalidApiKey    its message says what is wrong with the key, and never contains the key
    ├── InvalidProxy     the environment names a proxy that cannot be used
    ├── InvalidCertificates  the certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be read
    ├── InvalidLimit     a number out of range
    └── UnknownRedaction
"""


class GatewayError(Exception):
    """Base of every error that this package raises on purpose."""


class InvalidTaskId(GatewayError, ValueError):  # noqa: N818 - reads as what it is; the base says Error
    def __init__(self, task_id: str, reason: str) -> None:
        super().__init__(f"{shorten(task_id)!r} is not a task id: {reason}. Correct it or leave it out.")
        self.task_id = task_id
        self.reason = reason


class InvalidSetting(GatewayError, ValueError):  # noqa: N818 - as above
    pass


class InvalidBaseUrl(InvalidSetting):
    def __init__(self, shown: str, reason: str) -> None:
        super().__init__(
            f"BASE_URL {shorten(shown)!r} {reason.rstrip('.')}. Give the gateway's address, such as https://host"
        )


class InvalidApiKey(InvalidSetting):
    pass


class InvalidProxy(InvalidSetting):
    pass


class InvalidCertificates(InvalidSetting):
    pass


class InvalidLimit(InvalidSetting):
    pass


class UnknownRedaction(InvalidSetting):
    pass


def shorten(text: str, most: int = 80) -> str:
    """`text`, or its beginning and an ellipsis, so that an id of a megabyte does not end up in a message."""
    return text if len(text) <= most else text[: most - 1] + "…"
