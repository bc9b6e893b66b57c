from __future__ import annotations

from typing import Any

import pytest

from otel_voiceload.reports.render import html, markdown, terminal
from otel_voiceload.reports.render.judgement import about_deciding, judgement
from otel_voiceload.reports.report import Report
from tests.reports.samples import demo_exhibits, demo_report


def report(*rows: tuple[str, bool], verdict: str = "unknown", **more: object) -> Report:
    """The demo with these rows, each a verdict and whether the user wrote it."""
    made: Any = demo_report()
    first = made["thresholds"][0]
    made["thresholds"] = [
        {**first, "verdict": word, "written_by_user": yours, **more} for word, yours in rows
    ]
    made["verdict"] = verdict
    result: Report = made
    return result


@pytest.mark.parametrize(
    ("rows", "text", "tone"),
    [
        ([("fail", False), ("unknown", False), ("pass", False)], "fail (1 unknown)", "fail"),
        ([("unknown", False), ("pass", False), ("pass", False)], "unknown (2 pass)", "unknown"),
        ([("unknown", False), ("unknown", False)], "unknown", "unknown"),
        ([("pass", False), ("not_applicable", False)], "pass", "pass"),
        ([("not_applicable", False)], "not applicable", "unknown"),
    ],
)
def test_the_heading_says_what_is_known_of_the_rows(
    rows: list[tuple[str, bool]], text: str, tone: str
) -> None:
    found = judgement(report(*rows))

    assert (found.text, found.tone) == (f"{text}, the method's own", tone)


def test_the_users_come_first_and_give_the_colour() -> None:
    found = judgement(report(("pass", True), ("fail", False), ("unknown", False)))

    assert (found.text, found.tone) == ("pass; the method's own fail (1 unknown)", "pass")


def test_a_run_that_can_not_be_judged_has_no_verdict_of_its_rows() -> None:
    assert judgement(report(("fail", False), verdict="inconclusive")).text == "inconclusive"
    assert judgement(report()).text == "none were judged"


def test_a_search_says_why_it_decides_nothing_and_what_would() -> None:
    (own,) = about_deciding(report(("fail", False), decides=False))
    (search,) = about_deciding(report(("fail", True), decides=False))

    assert own == "the method's own thresholds never set the exit code"
    assert "--expected-peak N" in search
    assert about_deciding(report(("fail", True), decides=True)) == []


def test_every_form_has_the_same_words_and_the_load_that_a_row_is_of() -> None:
    made = report(("fail", False), ("unknown", False), decides=False, judged_at=96.0)
    text = terminal.render(made)

    assert "THRESHOLDS fail (1 unknown), the method's own\n" in text
    assert "fail at 96 calls" in text
    assert "thresholds **fail (1 unknown), the method's own**" in markdown.render(made)
    page = html.render(made, demo_exhibits())
    assert '<span class="badge bad">thresholds: fail (1 unknown), the method' in page
