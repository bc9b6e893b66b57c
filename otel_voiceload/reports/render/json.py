"""The report exactly as it is, for scripts; ``docs/report.schema.json`` describes it."""

from __future__ import annotations

import orjson

from otel_voiceload.reports.report import Report


def render(report: Report) -> str:
    return orjson.dumps(report, option=orjson.OPT_INDENT_2).decode()
