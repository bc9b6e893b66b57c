from __future__ import annotations

from otel_voiceload.reports.compare import ComparedLevel, CompareOptions, compare
from otel_voiceload.reports.render import compare_text
from tests.reports.compared import a_run

BEFORE = [a_run("before", seed) for seed in (1, 2, 3)]
SLOW = compare(
    BEFORE, [a_run("slow", seed, slower=6.0, target="ws://other") for seed in (4, 5, 6)],
    CompareOptions(),
)  # fmt: skip
PAIR = compare(BEFORE[:1], [a_run("pair", 4, bends=None)], CompareOptions())


def test_the_text_fits_eighty_columns_and_begins_with_the_verdict() -> None:
    text = compare_text.terminal(SLOW)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("  FAIL       Worse than tolerated: turn_latency p95")
    assert "NOT ALIKE  target: ws://127.0.0.1:8765 against ws://other" in text
    assert "tolerated: turn_latency p95 +100%, completion -5 points" in text
    assert "\x1b[" not in text
    assert "\x1b[31m" in compare_text.terminal(SLOW, color=True)


def test_a_pair_says_that_it_decides_nothing() -> None:
    text = compare_text.terminal(PAIR)
    assert text.startswith("  UNKNOWN")
    assert "three repeats per side" in text
    (knee,) = [line for line in text.splitlines() if line.startswith("  knee")]
    assert ">96" in knee


def test_a_knee_below_the_lowest_level_is_at_most_so_much_though_the_other_side_is_unknown() -> (
    None
):
    early, none = a_run("early", 1, bends=("llm", 46.0)), a_run("none", 2)
    early.report["inflection"]["status"] = "at_most"
    none.report["inflection"] |= {"status": "cannot_tell", "candidates": []}
    for sides, cells in (((early, none), ["at most 46", "unknown"]), ((none, early), None)):
        made = compare([sides[0]], [sides[1]], CompareOptions())
        text = compare_text.terminal(made)
        (knee,) = [line for line in text.splitlines() if line.startswith("  knee")]
        assert max(map(len, text.splitlines())) <= 80
        assert " ".join(knee.split()).endswith(" ".join(cells or ["unknown", "at most 46"]))


def test_what_is_worse_within_its_gate_is_called_so_everywhere() -> None:
    made = compare(
        BEFORE, [a_run("slow", seed, slower=6.0) for seed in (4, 5, 6)],
        CompareOptions({"turn_latency p95": 9.0}),
    )  # fmt: skip
    text = compare_text.terminal(made)
    (p95,) = [line for line in text.splitlines() if line.startswith("  turn p95  ")]
    assert p95.endswith("  worse, tolerated")
    assert max(map(len, text.splitlines())) <= 80
    assert made["headline"].endswith("; worse, tolerated: turn_latency p95")
    assert made["headline"].startswith("Worse: turn_latency p50")
    assert made["next_step"].startswith("no gate failed; what is worse has none")
    assert "| worse, tolerated |" in compare_text.markdown(made)


def test_no_change_has_no_minus() -> None:
    level: ComparedLevel = {
        "calls": 96.0, "base_p95_s": 2.0, "run_p95_s": 1.9999, "base_open": "", "run_open": "",
        "change": 0.99995, "ci": (0.9, 1.1), "judged": "unclear",
    }  # fmt: skip
    assert compare_text.level_row(level)[3] == "+0.0%"


def test_a_level_at_the_deadline_reads_as_the_run_says_it() -> None:
    level: ComparedLevel = {
        "calls": 96.0, "base_p95_s": 2.0, "run_p95_s": 8.000000001, "base_open": "",
        "run_open": "at_least", "change": 4.0, "ci": (3.9, None), "judged": "worse",
    }  # fmt: skip
    assert compare_text.level_row(level)[1:3] == ("2.00 s", ">8 s")


def test_markdown_holds_a_row_per_figure_and_level() -> None:
    text = compare_text.markdown(SLOW)
    assert "| figure | base | run | change | 95% bounds | verdict |" in text
    assert "## Not the same on both sides" in text
    assert text.count("\n| turn p95 |") == 1
    assert "| 24 calls |" in text
