"""``ovl import`` as a shell sees it: what it says of a file, its code, and what a pipe brings."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from otel_voiceload.cli import import_file as verb
from otel_voiceload.interop.requests import Broken
from otel_voiceload.interop.source import Print
from otel_voiceload.runner.earlier_import import Earlier
from otel_voiceload.runner.importing import SHOWN, Imported, Joined
from otel_voiceload.store.open import open_store
from tests.cli.ovl import Ended, ovl

Capture = pytest.CaptureFixture[str]
CONTENT = Print("d1ge57", 900, names_run=False)
WHOLE = Imported(
    "a.jsonl",
    CONTENT,
    run_id="run-a",
    requests=1_000,
    spans=2_000,
    joined=[Joined("run-a", "import", 1_900, 60), Joined(None, None, 100, 7)],
    seconds=0.5,
)


def imported(
    result: Imported,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    *words: str,
) -> Ended:
    """The verb's words and code for what became of a file."""
    monkeypatch.setattr(verb, "import_file", lambda *_: result)
    return ovl(capsys, tmp_path, "import", "a.jsonl", *words)


def test_a_whole_file_is_counted_joined_and_leads_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    ended = imported(WHOLE, tmp_path, monkeypatch, capsys)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "a.jsonl: 2,000 spans in 1,000 requests, 0.5 s (4,000 spans/s)",
        "  1,900 spans of 60 traces belong to run run-a, by import",
        "  100 spans of 7 traces belong to no run",
        "next: ovl doctor run-a; ovl analyze run-a",
    ]


@pytest.mark.parametrize(
    ("rejected", "broken", "code", "said"),
    [
        ({"no trace id": 3}, {}, 4, "3 spans rejected: no trace id"),
        ({}, {"unreadable": 2}, 4, "2 pieces could not be read"),
        ({}, {"logs": 5}, 0, "5 requests of logs left out"),
        ({}, {"unreadable": SHOWN + 1}, 4, f"only the first {SHOWN} of them were named"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_should_be_in_the_store_and_is_not_leaves_with_4(
    rejected: dict[str, int],
    broken: dict[str, int],
    code: int,
    said: str,
    form: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    result = Imported("a.jsonl", CONTENT, rejected=Counter(rejected), broken=Counter(broken))
    result.first_broken = [Broken("line 2", "it is not JSON")]
    ended = imported(result, tmp_path, monkeypatch, capsys, "-f", form)

    assert ended.code == code
    if form == "text":
        assert said in ended.out
    else:
        found = json.loads(ended.out)
        assert (found["rejected"], found["left_out"]) == (rejected, broken)
        assert found["first_left_out"] == [{"where": "line 2", "why": "it is not JSON"}]


def test_a_file_that_goes_on_with_a_run_says_so_and_what_still_counts_against_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    result = replace(
        WHOLE,
        earlier=Earlier("run-a", whole=True, start_ns=0, end_ns=1, tag="t"),
        also_tagged="u",
        lost_before={"unreadable": 2},
    )
    ended = imported(result, tmp_path, monkeypatch, capsys)

    assert ended.code == 0
    assert ended.out.splitlines()[3:-1] == [
        "  the file goes on with run run-a of an earlier import",
        "  that run is now u as well",
        "  still counted against that run: 2 unreadable of the earlier import",
    ]


@pytest.mark.parametrize(
    ("joined", "rejected", "code", "said"),
    [
        (
            [Joined("run-b", "trace", 3, 1)],
            {},
            0,
            "the file made no run of its own: all of it is in run run-b",
        ),
        ([], {}, 0, "the file made no run of its own: metrics alone make none"),
        ([], {"rejected": 3}, 4, "nothing of it was taken, and no run was made"),
    ],
)
def test_a_file_that_made_no_run_says_where_its_spans_are(
    joined: list[Joined],
    rejected: dict[str, int],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    result = Imported("a.jsonl", CONTENT, spans=3, joined=joined, rejected=Counter(rejected))
    ended = imported(result, tmp_path, monkeypatch, capsys, "--tag", "friday")

    assert ended.code == code
    assert f"  {said}\n" in ended.out
    assert "no run is called friday now" in ended.err


@pytest.mark.parametrize(
    ("run_id", "said"), [("run-a", "as run run-a"), (None, "in runs run-b, run-c")]
)
def test_a_file_that_is_there_already_is_said_to_be(
    run_id: str | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    known = Imported("a.jsonl", CONTENT, run_id=run_id, known=True)
    known.joined = [Joined(each, "trace", 3, 1) for each in ("run-b", "run-c", None)]
    ended = imported(known, tmp_path, monkeypatch, capsys)

    assert ended.code == 0
    assert ended.out == f"a.jsonl is in the store already, {said}; nothing was stored\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.jsonl",), "there is no file nowhere.jsonl to import"),
        (("nowhere.jsonl", "-f", "csv"), "choose one of text, json"),
        ((), "FILE"),
    ],
)
def test_what_can_not_be_imported_is_one_line_and_code_2(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, tmp_path / "store", "import", *words)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1


def test_a_pipe_is_not_kept_in_a_folder_of_other_things(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "letter.txt").write_text("mine", "utf-8")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(line(1).encode())))

    ended = ovl(capsys, tmp_path, "import", "-")

    assert ended.code == 2
    assert "name a new folder with --store" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_pipe_with_a_broken_line_is_stored_but_for_that_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    lines = [line(1), '{"resourceSpans": [', line(3)]
    piped = SimpleNamespace(buffer=io.BytesIO("\n".join(lines).encode()))
    monkeypatch.setattr("sys.stdin", piped)

    ended = ovl(capsys, tmp_path, "import", "-", "--tag", "piped", "-f", "json")

    assert ended.code == 4
    assert "line 2: it is not JSON" in ended.err
    found = json.loads(ended.out)
    assert (found["file"], found["spans"], found["left_out"]) == ("-", 2, {"unreadable": 1})
    assert [path.name for path in tmp_path.glob(".import-*")] == []
    with open_store(tmp_path) as reading:
        runs = reading.sql("select run_id, tag, target from runs").rows
        names = reading.sql("select name from otel_spans where name like 'work%' order by 1").rows
    assert runs == ((found["run_id"], "piped", "stdin"),)
    assert names == (("work 1",), ("work 3",))


def line(number: int) -> str:
    span = {
        "traceId": "ab" * 16,
        "spanId": f"{number:016x}",
        "name": f"work {number}",
        "startTimeUnixNano": str(1_795_387_449_000_000_000 + number),
        "endTimeUnixNano": str(1_795_387_449_100_000_000),
    }
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
