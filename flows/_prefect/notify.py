"""The automations of automations.yaml; they send messages with the operator's notification block, if there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from prefect.blocks import notifications  # noqa: F401 - so that their types are known
from prefect.blocks.abstract import NotificationBlock
from prefect.events.schemas.automations import Automation, AutomationCore

if TYPE_CHECKING:
    from uuid import UUID

    from prefect.client.orchestration import PrefectClient

ALERTS_BLOCK: Final = "avatar-tasks-alerts"


def automation(declared: dict[str, Any], receiver: UUID | None) -> AutomationCore:
    """One automation of automations.yaml; `do-nothing` becomes a message if there is a notification block."""
    actions = [_message(receiver, declared) if one["type"] == "do-nothing" else one for one in declared["actions"]]
    return AutomationCore.model_validate(declared | {"actions": actions})


def is_same(wanted: AutomationCore, current: Automation) -> bool:
    """Whether the automation on the server is as wanted, apart from what the server adds."""
    return _comparable(wanted) == _comparable(current)


def _comparable(one: AutomationCore) -> object:
    return _without_ids(
        AutomationCore.model_validate(one.model_dump(mode="json", exclude={"id"})).model_dump(mode="json")
    )


def _without_ids(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_ids(part) for key, part in value.items() if key != "id"}
    if isinstance(value, list):
        parts = [_without_ids(part) for part in value]
        is_set = all(isinstance(one, str) for one in parts)
        return sorted(parts, key=str) if is_set else parts  # sets are serialized in any order
    return value


async def notification_block(client: PrefectClient) -> UUID | None:
    """The id of the notification block for alerts, of any type; None if there is none."""
    kinds = {kind.get_block_type_slug() for kind in _notification_blocks(NotificationBlock)}
    found = [
        one
        for one in await client.read_block_documents()
        if one.name == ALERTS_BLOCK and one.block_type is not None and one.block_type.slug in kinds
    ]
    return found[0].id if found else None


def _notification_blocks(base: type[Any]) -> list[type[Any]]:
    return [deeper for kind in base.__subclasses__() for deeper in (kind, *_notification_blocks(kind))]


#: The deployment and run that an event is about, with a link if the server knows its own address (PREFECT_UI_URL).
_WHERE: Final = (
    "{% if deployment %}Deployment {{ deployment.name }}, r{% else %}R{% endif %}un {{ flow_run.name }}"
    "{% if flow_run|ui_url %}\n{{ flow_run|ui_url }}{% endif %}"
)
#: What is wrong: the sentence of an alert, or else Prefect's message about the run or the name of the work pool.
_WHAT: Final = (
    "{{ event.payload.sentence | default(flow_run.state.message, true) | default(event.resource.name, true) }}"
)
#: What `compare` says, if the alert contains it.
_COMPARED: Final = "{% if event.payload.compared %}\n\n{{ event.payload.compared }}{% endif %}"
#: The severity in the event; if it has none, the one in the automation's tag `severity:…`.
_SEVERITY: Final = (
    "{{% if event.payload.is_reminder %}}still {{% endif %}}{{{{ event.payload.severity | default('{}') }}}}"
)
_SEVERITY_TAG: Final = "severity:"


def _message(receiver: UUID | None, declared: dict[str, Any]) -> dict[str, Any]:
    if receiver is None:
        return {"type": "do-nothing"}
    tags = [tag.removeprefix(_SEVERITY_TAG) for tag in declared.get("tags", []) if tag.startswith(_SEVERITY_TAG)]
    severity = tags[0] if tags else "critical"
    where = f"{{% if flow_run %}}{_WHERE}{{% elif work_pool|ui_url %}}{{{{ work_pool|ui_url }}}}{{% endif %}}"
    return {
        "type": "send-notification",
        "block_document_id": str(receiver),
        "subject": f"[{_SEVERITY.format(severity)}] {declared['name']}",
        "body": f"{_WHAT}{_COMPARED}\n\n{declared['description']}\n\n{where}",
    }
