"""What `check` finds: a line about each thing that it checked, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pipeline.errors import AvatarTasksError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Literal["ok", "info", "warning", "error"]
#: One of settings, data folder, gateway, Prefect and warehouse; `gateway NAME` for a gateway of sources.toml.
Area = str

#: Which exit code wins if several things are wrong. Settings come first, because everything else depends on them.
_WORST_FIRST: Final = (ExitCode.UNUSABLE_INPUT, ExitCode.KEY_REFUSED, ExitCode.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        area: the part of the installation that it belongs to.
        name: the thing that was checked, e.g. the name of a setting.
        state: `ok`; `info`, neither right nor wrong; `warning`, works but should be changed; `error`, keeps a run from
            working.
        text: what was found.
        remedy: what to do; None if nothing has to be done, or `text` says it.
        exit_code: the exit code of `check` if nothing worse is found; 0 unless this is an error.
    """

    area: Area
    name: str
    state: State
    text: str
    remedy: str | None = None
    exit_code: ExitCode = ExitCode.DONE


def error(area: Area, name: str, text: str, remedy: str, exit_code: ExitCode = ExitCode.UNUSABLE_INPUT) -> Finding:
    """Something that keeps a run from working."""
    return Finding(area, name, "error", text, remedy, exit_code)


def refusal(area: Area, name: str, problem: Exception) -> Finding:
    """A finding from one of the project's errors, whose message says what to do."""
    code = problem.exit_code if isinstance(problem, AvatarTasksError) else ExitCode.UNUSABLE_INPUT
    return Finding(area, name, "error", str(problem), None, code)


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting in force. `value` is what may be shown of it; `origin`: option, environment, .env or default."""

    name: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Checked:
    """All that `check` found.

    Attributes:
        settings: those in force; empty if they cannot be used.
        findings: in the order they were found.
        offers: what the gateway offers: `single`, `list`, `bulk`, `status`, and the rate-limit headers seen; None for
            what is not known. Empty if sources.toml is used, see `sources`.
        sources: what each gateway of sources.toml offers, by name.
    """

    settings: Sequence[Setting]
    findings: Sequence[Finding]
    offers: dict[str, Any]
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of the worst error."""
        codes = {one.exit_code for one in self.findings}
        return next((code for code in _WORST_FIRST if code in codes), ExitCode.DONE)

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "exit_code": int(self.exit_code),
            "settings": {one.name: {"value": one.value, "origin": one.origin} for one in self.settings},
            "offers": self.offers,
            **({"sources": self.sources} if self.sources else {}),
            "findings": [
                {
                    "area": one.area,
                    "name": one.name,
                    "state": one.state,
                    "text": one.text,
                    "remedy": one.remedy,
                    "exit_code": int(one.exit_code),
                }
                for one in self.findings
            ],
        }
