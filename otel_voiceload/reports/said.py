"""What a run said of itself as JSON in an attribute, read so that nonsense there breaks nothing.

Anybody may send spans that look like a run's: what is not in the form that our own runs use is as
good as not said.
"""

from __future__ import annotations

from typing import cast

import orjson

from otel_voiceload.reports.report import CopyLedger


def _mapping(text: object) -> dict[str, object]:
    found = _parsed(text)
    return found if isinstance(found, dict) else {}


def _parsed(text: object) -> object:
    try:
        return orjson.loads(text) if isinstance(text, str) and text else None
    except orjson.JSONDecodeError:
        return None


def counts(text: object) -> dict[str, int]:
    """``{"queue_full": 7}``: reasons and how often."""
    return _counts(_mapping(text))


def _counts(found: dict[str, object]) -> dict[str, int]:
    return {key: each for key, each in found.items() if type(each) is int and each >= 0}


def thresholds(text: object) -> dict[str, list[str]]:
    """``{"turn_latency": ["p95<2s"]}``; what is none by its words is for others to notice."""
    return {
        metric: [str(each) for each in listed]
        for metric, listed in _mapping(text).items()
        if isinstance(listed, list)
    }


def shards_lost(text: object) -> list[tuple[int, float]]:
    """``[{"shard": 3, "at_s": 83.2}]`` as (shard, seconds since the start)."""
    found = _parsed(text)
    return [
        (each["shard"], float(each["at_s"]))
        for each in (found if isinstance(found, list) else [])
        if isinstance(each, dict)
        and type(each.get("shard")) is int
        and type(each.get("at_s")) in (int, float)
    ]


def copy_ledger(text: object) -> CopyLedger | None:
    """What became of the spans for the user's own back end; None when nothing was said."""
    found = _mapping(text)
    lost = found.pop("lost", None)
    known = _counts(found)
    if not isinstance(lost, dict) or not {"ended", "acknowledged", "waiting"} <= set(known):
        return None
    return cast(CopyLedger, {**known, "lost": _counts(lost)})
