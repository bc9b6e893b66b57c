from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.cli import demo as verb
from otel_voiceload.errors import ExitCode
from otel_voiceload.reports import page
from otel_voiceload.reports.page import Written
from otel_voiceload.reports.report import Report
from otel_voiceload.runner import demo as demos
from otel_voiceload.runner.demo import DemoPlan
from otel_voiceload.runner.generate import RunOutcome
from otel_voiceload.runner.screen import Screen
from otel_voiceload.telemetry.exporter import Totals
from tests.cli.ovl import ovl
from tests.reports.samples import PLANTED, QUIET

Capture = pytest.CaptureFixture[str]
DONE = RunOutcome(PLANTED, "target_reached", Totals(7, 7), None)


class Played:
    """Stands for the demo: its run is one that is in the store."""

    def __init__(self) -> None:
        self.plans: list[DemoPlan] = []
        self.outcome = DONE

    def __call__(self, plan: DemoPlan, screen: Screen) -> RunOutcome:
        self.plans.append(plan)
        return self.outcome


@pytest.fixture
def played_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Played:
    monkeypatch.chdir(tmp_path)
    one = Played()
    monkeypatch.setattr(demos, "play_demo", one)
    return one


def write_words(report: Report, exhibits: object, path: Path) -> Written:
    """In place of a page, whose charts take seconds to draw."""
    path.write_text(report["headline"])
    return Written(path, None)


@pytest.fixture
def played(played_whole: Played, monkeypatch: pytest.MonkeyPatch) -> Played:
    monkeypatch.setattr(page, "exhibits_of", lambda *_: None)
    monkeypatch.setattr(page, "write_page", write_words)
    return played_whole


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the browser was asked to show."""
    urls: list[str] = []
    monkeypatch.setattr(verb.webbrowser, "open", urls.append)
    return urls


def test_without_options_it_plants_llm_at_48_and_writes_the_page(
    played_whole: Played, opened: list[str], store: Path, tmp_path: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "demo")

    assert ended.code == 0
    assert "planted llm at 24, found 2" in ended.out
    assert played_whole.plans == [DemoPlan("llm:48", 45.0, 1, store)]
    assert "wrote ovl-report.html" in ended.err
    assert (tmp_path / "ovl-report.html").read_text("utf-8").startswith("<!doctype html>")
    assert opened == []


def test_options_reach_the_demo_and_the_page_is_opened_when_asked(
    played: Played, opened: list[str], store: Path, tmp_path: Path, capsys: Capture
) -> None:
    words = ("--plant", "llm:24", "--seconds", "30", "--seed", "9", "--report", "p.html", "--open")

    ovl(capsys, store, "demo", *words)

    assert played.plans == [DemoPlan("llm:24", 30.0, 9, store)]
    assert opened == [(tmp_path / "p.html").as_uri()]


@pytest.mark.parametrize(
    ("plant", "run_id", "code"),
    [
        ("llm:24", PLANTED, ExitCode.OK),
        ("tts:24", PLANTED, ExitCode.FAILED),
        ("none", PLANTED, ExitCode.FAILED),
        ("none", QUIET, ExitCode.OK),
        ("llm:24", QUIET, ExitCode.FAILED),
    ],
)
def test_it_leaves_with_whether_the_plant_was_found(
    played: Played, store: Path, capsys: Capture, plant: str, run_id: str, code: ExitCode
) -> None:
    played.outcome = replace(DONE, run_id=run_id)

    assert ovl(capsys, store, "demo", "--plant", plant, "-q").code == code


def test_an_interrupted_demo_leaves_with_130(played: Played, store: Path, capsys: Capture) -> None:
    played.outcome = replace(DONE, interrupted=ExitCode.INTERRUPTED)

    assert ovl(capsys, store, "demo").code == 130


def test_one_that_was_interrupted_before_it_began_leaves_with_130_all_the_same(
    played: Played, store: Path, capsys: Capture
) -> None:
    played.outcome = replace(DONE, run_id="not-there", interrupted=ExitCode.INTERRUPTED)

    ended = ovl(capsys, store, "demo")

    assert ended.code == 130
    assert "not-there" in ended.err
