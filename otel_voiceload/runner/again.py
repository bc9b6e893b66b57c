"""A plan as a run keeps it, and the plan that makes the run again: ``--again RUN``.

Everything that decides the load is kept: the request, the profile's file as it was, scenarios,
seed, limits, thresholds. Of headers and parameters only the names are, because a store is copied
around; whoever makes a run again gives their values again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson

from otel_voiceload.errors import ConfigError, UsageError
from otel_voiceload.profiles import FILES, Request
from otel_voiceload.runner.plan import RunPlan

_VERSION = 1
_KEPT = (
    "target",
    "profile_name",
    "scenarios",
    "seed",
    "max_calls",
    "max_connect_rate",
    "processes",
    "trace_sample",
    "thresholds",
    "peak_calls",
)
_NAMES_ONLY = ("headers", "params")
_FROM_ELSEWHERE = ("turn_cycle_s", "scenarios", "ceiling")  # of a request: found anew


def recorded(plan: RunPlan) -> str:
    """The plan as JSON, without secrets."""
    request = {k: v for k, v in asdict(plan.request).items() if k not in _FROM_ELSEWHERE}
    kept: dict[str, object] = {"version": _VERSION, "request": request}
    kept |= {name: getattr(plan, name) for name in _KEPT}
    kept |= {name: sorted(getattr(plan, name)) for name in _NAMES_ONLY}
    if plan.profile_name.endswith(FILES):
        kept["profile_text"] = Path(plan.profile_name).read_text(encoding="utf-8")
    return orjson.dumps(kept, option=orjson.OPT_NON_STR_KEYS).decode()


def same_again(plan: RunPlan, text: str | None, run_id: str) -> RunPlan:
    """``plan`` with the load that ``text`` recorded; its target and all that is local stay.

    Raises:
        UsageError: the run kept no plan, or a header or parameter that it had is not given.
    """
    if not text:
        raise UsageError(f"run {run_id} keeps no plan: it is too old, or was not made by ovl")
    try:
        kept: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"run {run_id} keeps no plan that ovl has written") from error
    if not isinstance(kept, dict) or kept.get("version") != _VERSION:
        raise UsageError(f"the plan of run {run_id} is of another version of ovl")
    for name, option in (("headers", "-H"), ("params", "--param")):
        missing = [each for each in kept[name] if each not in getattr(plan, name)]
        if missing:
            raise UsageError(
                f"run {run_id} was made with {option} {', '.join(missing)}, whose values are not"
                " kept; give them again"
            )
    _same_file(kept, run_id)
    request = Request(**{**kept["request"], "stages": tuple(kept["request"]["stages"])})
    same: Mapping[str, Any] = {name: kept[name] for name in _KEPT if name != "target"}
    return replace(plan, **{**same, "scenarios": tuple(kept["scenarios"]), "request": request})


def _same_file(kept: Mapping[str, Any], run_id: str) -> None:
    text = kept.get("profile_text")
    if text is None:
        return
    path = Path(kept["profile_name"])
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        raise ConfigError(
            f'{path} is not what run {run_id} was made with; `ovl query "select plan from runs"`'
            " shows what it was"
        )
