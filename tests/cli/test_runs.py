from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.cli.ovl import ovl
from tests.reports.samples import PLANTED, QUIET
from tests.store import records
from tests.store.builder import UNIX_NS, batches_of, spans_batch, write_store

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def own_store(store: Path, tmp_path: Path) -> Path:
    """A copy that the test may change."""
    return Path(shutil.copytree(store, tmp_path / "own"))


def recordings(store: Path) -> set[str]:
    return {path.name for path in (store / "recordings").iterdir()}


def test_alone_it_lists(store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "runs", "-f", "json")

    assert ended.code == 0
    assert {row["run_id"] for row in json.loads(ended.out)} == {PLANTED, QUIET}
    assert PLANTED in ovl(capsys, store, "runs", "list").out


def test_a_run_shows_what_it_is_and_its_stages(store: Path, capsys: Capture) -> None:
    out = ovl(capsys, store, "runs", "show", "friday").out

    assert "llm:24" in out
    assert "calls_asked" in out


def test_a_tag_given_later_finds_the_run_and_can_be_taken_away(
    own_store: Path, capsys: Capture
) -> None:
    assert ovl(capsys, own_store, "runs", "tag", QUIET, "calm").code == 0
    assert QUIET in ovl(capsys, own_store, "runs", "show", "calm").out
    assert "calm" in ovl(capsys, own_store, "runs").out
    assert ovl(capsys, own_store, "runs", "tag", "calm", "calm", "--remove").code == 0
    assert ovl(capsys, own_store, "runs", "show", "calm").code == 2


def test_the_baseline_is_the_run_that_was_marked(own_store: Path, capsys: Capture) -> None:
    ovl(capsys, own_store, "runs", "baseline", "friday")

    assert PLANTED in ovl(capsys, own_store, "runs", "show", "baseline").out


def test_sizes_list_the_recordings(store: Path, capsys: Capture) -> None:
    rows = json.loads(ovl(capsys, store, "runs", "sizes", "-f", "json").out)

    assert [row["runs"] for row in rows] == [PLANTED, QUIET]
    assert all(row["bytes"] > 10_000 for row in rows)


def test_a_removed_run_is_gone_with_its_marks(own_store: Path, capsys: Capture) -> None:
    ovl(capsys, own_store, "runs", "tag", "friday", "old")
    ended = ovl(capsys, own_store, "runs", "rm", "old", "--yes")

    assert ended.code == 0
    assert recordings(own_store) == {f"{QUIET}-rec"}
    assert json.loads((own_store / "marks.json").read_text())["tags"] == {}


def test_nothing_is_removed_without_a_yes(
    own_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("typer.confirm", lambda question: False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    ended = ovl(capsys, own_store, "runs", "rm", "friday")

    assert (ended.code, ended.err) == (2, "ovl: nothing was removed\n")
    assert recordings(own_store) == {f"{PLANTED}-rec", f"{QUIET}-rec"}


def test_without_a_terminal_nobody_is_asked(
    own_store: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ended = ovl(capsys, own_store, "runs", "rm", "friday")

    assert ended.code == 2
    assert ended.err.endswith("; use --yes\n")
    assert recordings(own_store) == {f"{PLANTED}-rec", f"{QUIET}-rec"}


def test_a_missing_word_points_to_the_help_of_its_own_command(store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "runs", "tag", "latest")

    assert ended.code == 2
    assert ended.err.endswith("see ovl runs tag --help\n")


def test_a_figure_over_the_runs_of_a_target(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = ovl(capsys, store, "runs", "trend", "llm", "--last", "2")
    assert ended.code == 0
    assert QUIET in ended.out
    assert "llm p95 of 2 runs alike, at 6, 12, 24, 48 calls" in ended.out
    refused = ovl(capsys, store, "runs", "trend", "speed")
    assert (refused.code, "no figure 'speed'" in refused.err) == (2, True)


@pytest.fixture
def left_behind(own_store: Path) -> Path:
    """Beside two runs: what a killed collector and a start that failed leave."""
    write_store(own_store, [([], True)], recording="killed", ended=False)
    (own_store / "recordings" / "failed").mkdir()
    lone = Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="alone", start_time_unix_nano=UNIX_NS)
    batch = spans_batch([lone], {"service.name": "elsewhere"})
    write_store(own_store, [([batch], True)], recording="lone")
    return own_store


def states(capsys: Capture, store: Path) -> dict[str, str]:
    rows = json.loads(ovl(capsys, store, "runs", "sizes", "-f", "json").out)
    return {row["recording"]: row["state"] for row in rows}


def test_sizes_tell_what_was_killed_and_what_holds_nothing(
    left_behind: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, left_behind, "runs", "sizes")

    assert states(capsys, left_behind) == {
        "failed": "no shutdown",
        "killed": "no shutdown",
        "lone": "closed",
        f"{PLANTED}-rec": "closed",
        f"{QUIET}-rec": "closed",
    }
    assert "2 of them hold nothing: `ovl runs rm --empty` removes them" in ended.err


def test_what_holds_nothing_is_removed_and_nothing_else(left_behind: Path, capsys: Capture) -> None:
    ended = ovl(capsys, left_behind, "runs", "rm", "--empty", "--yes")
    again = ovl(capsys, left_behind, "runs", "rm", "--empty", "--yes")

    assert (ended.code, again.err) == (0, "there is nothing to remove\n")
    assert set(states(capsys, left_behind)) == {"lone", f"{PLANTED}-rec", f"{QUIET}-rec"}


def test_a_recording_without_a_run_goes_by_its_own_id(left_behind: Path, capsys: Capture) -> None:
    assert ovl(capsys, left_behind, "runs", "rm", "lone", "--yes").code == 0
    assert "lone" not in states(capsys, left_behind)
    refused = ovl(capsys, left_behind, "runs", "rm", f"{QUIET}-rec", "--yes")
    assert (refused.code, f"holds {QUIET}" in refused.err) == (2, True)


def test_one_validity_is_told_everywhere(tmp_path: Path, capsys: Capture) -> None:
    """What is seen only in the turns makes a run degraded in the list and in the view as well."""
    write_store(tmp_path, [(batches_of(records.small_run(), "thin"), True)], recording="thin")
    listed = json.loads(ovl(capsys, tmp_path, "runs", "-f", "json").out)
    asked = json.loads(ovl(capsys, tmp_path, "query", "runs", "-f", "json").out)
    shown = json.loads(ovl(capsys, tmp_path, "runs", "show", "thin", "-f", "json").out)
    report = json.loads(ovl(capsys, tmp_path, "analyze", "thin", "-f", "json").out)

    told = {each["run_id"]: each["validity"] for each in listed}
    assert told == {each["run_id"]: each["validity"] for each in asked}
    assert told["thin"] == shown[0]["validity"] == report["run"]["validity"] != "valid"
