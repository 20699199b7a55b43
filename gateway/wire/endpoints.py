"""The paths of the gateway family; settings read them, so that this module imports nothing."""

ENDPOINT = "/avatar/task/"
TASK_PATH = ENDPOINT + "{id}"
LIST_ENDPOINT = "/api/task/self"
BULK_ENDPOINT = "/suno/fetch"
STATUS_ENDPOINT = "/api/status"
