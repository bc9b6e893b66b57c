"""A plan for machines: JSON as it is, and one long table for spreadsheets.

The table has a row per number, whatever it is about; what is unknown is an empty field.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import orjson

from otel_voiceload.reports.plan_types import Plan

COLUMNS = ("section", "subject", "what", "value", "low", "high", "unit", "rests_on")
Row = tuple[object, ...]


def to_json(plan: Plan) -> str:
    return orjson.dumps(plan, option=orjson.OPT_INDENT_2).decode()


def to_csv(plan: Plan) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(plan))
    return out.getvalue()


def _rows(plan: Plan) -> Iterator[Row]:
    for limit in plan["limits"]:
        low, high = limit["ci"] or (limit["at_least"], None)
        yield "limit", limit["component"], "full", limit["calls"], low, high, "calls", limit["why"]
    for fix in plan["fixes"]:
        low, high = fix["ci"] or (None, None)
        after = fix["ceiling_after"]
        yield "fix", fix["component"], fix["action"], after, low, high, "calls", fix["basis"]
    made = plan["what_if"]
    if made is not None:
        for name, outcome in (("before", made["before"]), ("after", made["after"])):
            for each in outcome["first"]:
                low, high = each["ci"] or (None, None)
                how = "simulated" if each["simulated"] else "law"
                yield name, each["component"], "full", each["calls"], low, high, "calls", how
    for need in plan["needs"]:
        of = " ".join(need["sources"])
        what = need["what"]
        yield "need", need["service"], what, need["mean"], None, need["grant"], need["unit"], of
        verdict: str | None = need["verdict"]
        if need["seen"] is not None:
            yield "seen", need["service"], what, need["seen"], None, None, need["unit"], verdict
            verdict = "contradicted by the run"
        if need["declared"] is not None:
            yield (
                "declared", need["service"], what, need["declared"], None, None, need["unit"],
                verdict,
            )  # fmt: skip
    bill = plan["cost"]
    if bill is not None:
        for row in bill["rows"]:
            unit = f"{bill['currency']}/h"
            yield "cost", row["service"], row["what"], row["per_hour"], None, None, unit, "file"
    for given in plan["inputs"]:
        rests = given["where"] or given["source"]
        yield "input", "", given["name"], given["value"], None, None, given["unit"], rests
