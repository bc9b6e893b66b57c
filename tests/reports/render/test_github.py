from __future__ import annotations

from otel_voiceload.reports.render import github, markdown
from tests.reports.samples import GOLDEN, demo_report


def test_the_demo_reads_as_agreed() -> None:
    written = (GOLDEN / "demo.annotations").read_text("utf-8")

    assert "\n".join(github.commands(demo_report())) == written


def test_the_summary_is_the_markdown_report() -> None:
    assert github.render(demo_report()) == markdown.render(demo_report())


def test_a_broken_promise_of_the_user_is_an_error() -> None:
    report = demo_report()
    report["thresholds"][1]["written_by_user"] = True

    assert any(
        command.startswith("::error title=turn_latency p95<2s failed::observed 5.01 s")
        for command in github.commands(report)
    )


def test_an_inconclusive_run_says_so_first() -> None:
    report = demo_report()
    report["run"].update(validity="inconclusive", validity_reasons=["spans were lost: 12"])

    assert github.commands(report)[0] == (
        "::error title=the run is inconclusive::spans were lost: 12"
    )


def test_text_from_outside_starts_no_command_of_its_own() -> None:
    command = github.command("error", "a:b,c", "one\n::error::two 100%")

    assert command == "::error title=a%3Ab%2Cc::one%0A::error::two 100%25"
    assert len(command.splitlines()) == 1
