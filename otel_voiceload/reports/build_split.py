"""Latency split by the value of an attribute: which provider, model or scenario is the slow one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypedDict, cast

from otel_voiceload.errors import UsageError

# What people type, beside the full names of attributes.
SHORT: Final[Mapping[str, str]] = {
    "provider": "voiceload.component.provider",
    "model": "voiceload.component.model",
    "source": "voiceload.component.source",
    "scenario": "voiceload.scenario.name",
    "phase": "voiceload.phase.name",
    "service": "service.name",
}
_NAME: Final = re.compile(r"^[^\s\"'\\$]+$")


class SplitGroup(TypedDict):
    component: str  # or turn
    value: str  # unknown: nobody says
    calls: float | None  # None: all levels together
    samples: int
    p50_s: float | None
    p95_s: float | None
    error_rate: float | None
    open_from_s: float | None  # percentiles of so much or more are at least that


class Split(TypedDict):
    attribute: str
    groups: list[SplitGroup]


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...


def attribute_of(text: str) -> str:
    """The attribute meant by ``--by``. UsageError for what can not be the name of one."""
    name = SHORT.get(text, text)
    if not _NAME.match(name):
        raise UsageError(
            f"{text!r} is no attribute to split by: use one of {', '.join(SHORT)}, or a name such"
            " as gen_ai.request.model"
        )
    return name


def split(reading: Answers, run_id: str, attribute: str, background: float = 0.0) -> Split:
    """The groups; a component of which no work says its value has only the group `unknown`."""
    rows = reading.query("split_latency", run_id=run_id, attribute=attribute)
    return {"attribute": attribute, "groups": _groups(rows, background)}


def _groups(rows: Sequence[Mapping[str, object]], background: float) -> list[SplitGroup]:
    return [
        {
            "component": str(row["component"]),
            "value": str(row["value"]),
            "calls": None
            if row["level"] is None
            else float(cast(float, row["level"])) + background,
            "samples": cast(int, row["samples"]),
            "p50_s": cast("float | None", row["p50_s"]),
            "p95_s": cast("float | None", row["p95_s"]),
            "error_rate": cast("float | None", row["error_rate"]),
            "open_from_s": cast("float | None", row["open_from_s"]),
        }
        for row in rows
    ]
