"""The ways in which a task's answer differs from the plain envelope. A task has at most one, permanently."""

from dataclasses import dataclass
from typing import Literal

Shape = Literal["task_envelope", "work_envelope", "bare_work", "nested_gateway"]
Style = Literal["any", "old", "new"]


@dataclass(frozen=True, slots=True)
class Quirk:
    """A quirk: `weight` is its relative share among odd tasks, `style` the generation of gateways that have it."""

    description: str
    weight: float
    style: Style = "any"
    shape: Shape = "task_envelope"

    @property
    def is_work_only(self) -> bool:
        """Whether the answer is a work without a task around it: it has no status, and so cannot report a failure."""
        return self.shape in ("work_envelope", "bare_work")


PLAIN = Quirk("the task envelope with nothing odd about it", 0.0)

QUIRKS: dict[str, Quirk] = {
    "work_envelope": Quirk("`data` is the work itself and `code` a number", 6, "old", "work_envelope"),
    "bare_work": Quirk("the work's fields at the top, no envelope", 4, "old", "bare_work"),
    "nested_gateway": Quirk("`data.data` is another gateway's envelope around the work", 6, "new", "nested_gateway"),
    "nested_gateway_task": Quirk(
        "`data.data` is another gateway's envelope around its own task", 4, "new", "nested_gateway"
    ),
    "payload_string": Quirk("`data.data` is the work as a JSON string", 6),
    "empty_text_payload": Quirk('`data.data` is "" until the work exists', 2),
    "empty_object_payload": Quirk("`data.data` is {} until the work exists", 2),
    "empty_list_payload": Quirk("`data.data` is [] until the work exists", 2),
    "provider_words": Quirk("`status` in the provider's own words and odd case", 8),
    "millisecond_times": Quirk("the task's times in milliseconds", 6),
    "string_numbers": Quirk("every number as a string", 5),
    "numeric_code": Quirk("`code` is 200 around a task", 3),
    "numeric_progress": Quirk("`progress` is a number", 4),
    "bare_text_progress": Quirk("`progress` is a string without the percent sign", 3),
    "empty_progress": Quirk("`progress` is an empty string", 3),
    "url_in_fail_reason": Quirk("`fail_reason` holds the result's URL on SUCCESS", 6, "old"),
    "no_work_video_path": Quirk("only `no_wm_work_video_path` holds the result", 3, "old"),
    "upstream_model_only": Quirk("`origin_model_name` is empty, `upstream_model_name` is not", 3, "new"),
    "double_encoded_params": Quirk("`animate_params_str` is JSON in a JSON string in a JSON string", 3),
    "object_params": Quirk("`animate_params_str` is an object already", 3),
    "empty_params": Quirk("`animate_params_str` is an empty string", 2),
    "broken_params": Quirk("`animate_params_str` is cut short", 2),
    "finish_time_missing": Quirk("`finish_time` stays 0 on a task that has ended", 3),
    "signed_urls": Quirk("the work's URLs carry a signature", 3),
    "unknown_field": Quirk("undocumented fields, in the task and in the work", 2),
    "type_mismatch": Quirk("`video_aspect_ratio` is a word where a number belongs", 1),
}


def quirk(name: str) -> Quirk:
    """The quirk of that name; '' is the plain envelope."""
    return QUIRKS.get(name, PLAIN)
