from __future__ import annotations

import re

import pytest

from otel_voiceload.reports.render import terminal
from otel_voiceload.reports.report import Report
from tests.reports.samples import GOLDEN, demo_report

COLOUR = re.compile(r"\x1b\[[\d;]*m")


def empty_report() -> Report:
    """A run that nothing is known of: every figure is None, every list empty."""
    report = demo_report()
    del report["run"]["planted"]
    report["run"].update(validity="inconclusive", shut_down=False, seed=None, ended=None)
    report["verdict"] = "inconclusive"
    report["levels"], report["components"], report["thresholds"], report["fixes"] = [], [], [], []
    report["inflection"] = {
        "status": "cannot_tell",
        "candidates": [],
        "tested_up_to": None,
        "repeat_level": None,
        "climb": None,
    }
    for name in ("turn_latency", "greeting"):
        report[name].update(p50_s=None, p95_s=None, p99_s=None, samples=0)
    report["unattributed"] = {"p50_s": None, "p95_s": None, "share": None}
    report["call_completion"].update(rate=None, outcomes={})
    return report


def test_the_demo_reads_as_agreed() -> None:
    assert terminal.render(demo_report()) == (GOLDEN / "demo.txt").read_text("utf-8")


def test_validity_is_the_first_word_and_the_verdict_the_first_sentence() -> None:
    lines = terminal.render(demo_report()).splitlines()

    assert lines[0].startswith("VALID ")
    first = lines.index("") + 1
    assert lines[first : first + 2] == [
        "  llm bends first, at 46 calls (41-52).",
        "  planted llm at 48, found 46 (41-52)",
    ]


@pytest.mark.parametrize("report", [demo_report(), empty_report()], ids=["demo", "empty"])
@pytest.mark.parametrize("color", [False, True])
def test_no_line_is_wider_than_a_terminal(report: Report, color: bool) -> None:
    lines = COLOUR.sub("", terminal.render(report, color=color)).splitlines()

    assert [line for line in lines if len(line) > terminal.WIDTH] == []


def test_colour_changes_no_letter() -> None:
    coloured = terminal.render(demo_report(), color=True)

    assert coloured != terminal.render(demo_report())
    assert COLOUR.sub("", coloured) == terminal.render(demo_report())


def test_a_run_that_nothing_is_known_of_says_unknown_and_never_zero() -> None:
    text = terminal.render(empty_report())

    assert text.startswith("INCONCLUSIVE")
    assert "no level was held" in text
    assert "turns p50 unknown, p95 unknown, p99 unknown of 0" in text
    assert "unattributed unknown" in text
    assert "the generator ended without a shutdown" in text


def test_the_bend_is_drawn_between_the_levels_it_lies_between() -> None:
    lines = terminal.render(demo_report()).splitlines()
    bend = next(i for i, line in enumerate(lines) if "── llm bends at 46" in line)

    assert lines[bend - 1].split()[0] == "24"
    assert lines[bend + 1].split()[0] == "48"


def test_a_long_component_name_keeps_its_column() -> None:
    report = demo_report()
    report["components"][1]["component"] = "text_aggregation"
    report["components"][1]["role"] = "candidate"
    lines = terminal.render(report).splitlines()
    head = next(line for line in lines if line.strip().startswith("calls  turns"))

    assert "aggregation" in head


def test_bounds_wider_than_their_column_stay_apart_from_the_verdict() -> None:
    report = demo_report()
    report["thresholds"][0] |= {"unit": "points", "ci": (0.0, 0.351), "verdict": "unknown"}

    assert "0.0 - 35.1 points unknown" in terminal.render(report)


def test_a_percentile_that_is_open_stands_apart_from_the_one_before_it() -> None:
    report = demo_report()
    part = report["levels"][-2]["components"][0]
    part.update(p50_s=0.24, p95_s=0.37, open_from_s=0.37)
    assert "0.24 >0.37" in terminal.render(report)
