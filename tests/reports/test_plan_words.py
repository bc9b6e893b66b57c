from __future__ import annotations

import pytest

from otel_voiceload.analysis.changes import parse_change
from otel_voiceload.reports.plan_words import headline, nothing_known, undecided_by
from otel_voiceload.reports.report import Report, Status
from tests.analysis.plans import model
from tests.reports.plans import assumed
from tests.reports.samples import demo_report


def report_with(status: Status, validity: str = "valid") -> Report:
    report = demo_report()
    report["inflection"]["status"] = status
    report["inflection"]["tested_up_to"] = 96.0
    report["run"]["validity"] = validity  # type: ignore[typeddict-item]
    return report


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("unobserved", "The run has no component timing"),
        ("not_reached", "Nothing bent up to 96 calls"),
        ("at_most", "was full at the lowest level already"),
        ("cannot_tell", "No limit is known from this run."),
    ],
)
def test_each_reason_says_what_to_do(status: Status, said: str) -> None:
    assert said in nothing_known(report_with(status))


def test_a_run_that_can_not_be_judged_can_not_be_planned_from() -> None:
    report = report_with("found", "inconclusive")
    report["run"]["validity_reasons"] = ["no turn was recorded"]

    said = undecided_by(report, model(48.0), ())
    assert said is not None
    assert said.startswith("Nothing can be planned from this run: no turn was recorded")


def test_a_limit_that_is_set_needs_none_that_is_known() -> None:
    report = report_with("not_reached")

    assert undecided_by(report, model(48.0), ()) is None
    assert undecided_by(report, model(None), [parse_change("llm.capacity=2x")]) is not None
    assert undecided_by(report, model(None), [parse_change("llm.capacity=8")]) is None


def test_what_is_undecided_is_the_headline() -> None:
    plan = assumed()
    plan["undecided"] = "It can not be told."

    assert headline(plan) == "It can not be told."
