"""The paths of the gateway family. This module imports nothing, because the settings import it."""

ENDPOINT = "/avatar/task/"
TASK_PATH = ENDPOINT + "{id}"
LIST_ENDPOINT = "/api/task/self"
BULK_ENDPOINT = "/suno/fetch"
STATUS_ENDPOINT = "/api/status"
