from __future__ import annotations

from xml.etree import ElementTree as Xml

import pytest

from otel_voiceload.reports.render import junit
from otel_voiceload.reports.report import Report, ThresholdVerdict, Verdict
from tests.reports.samples import GOLDEN, demo_report


def case_of(report: Report, name: str) -> Xml.Element:
    root = Xml.fromstring(junit.render(report).partition("\n")[2])
    return next(case for case in root.iter("testcase") if case.get("name") == name)


def test_the_demo_reads_as_agreed() -> None:
    assert junit.render(demo_report()) == (GOLDEN / "demo.xml").read_text("utf-8")


@pytest.mark.parametrize(
    ("verdict", "by_user", "decides", "said"),
    [
        ("pass", True, True, set()),
        ("fail", True, True, {"failure"}),
        ("fail", True, False, {"skipped"}),
        ("fail", False, True, {"skipped"}),
        ("unknown", True, True, {"skipped"}),
        ("not_applicable", True, True, {"skipped"}),
    ],
)
def test_only_a_promise_that_the_user_made_can_fail_a_build(
    verdict: ThresholdVerdict, by_user: bool, decides: bool, said: set[str]
) -> None:
    report = demo_report()
    report["thresholds"][0].update(verdict=verdict, written_by_user=by_user, decides=decides)
    case = case_of(report, "turn_latency p50<800ms")

    assert {child.tag for child in case} - {"system-out"} == said


def test_an_inconclusive_run_is_an_error_with_its_reasons() -> None:
    report = demo_report()
    report["run"].update(validity="inconclusive", validity_reasons=["the generator was the limit"])
    error = case_of(report, "the run can be judged").find("error")

    assert error is not None
    assert error.get("message") == "the generator was the limit"


@pytest.mark.parametrize("verdict", ["pass", "fail", "unknown"])
def test_a_valid_run_can_be_judged_whatever_its_thresholds_came_to(verdict: Verdict) -> None:
    report = demo_report()
    report["verdict"] = verdict
    report["run"].update(validity="valid", validity_reasons=["target on the same host"])
    case = case_of(report, "the run can be judged")

    assert [child.tag for child in case] == ["system-out"]


def test_a_degraded_run_is_no_green_case_and_says_why() -> None:
    report = demo_report()
    report["run"].update(validity="degraded", validity_reasons=["the run was cut short"])
    skipped = case_of(report, "the run can be judged").find("skipped")

    assert skipped is not None
    assert skipped.get("message") == "degraded: the run was cut short"


def test_counts_are_those_of_the_cases() -> None:
    suite = Xml.fromstring(junit.render(demo_report()).partition("\n")[2])[0]

    assert suite.get("tests") == str(len(suite.findall("testcase")))
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped")))


def test_control_characters_do_not_break_the_xml() -> None:
    report = demo_report()
    report["run"]["target"] = "ws://\x00\x1b[31m<&>"

    assert Xml.fromstring(junit.render(report).partition("\n")[2]) is not None
