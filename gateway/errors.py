"""What can be wrong with what this room is given; what the gateway does wrong becomes an observation instead.

GatewayError
├── InvalidTaskId        an id that cannot be asked for (also a ValueError)
└── InvalidSetting       a setting that no client can be made of (also a ValueError)
    ├── InvalidBaseUrl
    ├── InvalidApiKey    says what is wrong with the key, never the key
    ├── InvalidProxy     the environment names a proxy that cannot be used
    ├── InvalidCertificates  SSL_CERT_FILE or SSL_CERT_DIR name none that can be read
    ├── InvalidLimit     a number out of its range
    └── UnknownRedaction
"""


class GatewayError(Exception):
    """Everything this room raises on purpose."""


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
    """`text`, or its beginning and an ellipsis: an id of a megabyte does not belong in a message."""
    return text if len(text) <= most else text[: most - 1] + "…"
