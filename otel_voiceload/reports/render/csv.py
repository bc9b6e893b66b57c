"""Latency by component and level as a table for spreadsheets.

What is unknown is an empty field, as spreadsheets have it. Only the curves: everything else of a
report is not a table. For others ``ovl query ... -f csv``.
"""

from __future__ import annotations

import csv
import io

from otel_voiceload.reports.report import Report

COLUMNS = (
    "component",
    "role",
    "concurrency",
    "samples",
    "p50_s",
    "p95_s",
    "p99_s",
    "error_rate",
    "open_from_s",
)


def render(report: Report) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for level in report["levels"]:
        writer.writerow(
            (
                "turn",
                "",
                level["level"],
                level["turns"],
                level["p50_s"],
                level["p95_s"],
                level["p99_s"],
                level["error_rate"],
                report["turn_latency"]["censored_at_s"],
            )
        )
    for component in report["components"]:
        for point in component["curve"]:
            writer.writerow((component["component"], component["role"], *point.values()))
    return out.getvalue()
