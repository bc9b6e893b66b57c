"""Whether a load test may begin: what was looked at before it, and what is still open.

Three kinds of things are looked at. This machine and the target either can bear the plan or can
not, and then no load would be sent. The method's checklist is about what people know: it is done,
missing, or has to be asked, and whether an open point is a reason to wait is for them to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from otel_voiceload.errors import ExitCode

Group = Literal["machine", "target", "method"]
State = Literal["done", "missing", "ask", "failed"]

GROUPS: Final[tuple[Group, ...]] = ("machine", "target", "method")
OPEN: Final[tuple[State, ...]] = ("missing", "ask")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: ``found`` is what there is, ``next`` what would settle it.

    ``failed`` stops a load, ``missing`` is known not to be there, ``ask`` only a person can answer.
    """

    group: Group
    name: str
    state: State
    found: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Readiness:
    """All checks of one plan. ``strict``: open points are a reason not to begin."""

    target: str
    profile: str
    peak_calls: int
    checks: tuple[Check, ...]
    strict: bool = False

    def of(self, *states: State) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.state in states)

    @property
    def ready(self) -> bool:
        return self.exit_code is ExitCode.OK

    @property
    def exit_code(self) -> ExitCode:
        """3 as ``ovl generate`` would leave with; 99 when the user wants nothing left open."""
        if self.of("failed"):
            return ExitCode.TARGET
        return ExitCode.FAILED if self.strict and self.of(*OPEN) else ExitCode.OK

    @property
    def headline(self) -> str:
        failed, still = self.of("failed"), self.of(*OPEN)
        if failed:
            return f"not ready: {_names(failed)} failed; no load should be sent"
        if still and self.strict:
            return f"not ready: {len(still)} of {len(self.checks)} points are open"
        if still:
            return f"ready; {len(still)} of {len(self.checks)} points are open"
        return f"ready: all {len(self.checks)} points are done"


def _names(checks: Sequence[Check]) -> str:
    return ", ".join(check.name for check in checks)
