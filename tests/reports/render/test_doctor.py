"""The doctor's findings in words: faults counted, what is well kept to one line each."""

from __future__ import annotations

import pytest

from otel_voiceload.reports.render import doctor
from otel_voiceload.reports.render.doctor import Row

WELL: Row = ("clocks", "within the call", 1200, 0, "ok", "all within", "nothing")
JOINED: Row = ("joins", "trace", 40, 0, "ok", "certain: the trace names the run", "nothing")
REMARK: Row = ("orphans", "runs", 1200, 3, "warn", "spans of 2 traces", "spans of no run")
NOTHING: Row = ("sampling", "calls", 9, 0, "unknown", "the target sent none", "nothing")
FAULT: Row = ("latencies", "llm", 1200, 1100, "fail", "1100 of zero", "nothing")


@pytest.mark.parametrize(
    ("rows", "whole"),
    [
        ([WELL, JOINED], "run r: all 2 checks are well"),
        ([WELL, NOTHING], "run r: 1 of 2 checks are well, 1 had nothing to look at"),
        ([WELL, REMARK], "run r: 1 of 2 checks have a remark"),
        (
            [WELL, REMARK, NOTHING],
            "run r: 1 of 3 checks have a remark, 1 had nothing to look at",
        ),
        ([WELL, REMARK, FAULT], "run r: 1 of 3 checks failed; do not trust its components yet"),
    ],
)
def test_the_first_line_says_whether_to_trust_the_run(rows: list[Row], whole: str) -> None:
    assert doctor.render("r", rows).splitlines()[0] == whole


def test_a_fault_says_its_share_its_reason_and_what_it_costs() -> None:
    lines = doctor.render("r", [REMARK, FAULT]).splitlines()

    assert [line.split() for line in lines[2:7]] == [
        ["WARN", "orphans", "runs", "3", "of", "1,200"],
        ["spans", "of", "2", "traces"],
        ["left", "out:", "spans", "of", "no", "run"],
        ["FAIL", "latencies", "llm", "1,100", "of", "1,200"],
        ["1100", "of", "zero"],
    ]
    assert "left out" not in lines[-3]


def test_what_is_well_is_one_line_but_for_how_traces_were_joined() -> None:
    text = doctor.render("r", [WELL, JOINED])

    assert "all within" not in text
    assert "certain: the trace names the run" in text
    assert "ok       clocks        within the call  1,200\n" in text


def test_a_check_of_several_lines_is_named_once() -> None:
    text = doctor.render("r", [FAULT, ("latencies", "tts", 5, 0, "ok", "none", "nothing"), WELL])

    assert (text.count("latencies"), text.count("clocks")) == (1, 1)


def test_what_had_nothing_to_look_at_is_unknown_and_says_why() -> None:
    lines = doctor.render("r", [NOTHING]).splitlines()

    assert [line.split() for line in lines[2:4]] == [
        ["unknown", "sampling", "calls", "9"],
        ["the", "target", "sent", "none"],
    ]
