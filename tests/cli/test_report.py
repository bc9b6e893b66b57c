from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.ovl import ovl

Capture = pytest.CaptureFixture[str]


def test_the_page_goes_where_it_was_asked_for(store: Path, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "r.html"
    ended = ovl(capsys, store, "report", "friday", "--static", "-o", str(path))

    assert ended.code == 0
    assert ended.err == f"wrote {path}\n"
    assert "llm bends first" in path.read_text("utf-8")


def test_without_words_it_is_ovl_report_html(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    ovl(capsys, store, "report")

    assert [path.name for path in tmp_path.iterdir()] == ["ovl-report.html"]


def test_a_dash_is_stdout(store: Path, capsys: Capture) -> None:
    assert ovl(capsys, store, "report", "-o", "-").out.startswith("<!doctype html>")


def test_only_the_charts_when_only_they_were_asked_for(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = ovl(capsys, store, "report", "friday", "--charts", "charts")

    assert ended.code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["charts"]
    assert {"latency-llm.svg", "turn-share.svg", "turn-worst.svg"} <= {
        path.name for path in (tmp_path / "charts").iterdir()
    }


def test_without_the_extra_it_names_it_and_writes_markdown(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    ended = ovl(capsys, store, "report", "-q", "-o", str(tmp_path / "r.html"))

    assert ended.code == 0
    assert "otel-voiceload[report]" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["r.md"]


def test_another_form_is_asked_for_with_format(store: Path, capsys: Capture) -> None:
    assert ovl(capsys, store, "report", "friday", "-f", "md").out.startswith("# llm bends first")


def test_another_form_is_asked_for_by_the_name_of_the_file(
    store: Path, tmp_path: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "report", "friday", "-o", str(tmp_path / "r.md"))

    assert ended.code == 0
    assert (tmp_path / "r.md").read_text("utf-8").startswith("# llm bends first")
