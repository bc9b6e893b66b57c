from __future__ import annotations

from otel_voiceload.reports.render import html, markdown, terminal
from otel_voiceload.reports.render.drift import about_drift
from otel_voiceload.reports.report import Drift, DriftVerdict, Report
from tests.reports.samples import demo_exhibits, demo_report


def entry(metric: str, unit: str, verdict: DriftVerdict, level: float, why: str = "") -> Drift:
    moves = verdict == "rising"
    return {
        "metric": metric,
        "unit": unit,
        "verdict": verdict,
        "calls": 60.0,
        "hold_s": 14400.0,
        "level": level,
        "per_hour": level / 10 if moves else 0.0,
        "ci": (level / 12, level / 8) if moves else (0.0, 0.0),
        "limit": 2 * level if moves else None,
        "limit_of": "promised" if moves else None,
        "exhausted_in_s": 36000.0 if moves else None,
        "exhausted_at_least_s": 28800.0 if moves else None,
        "why": why,
    }


def soaked() -> Report:
    report = demo_report()
    report["drift"] = [
        entry("turn_latency", "s", "steady", 0.6),
        entry("llm", "s", "unknown", 0.3, "hold it for longer"),
        entry("target_memory", "By", "rising", 800e6),
        entry("target_fds", "1", "steady", 40),
    ]
    return report


def test_what_drifts_is_told_and_what_is_steady_named() -> None:
    first, leak, steady, unknown = about_drift(soaked())
    assert first == "over 4 h 0 min at 60 calls:"
    assert leak == (
        "target memory rising: +80.0 MB per hour (+66.7 MB to +100 MB) at a level of 800 MB;"
        " at 1600 MB in 10 h 0 min, 8 h 0 min at the earliest"
    )
    assert steady == "steady within 5%: turn latency, target fds"
    assert unknown == "unknown: llm: hold it for longer"


def test_a_limit_of_the_machine_is_named() -> None:
    report = soaked()
    report["drift"][2] |= {"limit_of": "memory"}

    leak = about_drift(report)[1]

    assert leak.endswith("; memory used up in 10 h 0 min, 8 h 0 min at the earliest")


def test_every_form_of_the_report_says_it() -> None:
    report = soaked()
    text = terminal.render(report)
    assert "  drift      over 4 h 0 min at 60 calls:" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "## Drift\n\n- over 4 h 0 min at 60 calls:" in markdown.render(report)
    assert "What drifted over the soak" in html.render(report, demo_exhibits())


def test_a_run_without_a_soak_says_nothing_of_drift() -> None:
    assert about_drift(demo_report()) == []
    assert "drift" not in terminal.render(demo_report())
