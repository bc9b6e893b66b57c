"""Components over the whole run, and what an import can not know.

Levels need load that was held. A recording of somebody's own calls may have none, and its
components are timed all the same; then their figures are of all its turns together.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from otel_voiceload.analysis import bounds
from otel_voiceload.reports.report import Report, WholeRun
from otel_voiceload.store.reading import Reading

IMPORT: Final = "import"  # the wire of a run that was made from a file: nobody knows the real one


def whole_run(
    reading: Reading,
    run_id: str,
    components: Iterable[str],
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> list[WholeRun]:
    """Percentiles of each component over all turns that it was timed in."""
    found: list[WholeRun] = []
    for name in components:
        rows = reading.arrays(
            "component_samples",
            run_id=run_id, component=name, since_ns=since_ns, until_ns=until_ns,
        )  # fmt: skip
        work = bounds.sample(
            *(rows[each].astype(float) for each in ("latency_s", "call", "cut_off"))
        )
        if work.size:
            (p50_s, p50_open), (p95_s, p95_open) = (
                bounds.quantile(work, each) for each in (0.50, 0.95)
            )
            found.append(
                {
                    "component": name,
                    "samples": work.size,
                    "p50_s": p50_s,
                    "p95_s": max(p50_s, p95_s),
                    "open_from_s": p50_s if p50_open else p95_s if p95_open else None,
                }
            )
    return found


def without_guesses(report: Report, spans_of_others: int) -> None:
    """Takes back what is no finding of an import: it holds the calls that somebody recorded, and
    none that failed to connect. Its spans are the target's."""
    report["connect"]["success"] = None
    report["generator"]["spans_stored"] += spans_of_others
