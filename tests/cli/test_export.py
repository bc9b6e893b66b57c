from __future__ import annotations

import json
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.cli.ovl import ovl
from tests.reports.samples import PLANTED
from tests.store.builder import UNIX_NS, spans_batch, write_store

Capture = pytest.CaptureFixture[str]


def test_one_file_can_be_analysed_in_place_of_the_store(
    store: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "run.duckdb"
    ended = ovl(capsys, store, "export", "friday", "-o", str(path))
    report = ovl(capsys, tmp_path, "analyze", str(path), "-f", "json")

    assert ended.code == 0
    assert PLANTED in ended.err
    assert json.loads(report.out)["first_inflection"]["component"] == "llm"


def test_otlp_lines_go_to_stdout(store: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        from otel_voiceload.cli import main as cli

        patch.setattr("sys.argv", ["ovl", "export", "friday", "--store", str(store)])
        with pytest.raises(SystemExit):
            cli.main()
    lines = capsysbinary.readouterr().out.splitlines()

    assert all("resourceSpans" in json.loads(line) for line in lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "run.zip"), "say --as"),
        (("--as", "parquet"), "does not go to stdout"),
        (("-o", "x.csv", "--view", "nonsense"), "no view is called 'nonsense'"),
        (("-o", "nowhere/x.csv"), "no folder nowhere"),
    ],
)
def test_what_can_not_be_exported_is_one_line(
    words: tuple[str, ...], said: str, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "export", "friday", *words)

    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1


@pytest.fixture
def lone_store(tmp_path: Path) -> Path:
    """As `ovl collect` leaves it beside somebody's agent: a span and no run."""
    lone = Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="alone", start_time_unix_nano=UNIX_NS)
    batch = spans_batch([lone], {"service.name": "elsewhere"})
    return write_store(tmp_path / "lone", [([batch], True)])


def test_spans_of_no_run_are_written_by_the_word_all(
    lone_store: Path, tmp_path: Path, capsys: Capture
) -> None:
    lines = tmp_path / "all.jsonl"
    ended = ovl(capsys, lone_store, "export", "all", "-o", str(lines))
    (line,) = lines.read_text().splitlines()
    (group,) = json.loads(line)["resourceSpans"]

    assert (ended.code, ended.err.split()[0]) == (0, "all")
    assert group["scopeSpans"][0]["spans"][0]["name"] == "alone"


@pytest.mark.parametrize("name", ["all.duckdb", "all.csv"])
def test_spans_of_no_run_go_into_tables_too(
    name: str, lone_store: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / name
    ended = ovl(capsys, lone_store, "export", "all", "--view", "otel_spans", "-o", str(path))

    assert ended.code == 0, ended.err
    if name == "all.csv":
        assert ",alone," in path.read_text()
        assert ended.err.endswith("bytes, the view otel_spans)\n")
        plain = ovl(capsys, lone_store, "export", "all", "-o", str(path))
        assert "the view turns)\n" in plain.err
        assert "--view otel_spans holds every span" in plain.err
        return
    asked = ovl(capsys, path, "query", "select name, run_id from otel_spans", "-f", "json")
    assert json.loads(asked.out) == [{"name": "alone", "run_id": None}]


def test_all_holds_every_run(store: Path, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "all.duckdb"
    ended = ovl(capsys, store, "export", "all", "-o", str(path))
    asked = ovl(capsys, path, "query", "select count(*) as runs from runs", "-f", "json")

    assert ended.code == 0, ended.err
    assert json.loads(asked.out) == [{"runs": 2}]


def test_a_store_without_runs_says_how_its_spans_are_had(lone_store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, lone_store, "export")

    assert ended.code == 2
    assert "`ovl export all` writes them" in ended.err
    assert ended.err.count("\n") == 1


def test_an_empty_store_has_nothing_to_export(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "recordings").mkdir()
    ended = ovl(capsys, tmp_path, "export", "all")

    assert (ended.code, ended.out) == (2, "")
    assert "holds nothing yet" in ended.err
