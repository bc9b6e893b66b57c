from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.cli.ovl import ovl
from tests.reports.samples import PLANTED, QUIET
from tests.store.builder import UNIX_NS, spans_batch, write_store

Capture = pytest.CaptureFixture[str]


def test_a_named_query_answers_about_the_run(store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "query", "level_table", "--run", "friday", "-f", "json")

    assert [row["level"] for row in json.loads(ended.out)] == [6, 12, 24, 48, 12]


def test_a_curve_is_read_from_few_calls_to_many(store: Path, capsys: Capture) -> None:
    rows = json.loads(ovl(capsys, store, "query", "curve", "--run", "friday", "-f", "json").out)
    order = [(row["component"], row["concurrency"]) for row in rows]

    assert len(order) > 10
    assert order == sorted(order)


def test_own_sql_gives_an_array_of_rows(store: Path, capsys: Capture) -> None:
    sql = "select run_id, count(*) as calls from calls group by all order by all"
    rows = json.loads(ovl(capsys, store, "query", sql, "-f", "json").out)

    assert [row["run_id"] for row in rows] == [PLANTED, QUIET]


def test_sql_can_come_from_stdin(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select 1 as one;\n"))

    assert ovl(capsys, store, "query", "-", "-f", "csv").out == "one\n1\n"


def test_a_parameter_reaches_the_query(store: Path, capsys: Capture) -> None:
    words = ("query", "exemplar_turns", "--run", "friday", "--param", "knee_calls=24", "-f", "csv")

    assert "past_knee_median" in ovl(capsys, store, *words).out


def test_the_list_and_the_text_need_no_store(tmp_path: Path, capsys: Capture) -> None:
    nowhere = tmp_path / "nowhere"

    assert "turn_share" in ovl(capsys, nowhere, "query", "--list").out
    assert ovl(capsys, nowhere, "query", "turn_share", "--show").out.startswith("-- title:")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("query",), "what is the question"),
        (("query", "turn_shares"), "Did you mean turn_share"),
        (("query", "delete from calls"), "read-only"),
        (("query", "turns", "-f", "junit"), "choose one of text, json, csv, md"),
    ],
)
def test_what_can_not_be_asked_is_one_line(
    words: tuple[str, ...], said: str, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, *words)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_spans_of_others_can_be_asked_for_where_no_run_is(tmp_path: Path, capsys: Capture) -> None:
    lone = Span(trace_id=b"t" * 16, span_id=b"s" * 8, name="alone", start_time_unix_nano=UNIX_NS)
    batch = spans_batch([lone], {"service.name": "elsewhere"})
    store = write_store(tmp_path / "store", [([batch], True)])

    own = ovl(capsys, store, "query", "select name from otel_spans", "-f", "json")
    view = ovl(capsys, store, "query", "otel_spans", "-f", "json")
    named = ovl(capsys, store, "query", "level_table")

    assert json.loads(own.out) == [{"name": "alone"}]
    assert [row["name"] for row in json.loads(view.out)] == ["alone"]
    assert (named.code, named.out) == (2, "")
    assert "holds no run yet" in named.err


def test_options_have_the_same_names_in_the_file_and_in_the_environment(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ovl.yaml").write_text("query: {list: true}\n")
    by_file = ovl(capsys, tmp_path, "query")
    (tmp_path / "ovl.yaml").unlink()
    monkeypatch.setenv("OVL_LIST", "1")

    assert "turn_share" in by_file.out
    assert ovl(capsys, tmp_path, "query").out == by_file.out
