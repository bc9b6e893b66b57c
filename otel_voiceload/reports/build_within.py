"""Latency inside calls, level by level: by the number of the turn, and how much answers differ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol, cast

from otel_voiceload.reports.report_within import CallSpread, LevelWithin, TurnsByNumber

Row = Mapping[str, object]


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...


def within_calls(
    reading: Answers, run_id: str, background: float = 0.0, again: Collection[int] = ()
) -> list[LevelWithin]:
    """One entry per level with turns that count, in the order of the run.

    ``background`` are calls that were there already, ``again`` the numbers of levels that were held
    before, whatever part of the run is asked about. Turns whose raw spans retention took have no
    number any more, so they are in none of these.
    """
    spreads = {row["level_no"]: row for row in reading.query("call_spread", run_id=run_id)}
    found: dict[object, LevelWithin] = {}
    for row in reading.query("turn_index_latency", run_id=run_id):
        number = row["level_no"]
        if number not in found:
            level = cast(float, row["level"]) + background
            found[number] = {
                "level": level,
                "again": number in again or any(each["level"] == level for each in found.values()),
                "by_number": [],
                "spread": _spread(spreads[number]) if number in spreads else None,
            }
        found[number]["by_number"].append(_turns(row))
    return list(found.values())


def _turns(row: Row) -> TurnsByNumber:
    return {
        "turn_from": cast(int, row["turn_from"]),
        "turn_to": cast(int, row["turn_to"]),
        "samples": cast(int, row["samples"]),
        "p50_s": _figure(row, "p50_s"),
        "p95_s": _figure(row, "p95_s"),
        "unattributed_p50_s": _figure(row, "unattributed_p50_s"),
    }


def _spread(row: Row) -> CallSpread:
    return {
        "calls": cast(int, row["calls"]),
        "turns": cast(int, row["turns"]),
        "within_s": _figure(row, "within_s"),
        "between_s": _figure(row, "between_s"),
        "between_share": _figure(row, "between_share"),
        "ratio_p50": _figure(row, "ratio_p50"),
        "ratio_p95": _figure(row, "ratio_p95"),
    }


def _figure(row: Row, name: str) -> float | None:
    return cast("float | None", row[name])
