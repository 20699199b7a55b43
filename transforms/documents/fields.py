"""The known schema of the gateway's answers: every field of every object, and which JSON types it may have.

This one table decides how a field is decoded, what is reported as drift, and what goes into `extras`, so that the three
agree. Sources: the endpoint's documentation and example, and the gateways' public source code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, unique
from functools import cached_property

INTEGERS = frozenset({"UBIGINT", "BIGINT"})
NUMBERS = INTEGERS | {"DOUBLE"}
SCALARS = NUMBERS | {"VARCHAR", "BOOLEAN"}


@unique
class Kind(Enum):
    """How a field is decoded (a DuckDB type), and its expected JSON types; null is always allowed."""

    TEXT = ("VARCHAR", frozenset({"VARCHAR"}))
    SCALAR = ("VARCHAR", SCALARS)
    TEXT_OR_LIST = ("VARCHAR", frozenset({"VARCHAR", "ARRAY"}))
    TIME = ("DOUBLE", INTEGERS)
    INTEGER = ("VARCHAR", INTEGERS)
    NUMBER = ("DOUBLE", NUMBERS)
    BOOLEAN = ("BOOLEAN", frozenset({"BOOLEAN"}))
    TEXTS = ("VARCHAR", frozenset({"ARRAY"}), "VARCHAR")
    OBJECTS = ("JSON", frozenset({"ARRAY"}), "OBJECT")
    CODE = ("VARCHAR", INTEGERS | {"VARCHAR"})
    PROGRESS = ("VARCHAR", NUMBERS | {"VARCHAR"})
    ENCODED = ("VARCHAR", frozenset({"VARCHAR", "OBJECT"}))
    OBJECT = ("JSON", frozenset({"OBJECT"}))
    PAYLOAD = ("JSON", frozenset({"OBJECT", "VARCHAR", "ARRAY"}))

    def __init__(self, duckdb_type: str, json_types: frozenset[str], element_type: str | None = None) -> None:
        self.duckdb_type = duckdb_type
        self.json_types = json_types
        self.element_type = element_type  # for a list: the expected JSON type of its elements


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field: its path inside its object ('ext.sing_title') and its kind."""

    path: str
    kind: Kind
    kept_in_extras: bool = False

    @property
    def key(self) -> str:
        return self.path.partition(".")[0]

    @property
    def column(self) -> str:
        return self.path.replace(".", "_")


@dataclass(frozen=True, eq=False)
class ObjectSpec:
    """One object of the answer: its place (`json_path`) and its fields, in order; each is a constant below.

    `time_units_per_second` gives the unit of its times: 1 for Unix seconds, 1,000 for milliseconds.
    """

    json_path: str
    fields: tuple[Field, ...]
    time_units_per_second: int = 1

    @cached_property
    def known_keys(self) -> list[str]:
        return list(dict.fromkeys(field.key for field in self.fields))

    @cached_property
    def nested_fields(self) -> dict[str, list[Field]]:
        """For each key whose object is decoded: the known fields inside."""
        nested: dict[str, list[Field]] = {}
        for field in self.fields:
            if "." in field.path:
                nested.setdefault(field.key, []).append(field)
        return nested

    @cached_property
    def nested_keys(self) -> dict[str, list[str]]:
        """As `nested_fields`, but only the keys: {'ext': ['sing_title', …]}."""
        return {key: [field.path.partition(".")[2] for field in inner] for key, inner in self.nested_fields.items()}

    @cached_property
    def list_keys(self) -> dict[str, str]:
        """Every field that is a list, with the expected JSON type of its elements."""
        return {field.key: field.kind.element_type for field in self.fields if field.kind.element_type}

    @cached_property
    def json_types(self) -> list[tuple[str, frozenset[str]]]:
        """Every path inside the object, with its expected JSON types; the nested objects themselves are last."""
        leaves = [(field.path, field.kind.json_types) for field in self.fields]
        return leaves + [(key, Kind.OBJECT.json_types) for key in self.nested_keys if key not in self.extra_keys]

    @cached_property
    def decoded(self) -> tuple[Field, ...]:
        """The fields that become columns."""
        return tuple(field for field in self.fields if not field.kept_in_extras and field.kind is not Kind.PAYLOAD)

    @cached_property
    def time_paths(self) -> list[str]:
        return [field.path for field in self.fields if field.kind is Kind.TIME]

    @cached_property
    def extra_keys(self) -> list[str]:
        """Known keys that go into `extras` unchanged."""
        return [field.path for field in self.fields if field.kept_in_extras]


