from __future__ import annotations

from pathlib import Path

import jsonschema
import orjson
import pytest

from otel_voiceload.reports.schema import schema, schema_text
from tests.reports.samples import demo_report

CHECKED_IN = Path(__file__).parents[2] / "docs" / "report.schema.json"


def test_the_schema_that_is_checked_in_is_that_of_the_types() -> None:
    assert CHECKED_IN.read_text("utf-8") == schema_text()


def test_the_demo_report_follows_the_schema() -> None:
    jsonschema.validate(orjson.loads(orjson.dumps(demo_report())), schema())


@pytest.mark.parametrize(
    ("section", "field", "value"),
    [
        ("run", "validity", "splendid"),
        ("run", "seed", "one"),
        ("turn_latency", "samples", None),
        ("generator", "spans_lost", {"disk": "many"}),
    ],
)
def test_a_report_of_another_shape_does_not(section: str, field: str, value: object) -> None:
    report = orjson.loads(orjson.dumps(demo_report()))
    report[section][field] = value

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, schema())


def test_fields_that_may_be_missing_are_not_required() -> None:
    run = schema()["$defs"]["Run"]

    assert "planted" in run["properties"]
    assert "planted" not in run["required"]
    assert "validity" in run["required"]
