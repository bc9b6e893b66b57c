from __future__ import annotations

import sys
from pathlib import Path

import pytest

from otel_voiceload.errors import MissingExtra, UsageError
from otel_voiceload.reports import page
from tests.reports.samples import demo_exhibits, demo_report


def test_the_page_is_written_where_it_was_asked_for(tmp_path: Path) -> None:
    written = page.write_page(demo_report(), demo_exhibits(), tmp_path / "r.html", static=True)

    assert written == page.Written(tmp_path / "r.html", None)
    assert written.path.read_text("utf-8").startswith("<!doctype html>")


def test_without_the_extra_it_is_markdown_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    written = page.write_page(demo_report(), demo_exhibits(), tmp_path / "r.html")

    assert written.path == tmp_path / "r.md"
    assert "otel-voiceload[report]" in (written.instead or "")
    assert written.path.read_text("utf-8").startswith("# llm bends first")
    with pytest.raises(MissingExtra):
        page.write_charts(demo_report(), demo_exhibits(), tmp_path / "charts")


def test_every_chart_becomes_a_file_on_paper_of_its_own(tmp_path: Path) -> None:
    files = page.write_charts(demo_report(), demo_exhibits(), tmp_path / "charts")

    assert len(files) == 12
    assert all(path.read_text("utf-8").startswith("<svg") for path in files)
    assert "#ffffff" in (tmp_path / "charts" / "latency-llm.svg").read_text("utf-8")


def test_a_place_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")

    with pytest.raises(UsageError, match="can not write"):
        page.write_page(demo_report(), demo_exhibits(), blocked / "r.html")
    with pytest.raises(UsageError, match="can not make the folder"):
        page.write_charts(demo_report(), demo_exhibits(), blocked / "charts")


def test_the_exhibits_are_asked_with_the_bend(tmp_path: Path) -> None:
    asked: dict[str, object] = {}

    class Recorder:
        def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
            asked[name] = parameters.get("knee_calls")
            return []

    page.exhibits_of(Recorder(), demo_report())

    assert asked["exemplar_turns"] == 46.2
