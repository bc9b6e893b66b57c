from __future__ import annotations

from otel_voiceload.reports.build_split import SplitGroup
from otel_voiceload.reports.render import markdown, split, terminal
from tests.reports.samples import demo_report


def group(component: str, value: str, calls: float | None, p95_s: float | None) -> SplitGroup:
    return {
        "component": component,
        "value": value,
        "calls": calls,
        "samples": 40,
        "p50_s": 0.5,
        "p95_s": p95_s,
        "error_rate": 0.0,
        "open_from_s": 8.0,
    }


GROUPS = [
    group("llm", "large", None, 1.0),
    group("llm", "large", 12, 0.5),
    group("llm", "large", 96, None),
    group("stt", "unknown", None, 0.2),
]


def test_without_by_nothing_is_shown() -> None:
    assert split.rows(demo_report()) == []
    assert "SECONDS by" not in terminal.render(demo_report())


def test_a_row_has_all_levels_and_the_ends_of_the_load_and_names_its_query() -> None:
    report = demo_report()
    report["by"] = {"attribute": "gen_ai.request.model", "groups": GROUPS}

    (row,) = split.rows(report)

    assert row == ("llm", "large", "40", "0.50", "1.00", "0%", "12: 0.50, 96: unknown")
    text = terminal.render(report)
    assert "SECONDS by gen_ai.request.model" in text
    assert "from ovl query split_latency" in text
    assert "| llm | large | 40 |" in markdown.render(report)


def test_a_component_of_which_nobody_says_a_value_is_left_out_and_all_of_them_are_a_sentence() -> (
    None
):
    report = demo_report()
    report["by"] = {"attribute": "x", "groups": GROUPS}
    assert [row[0] for row in split.rows(report)] == ["llm"]
    assert split.nobody_says(report) == ""
    report["by"] = {"attribute": "x", "groups": GROUPS[3:]}
    assert split.rows(report) == []
    assert "no span of this run says x" in terminal.render(report)


def test_turns_at_the_deadline_read_as_in_the_levels() -> None:
    report = demo_report()
    groups = [group("turn", "large", None, 8.0), group("turn", "large", 12, 8.0)]
    report["by"] = {"attribute": "x", "groups": [*groups, group("llm", "large", None, 7.98)]}

    turn, llm = split.rows(report)
    assert (turn[4], turn[6]) == (">8", "12: >8")
    assert llm[4] == "7.98"
