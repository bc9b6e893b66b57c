from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

from tests.cli.ovl import ovl
from tests.reports.published import hold_to_schema
from tests.reports.samples import PLANTED, QUIET

Capture = pytest.CaptureFixture[str]


def test_the_planted_component_is_named_and_the_exit_is_0(store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "analyze", "friday")

    assert ended.code == 0
    assert ended.out.startswith("VALID")
    assert "planted llm at 24, found 2" in ended.out
    assert "\x1b[" not in ended.out


def test_a_run_without_a_limit_says_so(store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "analyze", QUIET)

    assert "planted nothing, found nothing up to 48 calls" in ended.out


def test_json_follows_the_schema(store: Path, capsys: Capture) -> None:
    report = json.loads(ovl(capsys, store, "analyze", "friday", "-f", "json").out)

    hold_to_schema(report)
    assert report["first_inflection"]["component"] == "llm"


def test_thresholds_of_the_command_line_are_judged_as_the_users(
    store: Path, capsys: Capture
) -> None:
    ended = ovl(
        capsys,
        store,
        *("analyze", "friday", "-f", "json", "--expected-peak", "48"),
        *("--threshold", "turn_latency:p95<10ms"),
    )
    first = json.loads(ended.out)["thresholds"][0]

    assert (first["expression"], first["written_by_user"]) == ("p95<10ms", True)
    assert first["verdict"] == "fail"
    assert ended.code == 99


@pytest.mark.parametrize("form", ["csv", "text"])
def test_a_form_can_be_written_to_a_file(
    form: str, store: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "out"
    ended = ovl(capsys, store, "analyze", "friday", "-f", form, "-o", str(path))

    assert (ended.code, ended.out) == (0, "")
    assert "llm" in path.read_text("utf-8")


def test_annotations_go_to_the_log_and_the_summary_to_stdout(store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "analyze", "friday", "-f", "github")

    assert "::notice title=otel-voiceload::llm bends first" in ended.err
    assert ended.out.startswith("# llm bends first")


def test_junit_is_xml(store: Path, capsys: Capture) -> None:
    text = ovl(capsys, store, "analyze", PLANTED, "-f", "junit").out

    assert Xml.fromstring(text.partition("\n")[2]).tag == "testsuites"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("analyze", "nobody"), "has no run 'nobody'"),
        (("analyze", "--threshold", "turn_latency:p95"), "is not understood"),
        (("analyze", "--threshold", "latency:p95<2s"), "unknown metric 'latency'"),
        (("analyze", "--threshold", "rag:p95<2s"), "components of the run are llm, network, stt"),
        (("analyze", "--since", "soon"), "'soon' is no moment"),
        (("analyze", "--since", "30s", "--until", "10s"), "ends before it begins"),
        (("analyze", "missing.duckdb"), "missing.duckdb"),
    ],
)
def test_what_can_not_be_analysed_is_one_line(
    words: tuple[str, ...], said: str, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, *words)

    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_a_folder_that_is_no_store_is_named(tmp_path: Path, capsys: Capture) -> None:
    ended = ovl(capsys, tmp_path, "analyze")

    assert ended.code == 2
    assert str(tmp_path) in ended.err


def test_latency_is_split_by_what_spans_name_and_said_where_none_does(
    store: Path, capsys: Capture
) -> None:
    report = json.loads(ovl(capsys, store, "analyze", "friday", "--by", "source", "-f", "json").out)
    hold_to_schema(report)
    groups = {(each["component"], each["value"]) for each in report["by"]["groups"]}
    assert ("llm", "simulated") in groups

    text = ovl(capsys, store, "analyze", "friday", "--by", "model").out
    assert "SECONDS by voiceload.component.model" in text
    assert "no span of this run says voiceload.component.model" in text


def test_calls_that_were_there_already_count_and_are_said(store: Path, capsys: Capture) -> None:
    words = ("analyze", "friday", "-f", "json")
    alone = json.loads(ovl(capsys, store, *words).out)
    both = json.loads(ovl(capsys, store, *words, "--background-calls", "100").out)

    hold_to_schema(both)
    assert both["run"]["background_calls"] == 100
    assert [each["calls_asked"] for each in both["levels"]] == [
        each["calls_asked"] + 100 for each in alone["levels"]
    ]
    assert "100 calls were there already" in (
        ovl(capsys, store, "analyze", "friday", "--background-calls", "100").out
    )


@pytest.mark.parametrize(
    ("query", "section", "columns"),
    [
        ("level_table", "levels", ("calls_asked", "turns", "p50_s", "p95_s", "no_response")),
        ("run_facts", "run", ("seed", "wire", "profile")),
    ],
)
def test_a_figure_of_the_report_is_what_the_named_query_says(
    query: str, section: str, columns: tuple[str, ...], store: Path, capsys: Capture
) -> None:
    told = json.loads(ovl(capsys, store, "analyze", "friday", "-f", "json").out)[section]
    asked = json.loads(ovl(capsys, store, "query", query, "--run", "friday", "-f", "json").out)

    told = told if isinstance(told, list) else [told]
    assert [[row[name] for name in columns] for row in told] == [
        [row[name] for name in columns] for row in asked
    ]
