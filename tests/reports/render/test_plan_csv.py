from __future__ import annotations

import csv
import io
import json

from otel_voiceload.capacity.prices import Prices
from otel_voiceload.reports.plan import PlanOptions, plan_without_run
from otel_voiceload.reports.render.plan_csv import COLUMNS, to_csv, to_json
from tests.reports.plans import assumed, declaring


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_every_number_is_a_row() -> None:
    prices = Prices.model_validate({"sip": {"per_minute": 0.01}})
    options = PlanOptions(
        target_calls=100, written=declaring(llm=3.0), file="limits.yaml", prices=prices
    )
    rows = rows_of(to_csv(plan_without_run(options)))

    assert {row["section"] for row in rows} == {"limit", "need", "declared", "cost", "input"}
    by_name = {(row["section"], row["subject"], row["what"]): row for row in rows}
    assert by_name[("need", "sip", "channels")]["value"] == "100"
    assert by_name[("declared", "llm", "requests at once")]["rests_on"] == "short"
    assert by_name[("cost", "sip", "calls")]["value"] == "60.0"
    assert by_name[("cost", "stt", "streams")]["value"] == ""  # unknown is empty
    assert by_name[("limit", "stt", "full")]["value"] == ""
    assert by_name[("input", "", "call.turns")]["value"] == "30.0"


def test_the_columns_are_always_the_same() -> None:
    assert to_csv(assumed(10)).splitlines()[0] == ",".join(COLUMNS)


def test_json_is_the_plan_itself() -> None:
    plan = assumed(10)

    assert json.loads(to_json(plan)) == json.loads(json.dumps(plan))
    assert json.loads(to_json(plan))["schema_version"] == 1
