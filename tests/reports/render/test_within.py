from __future__ import annotations

from otel_voiceload.reports.render import html, markdown, terminal, within
from tests.reports.samples import demo_exhibits, demo_report


def test_groups_of_turns_are_columns_and_levels_are_rows() -> None:
    table = within.build(demo_report())

    assert table.columns == ("1", "2", "3-4", "5-8"), "as far as any level has them"
    assert [row.calls for row in table.rows] == ["12", "24", "48", "96", "24"]
    assert [row.again for row in table.rows] == [False, False, False, False, True]
    lowest, *_, highest, back = table.rows
    assert lowest.cells[3] == within.Cell("?", "?"), "five turns give no percentile"
    assert highest.cells[3] == within.Cell("4.60", ">8"), "at the deadline it is a lower limit"
    assert lowest.spread == ("0.14", "0.02", "1.14x")
    assert back.cells[0] is None
    assert back.spread == ("?", "?", "?")
    assert table.has_unknown


def test_late_turns_are_held_against_early_ones_at_the_ends_of_the_load() -> None:
    report = demo_report()
    for level in report["within_calls"]:
        for group in level["by_number"]:
            group["samples"] += 30
    assert within.about_within(report) == [
        "at 12 calls the p50 of turns 3-4 is 1.01 times that of turn 2",
        "at 96 calls the p50 of turns 5-8 is 1.12 times that of turn 2",
        "later turns are those of calls that got that far",
    ]


def test_a_level_of_few_turns_is_passed_over_for_the_next_one() -> None:
    report = demo_report()
    for level in report["within_calls"]:
        for group in level["by_number"]:
            group["samples"] = 29 if level["level"] == 24 else 30

    low, *_ = within.about_within(report)
    assert low.startswith("at 12 calls")
    for group in report["within_calls"][0]["by_number"]:
        group["samples"] = 29
    assert within.about_within(report)[0].startswith("at 48 calls")


def test_without_two_groups_nothing_is_held_against_anything() -> None:
    report = demo_report()
    for level in report["within_calls"]:
        level["by_number"] = level["by_number"][:2]
    report["within_calls"] = report["within_calls"][:4]

    assert within.about_within(report) == []


def test_what_is_too_wide_keeps_the_first_turn_and_the_last_ones() -> None:
    table = within.shortened(within.build(demo_report()), 3)

    assert table.columns == ("1", "3-4", "5-8")
    assert [len(row.cells) for row in table.rows] == [3] * 5


def test_long_calls_fit_a_terminal_and_the_rest_is_named() -> None:
    report = demo_report()
    first = report["within_calls"][0]["by_number"]
    first += [
        {**first[0], "turn_from": low, "turn_to": high}
        for low, high in ((9, 16), (17, 32), (33, 64))
    ]
    text = terminal.render(report)

    assert max(map(len, text.splitlines())) <= 80
    assert "not shown for width: turns 2, 3-4 (ovl analyze -f md)" in text


def test_every_form_shows_it_and_a_run_without_turns_does_not() -> None:
    report = demo_report()
    row = ("<td>96</td><td>3.60 / 4.90</td>", "| 96 | 3.60 / 4.90 |", "       96    3.60    4.10")
    page = html.render(report, demo_exhibits())
    for form, cells in zip(
        (page, markdown.render(report), terminal.render(report)), row, strict=True
    ):
        assert cells in form

    report["within_calls"] = []
    assert "WITHIN CALLS" not in terminal.render(report)
    assert within.TITLE not in markdown.render(report)
    assert within.TITLE not in html.render(report, demo_exhibits())
