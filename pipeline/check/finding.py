"""What `check` finds: one line about one thing, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pipeline.errors import AvatarTasksError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

State = Literal["ok", "info", "warning", "error"]
#: settings, data folder, gateway, Prefect or warehouse; `gateway NAME` for one of sources.toml.
Area = str

#: Which exit code wins when several things are wrong: nothing else can be right while the settings are not.
_WORST_FIRST: Final = (ExitCode.UNUSABLE_INPUT, ExitCode.KEY_REFUSED, ExitCode.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        area: what it is part of.
        name: of the thing.
        state: `ok`; `info`, for what is neither right nor wrong; `warning`, for what works and should be otherwise;
            `error`, for what keeps a run from working.
        text: what was found.
        remedy: what to do; None where nothing is to be done, or `text` says it.
        exit_code: what `check` ends with if nothing worse is found; 0 but for an error.
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
    """An error of ours, whose message itself says what to do."""
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
        settings: those in force; empty where they cannot be used.
        findings: in the order they were found.
        offers: what the gateway offers: `single`, `list`, `bulk`, `status`, and the rate-limit headers seen; a value is
            None where it is not known. Of several gateways: none.
        sources: what each gateway of sources.toml offers, by name.
    """

    settings: Sequence[Setting]
    findings: Sequence[Finding]
    offers: dict[str, Any]
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def exit_code(self) -> ExitCode:
        """Of the worst error."""
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
