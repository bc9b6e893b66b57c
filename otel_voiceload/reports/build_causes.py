"""What the store knows beside latencies, for the analysis to tell causes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Protocol, cast

from otel_voiceload.analysis.cause import UNATTRIBUTED, Grounds, Process, Work

Row = Mapping[str, object]


class Answers(Protocol):
    """What of an open store is needed here: named queries."""

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]: ...


def grounds(reading: Answers, run_id: str, facts: Row) -> Grounds:
    """``facts`` is the run's row of run_facts."""

    @cache  # asked for the number of the knee and again for its cause
    def work(component: str) -> Sequence[Work]:
        if component in ("turn", UNATTRIBUTED):
            return []  # neither of them has spans of its own
        rows = reading.query("component_load", run_id=run_id, component=component)
        return [_work(row) for row in rows]

    failures: dict[str, dict[str, int]] = {}
    for row in reading.query("component_failures", run_id=run_id):
        kinds = failures.setdefault(str(row["component"]), {})
        kinds[str(row["error_type"])] = cast(int, row["attempts"])
    rows = reading.query("resource_levels", run_id=run_id)
    target = [row for row in rows if row["role"] == "target"]
    # What tells of itself over OTLP may sit on any machine; what we saw sits on ours.
    here = any(row["source"] == "sampled" for row in target)
    return Grounds(
        failures=failures,
        work=work,
        target=[_process(row) for row in target],
        cores=cast("int | None", facts["machine_cores"]) if here else None,
        memory_bytes=cast("int | None", facts["machine_memory_bytes"]) if here else None,
    )


def _work(row: Row) -> Work:
    return Work(
        level_no=cast(int, row["level_no"]),
        calls=cast(float, row["calls"]),
        turns=cast(int, row["turns"]),
        attempts=cast(int, row["attempts"]),
        failed=cast(int, row["failed"]),
        queue_s=cast("float | None", row["queue_s"]),
        busy_s=cast("float | None", row["busy_s"]),
        at_once_median=cast("float | None", row["at_once_median"]),
        at_once_most=cast("int | None", row["at_once_most"]),
    )


def _process(row: Row) -> Process:
    return Process(
        level_no=cast(int, row["level_no"]),
        calls=cast(float, row["calls"]),
        cpu=cast("float | None", row["cpu"]),
        rss_bytes=cast("float | None", row["rss_bytes"]),
    )
