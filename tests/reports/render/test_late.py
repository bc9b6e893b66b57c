from __future__ import annotations

from otel_voiceload.reports.render import html, markdown, terminal
from otel_voiceload.reports.render.late import about_late, about_quotas
from otel_voiceload.reports.report import Report
from tests.reports.samples import demo_exhibits, demo_report


def late() -> Report:
    report = demo_report()
    report["spike_gap"] = {
        "climbed": 500.0,
        "jumped": 300.0,
        "carried_jump": None,
        "stage_index": 4,
        "p95_s": 3.2,
        "limit_s": 1.2,
        "failed_share": 0.0,
        "recovered_after_s": 140.0,
        "before_climb": False,
    }
    report["autoscaling"] = [
        {
            "component": "llm",
            "calls": 160.0,
            "stage_index": 3,
            "spike": False,
            "started": "2026-11-23T10:00:00Z",
            "recovered_after_s": 140.0,
            "resolution_s": 12.5,
            "usual_s": 0.3,
            "worse_s": 1.9,
            "after_s": 0.31,
            "turns": 900,
        }
    ]
    report["quota_walls"] = [
        {
            "component": "llm",
            "kind": "lasting",
            "calls": 60.0,
            "stage_index": 3,
            "at_s": 2400.0,
            "at": "2026-11-23T10:40:00Z",
            "requests": 10_012,
            "last_minute": 300,
            "refused_share": 0.93,
            "error_type": "rate_limited",
            "walls": 1,
            "period_s": None,
            "period_requests": None,
        }
    ]
    return report


def test_the_gap_and_the_level_say_what_was_seen_and_when_it_was_well() -> None:
    gap, level = about_late(late())

    assert gap == (
        "step by step it carried 500 calls, a jump to 300 it did not (p95 3.20 s where 1.20 s is"
        " twice the baseline; no smaller jump was tried); well 140 s into it: capacity arrives late"
    )
    assert level == (
        "llm was worse at 160 calls and recovered after 140 s (to within 12 s): 1.90 s until then,"
        " 0.31 s after, 0.30 s on the levels below"
    )


def test_a_jump_that_was_carried_and_what_failed_are_told_as_well() -> None:
    report = late()
    assert report["spike_gap"] is not None
    report["spike_gap"] |= {
        "carried_jump": 200.0,
        "failed_share": 0.12,
        "recovered_after_s": None,
        "before_climb": True,
    }

    gap = about_late(report)[0]

    assert "12% without an answer; a jump to 200 was carried; the jump came first)" in gap
    assert "late" not in gap


def test_a_wall_says_when_and_after_how_many_requests() -> None:
    (line,) = about_quotas(late())

    assert line == (
        "llm began to refuse (rate_limited) 40 min into the run, at a constant 60 calls: 93% of"
        " requests from then on, to the end of the level; it had taken 10012 requests by then, 300"
        " of them in the last minute"
    )


def test_walls_that_come_back_name_the_period() -> None:
    report = late()
    report["quota_walls"][0] |= {
        "kind": "recurring",
        "walls": 5,
        "period_s": 60.0,
        "period_requests": 500,
    }

    (line,) = about_quotas(report)

    assert line.endswith(
        "5 walls, one every 60 s, after about 500 requests each: a quota of that period"
    )


def test_every_form_of_the_report_says_it_and_a_plain_run_says_nothing() -> None:
    report = late()
    text = terminal.render(report)
    assert "  late       step by step it carried 500 calls" in text
    assert "  quotas     llm began to refuse" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "## Capacity that came late\n\n- step by step" in markdown.render(report)
    assert "## Quotas that ran out\n\n- llm began" in markdown.render(report)
    page = html.render(report, demo_exhibits())
    assert "Capacity that came late" in page
    assert "Quotas that ran out" in page

    plain = demo_report()
    assert (about_late(plain), about_quotas(plain)) == ([], [])
    assert "Capacity that came late" not in html.render(plain, demo_exhibits())