def _fields(kind: Kind, *paths: str, kept_in_extras: bool = False) -> tuple[Field, ...]:
    return tuple(Field(path, kind, kept_in_extras=kept_in_extras) for path in paths)


ENVELOPE = ObjectSpec(
    "$",
    (
        *_fields(Kind.CODE, "code"),
        *_fields(Kind.TEXT, "message"),
        *_fields(Kind.PAYLOAD, "data"),
    ),
)

#: The envelope of a gateway behind the gateway; it is in the place of the work.
INNER_ENVELOPE = ObjectSpec("$.data.data", ENVELOPE.fields)

TASK = ObjectSpec(
    "$.data",
    (
        *_fields(Kind.TEXT, "task_id", "notify_hook", "action", "status", "fail_reason"),
        *_fields(Kind.TIME, "submit_time", "start_time", "finish_time"),
        *_fields(Kind.PROGRESS, "progress"),
        *_fields(Kind.PAYLOAD, "data"),
        # since 2026-02
        *_fields(Kind.SCALAR, "platform"),
        *_fields(Kind.INTEGER, "quota"),
        *_fields(Kind.TEXT, "result_url"),
        *_fields(Kind.TEXT, "properties.origin_model_name", "properties.upstream_model_name", "properties.input"),
        *_fields(Kind.OBJECT, "properties", kept_in_extras=True),
        *_fields(Kind.INTEGER, "id", "created_at", "updated_at", "user_id", "channel_id", kept_in_extras=True),
        *_fields(Kind.TEXT, "group", "username", kept_in_extras=True),
    ),
)

WORK = ObjectSpec(
    "$.data.data",
    (
        *_fields(Kind.TEXT, "animate_id"),
        *_fields(Kind.ENCODED, "animate_params_str"),
        *_fields(Kind.TIME, "create_time"),
        *_fields(Kind.TEXTS, "example_image_url"),
        *_fields(Kind.TEXT, "ext.animate_channel", "ext.sing_title"),
        *_fields(Kind.ENCODED, "ext.track_info"),
        *_fields(Kind.TEXT, "file_type", "id", "music_title", "no_wm_work_video_path"),
        *_fields(Kind.TEXTS, "picture_path_list", "play_types"),
        *_fields(Kind.TEXT, "primary_play_type", "share_magic_text", "singer"),
        *_fields(Kind.TIME, "template_create_time"),
        *_fields(Kind.TEXT, "template_id"),
        *_fields(Kind.BOOLEAN, "tmp_online_enable"),
        *_fields(Kind.TEXT, "user_image_url"),
        *_fields(Kind.NUMBER, "video_aspect_ratio"),
        *_fields(Kind.BOOLEAN, "vip_enable"),
        *_fields(Kind.INTEGER, "web_work_status"),
        *_fields(Kind.NUMBER, "webp_aspect_ratio"),
        *_fields(Kind.TEXT, "wm_work_video_path", "work_name", "work_video_path", "work_webp_path"),
    ),
    time_units_per_second=1000,
)

PARAMS = ObjectSpec("$.data.data.animate_params_str", (Field("pt_infos", Kind.OBJECTS),))

PT_INFO = ObjectSpec(
    "$.data.data.animate_params_str.pt_infos[*]",
    (
        *_fields(Kind.SCALAR, "context"),
        *_fields(Kind.TEXT, "audio_url"),
        *_fields(Kind.SCALAR, "voice_engine_id", "audio_id"),
        *_fields(Kind.TEXT, "video_url", "video_pattern_url"),
        *_fields(Kind.SCALAR, "lan", "character_id"),
        *_fields(Kind.TEXT_OR_LIST, "pag_img_urls", "video_img_urls"),
    ),
)
