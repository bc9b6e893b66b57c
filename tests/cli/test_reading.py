from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.cli.options import Common
from otel_voiceload.cli.reading import (
    conclude,
    deliver,
    opened,
    unix_ns,
    written_thresholds,
)
from otel_voiceload.errors import UsageError
from tests.reports.samples import PLANTED, demo_report

STARTED = 1_000_000_000_000


def common(**changes: object) -> Common:
    given: dict[str, object] = {
        "store": Path("s"),
        "format": None,
        "output": None,
        "quiet": False,
        "verbose": False,
        "no_color": False,
        "thresholds": {},
    }
    return Common(**{**given, **changes})


@pytest.mark.parametrize(
    ("text", "at"),
    [
        (None, None),
        ("90s", STARTED + 90_000_000_000),
        ("1m30s", STARTED + 90_000_000_000),
        ("2026-11-23T10:15:00Z", 1_795_428_900_000_000_000),
        ("2026-11-23T10:15:00", 1_795_428_900_000_000_000),
        ("2026-11-23T11:15:00+01:00", 1_795_428_900_000_000_000),
    ],
)
def test_a_moment_is_a_time_or_a_length_since_the_start(text: str | None, at: int | None) -> None:
    assert unix_ns(text, STARTED) == at


def test_other_words_are_no_moment() -> None:
    with pytest.raises(UsageError, match="'soon' is no moment"):
        unix_ns("soon", STARTED)


def test_the_command_line_replaces_the_files_thresholds_of_the_same_metric() -> None:
    reader = common(thresholds={"turn_latency": ("p95<9s",), "llm": ("p95<1s",)})
    written = written_thresholds(reader, ["turn_latency:p95<2s"])

    assert [(each.name, each.expression) for each in written] == [
        ("turn_latency", "p95<2s"),
        ("llm", "p95<1s"),
    ]


def test_a_run_is_opened_by_its_tag(store: Path) -> None:
    with opened(common(store=store), "friday") as (_, run_id):
        assert run_id == PLANTED


def test_a_file_gets_no_colour_and_a_terminal_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    deliver(common(), demo_report())
    deliver(common(output=str(tmp_path / "r.txt")), demo_report())

    assert "\x1b[" in capsys.readouterr().out
    assert "\x1b[" not in (tmp_path / "r.txt").read_text("utf-8")


def test_a_finished_run_ends_in_its_report_and_its_page(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "r.html"
    report = conclude(common(store=store), PLANTED, page)

    assert report["run"]["id"] == PLANTED
    assert "planted llm at 24" in capsys.readouterr().out
    assert "planted llm at 24" in page.read_text("utf-8")
