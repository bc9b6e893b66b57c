from __future__ import annotations

from otel_voiceload.reports.render import html, markdown, terminal
from otel_voiceload.reports.render.resources import COLUMNS, about_resources, rows
from tests.reports.samples import demo_exhibits, demo_report


def test_a_call_more_has_its_price_in_words() -> None:
    lines = about_resources(demo_report())
    assert lines[1:3] == [
        "worker: 0.0016 cores, 58.0 kB per call; idle 0.02 cores, 95.0 MB",
        "target: 0.0021 cores, 140 kB per call; idle 0.05 cores, 88.0 MB",
    ]
    assert lines[0] == "machine: 32.5 kB/s sent, 33.1 kB/s received per call"
    assert lines[3].startswith(
        "this machine all for the generator: its cores (2) for 1,033 calls, its memory (8.0 GiB)"
    )


def test_levels_stand_in_the_order_of_the_run_with_a_dash_for_what_nobody_saw() -> None:
    found = rows(demo_report())
    assert [row[:3] for row in found[-2:]] == [("48", "12", "generator"), ("48", "12", "target")]
    assert dict(zip(COLUMNS, found[1], strict=True)) == {
        "at": "5",
        "calls": "6",
        "of": "target",
        "cores": "0.06",
        "MB": "89",
        "files": "30",
        "sent": "-",
        "received": "-",
        "gc": "1.2%",
    }


def test_every_form_of_the_report_has_them() -> None:
    report = demo_report()
    text = terminal.render(report)
    assert "  RESOURCES, by level in the order of the run" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "## Resources\n\n| at | calls | of |" in markdown.render(report)
    page = html.render(report, demo_exhibits())
    assert "What the load took of the machines" in page
    assert "<td>generator</td><td>0.31</td><td>316</td>" in page


def test_a_single_level_has_no_price_and_a_run_at_which_nobody_looked_says_nothing() -> None:
    report = demo_report()
    report["resources"]["per_call"] = []
    assert about_resources(report) == ["what a call costs is unknown: one level has no slope"]
    report["resources"]["levels"] = []
    assert about_resources(report) == []
    assert rows(report) == []
    assert "RESOURCES" not in terminal.render(report)
    assert "Resources" not in markdown.render(report)
    assert "took of the machines" not in html.render(report, demo_exhibits())
