"""What users get wrong, verb by verb: one sentence in their words, the right code, nothing else.

Of the runs that are played with a real target tests/end_to_end/test_bad_input.py tells.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb
import pytest

from tests.cli.ovl import ovl

Capture = pytest.CaptureFixture[str]
# Words of ours or of a library's that mean nothing to who reads them.
INSIDE = re.compile(
    r"Traceback|internal error|Exception|Error:|pydantic|NoneType|object has no|'utf-8' codec"
    r"|Errno|<class|otel_voiceload\.|segment_\d|validation error|Input should|_ssl|unable to"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that are not what their names say."""
    place = tmp_path_factory.mktemp("bad")
    (place / "broken.yaml").write_text("name: fine\nturns: [unclosed\n")
    (place / "list.yaml").write_text("- 1\n- 2\n")
    (place / "bytes.yaml").write_bytes(b"\xff\xfe\x00\x01name")
    (place / "empty.yaml").write_text("")
    (place / "wrong.yaml").write_text("name: 3\ncolour: blue\n")
    (place / "dir.yaml").mkdir()
    (place / "dir.duckdb").mkdir()
    (place / "text.duckdb").write_text("this is no database\n" * 50)
    (place / "empty.duckdb").write_bytes(b"")
    with duckdb.connect(place / "foreign.duckdb") as connection:
        connection.execute("create table t as select 1 as x")
    (place / "words.txt").write_text("hello\n")
    (place / "nothing.jsonl").write_bytes(b"")
    (place / "bytes.jsonl").write_bytes(b"\xff\xfe\x00garbage\x80\n" * 3)
    (place / "store.txt").write_text("no folder\n")
    (place / "plain").mkdir()
    return place


@pytest.fixture(autouse=True)
def standing_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith("OVL_")]:
        monkeypatch.delenv(name)


def complaint(capsys: Capture, store: Path, words: tuple[str, ...], code: int = 2) -> str:
    ended = ovl(capsys, store, *words)
    lines = [line for line in ended.err.splitlines() if line]

    assert ended.code == code, ended
    assert ended.out == "", ended
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("ovl: ")
    assert not INSIDE.search(lines[0]), lines[0]
    assert len(lines[0]) < 400, lines[0]
    return lines[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("analyze", "nobody"), "no run 'nobody'"),
        (("analyze", "gone.duckdb"), "gone.duckdb"),
        (("analyze", "text.duckdb"), "text.duckdb"),
        (("analyze", "empty.duckdb"), "empty.duckdb"),
        (("analyze", "dir.duckdb"), "dir.duckdb"),
        (("analyze", "foreign.duckdb"), "no recording of ours"),
        (("analyze", "friday", "--since", "soon"), "'soon' is no moment"),
        (("analyze", "friday", "--since", "20s", "--until", "10s"), "ends before it begins"),
        (("analyze", "friday", "--since", "999999999h"), "999999999h"),
        (("analyze", "friday", "--expected-peak", "many"), "no number"),
        (("analyze", "friday", "--expected-peak", "0"), "1 or more"),
        (("analyze", "friday", "--expected-peak", "nan"), "1 or more"),
        (("analyze", "friday", "--component", "brain"), "brain"),
        (("analyze", "friday", "--threshold", "fast"), "fast"),
        (("analyze", "friday", "--threshold", "turn_latency:p95<2 bananas"), "bananas"),
        (("analyze", "friday", "--threshold", "turn_latency:p100<2s"), "p100"),
        (("analyze", "friday", "-f", "xml"), "xml"),
        (("analyze", "friday", "-o", "nowhere/x.txt"), "nowhere/x.txt"),
        (("analyze", "friday", "-o", "plain"), "plain"),
        (("analyze", "friday", "--config", "gone.yaml"), "gone.yaml"),
        (("analyze", "friday", "--config", "broken.yaml"), "line 3"),
        (("analyze", "friday", "--config", "list.yaml"), "list.yaml"),
        (("analyze", "friday", "--config", "bytes.yaml"), "bytes.yaml"),
        (("analyze", "friday", "--config", "dir.yaml"), "dir.yaml"),
        (("analyze", "friday", "--config", "wrong.yaml"), "'name'"),
        (("report", "friday", "-o", "nowhere/x.html"), "nowhere"),
        (("report", "friday", "-o", "plain"), "plain"),
        (("report", "friday", "--charts", "words.txt"), "words.txt"),
        (("compare", "nobody"), "nobody"),
        (("compare", "friday,nobody"), "nobody"),
        (("compare", "text.duckdb"), "text.duckdb"),
        (("compare", "friday", "--tolerance", "lots"), "lots"),
        (("compare", "friday", "--tolerance", "speed=10%"), "speed=10%"),
        (("query",), "what is the question"),
        (("query", ""), "what is the question"),
        (("query", "selec 1"), "selec"),
        (("query", "select nope from turns"), "nope"),
        (("query", "from nowhere"), "nowhere"),
        (("query", "select 1; select 2"), "One SQL statement"),
        (("query", "drop view turns"), "read-only"),
        (("query", "copy turns to 'x.csv'"), "read-only"),
        (("query", "attach 'x.duckdb'"), "read-only"),
        (("query", "set threads = 1"), "read-only"),
        (("query", "from read_csv('/etc/passwd')"), "disabled"),
        (("query", "from 'words.txt'"), "words.txt"),
        (("query", "select $nope"), "nope"),
        (("query", "select error('boom')"), "boom"),
        (("query", "select 'x'::integer"), "'x'"),
        (("query", "turn_share", "--param", "x"), "NAME=VALUE"),
        (("query", "turn_share", "--param", "x=1"), "no parameter x"),
        (("query", "component_samples"), "--param component=VALUE"),
        (("query", "exemplar_turns", "--param", "knee_calls=many"), "many"),
        (("query", "turns", "--run", "nobody"), "nobody"),
        (("query", "nonsense", "--show"), "nonsense"),
        (("query", "select '\udcff'"), "UTF-8"),
        (("runs", "show", "nobody"), "nobody"),
        (("runs", "tag", "friday", ""), "can not be a tag"),
        (("runs", "tag", "friday", "latest"), "can not be a tag"),
        (("runs", "tag", "friday", "all"), "can not be a tag"),
        (("runs", "tag", "friday", "x", "--remove"), "no run carries the tag 'x'"),
        (("runs", "trend", "speed"), "speed"),
        (("runs", "trend", "p95", "--last", "1"), "2 or more"),
        (("runs", "rm", "nobody", "--yes"), "nobody"),
        (("runs", "rm", "--yes"), "what should go"),
        (("runs", "sort"), "sort"),
        (("export", "nobody"), "nobody"),
        (("export", "friday", "-o", "x.zip"), "x.zip"),
        (("export", "friday", "-o", "nowhere/x.csv"), "nowhere"),
        (("export", "friday", "-o", "dir.duckdb"), "dir.duckdb"),
        (("export", "friday", "-o", "x.csv", "--view", "nonsense"), "nonsense"),
        (("export", "friday", "--as", "csv"), "stdout"),
        (("export", "friday", "--as", "zip"), "zip"),
        (("doctor", "nobody"), "nobody"),
        (("doctor", "friday", "-f", "github"), "github"),
        (("stop", "nobody"), "no run of the store"),
        (("stop",), "no run"),
        (("stop", "--wait", "soon"), "soon"),
        (("import", "gone.jsonl"), "gone.jsonl"),
        (("import", "plain"), "plain"),
        (("import", "words.txt"), "words.txt"),
        (("import", "nothing.jsonl"), "nothing.jsonl"),
        (("import", "bytes.jsonl"), "bytes.jsonl"),
        (("agent", "--config", "gone.yaml"), "gone.yaml"),
        (("agent", "--config", "broken.yaml"), "line 3"),
        (("agent", "--config", "list.yaml"), "list.yaml"),
        (("agent", "--config", "bytes.yaml"), "bytes.yaml"),
        (("agent", "--config", "dir.yaml"), "dir.yaml"),
        (("agent", "--config", "wrong.yaml"), "colour"),
        (("agent", "--port", "99999"), "99999"),
        (("agent", "--port", "x"), "no whole number"),
        (("agent", "--host", "no.such.host.invalid", "--port", "0"), "no.such.host.invalid"),
        (("agent", "--wire", "fax", "--port", "0"), "fax"),
        (("agent", "--fault", "sulk", "--port", "0"), "sulk"),
        (("agent", "--cycle", "fast", "--port", "0"), "fast"),
        (("agent", "--plant", "llm:many", "--port", "0"), "llm:many"),
        (("agent", "--otlp", "banana", "--port", "0"), "banana"),
        (("agent", "--tls-cert", "gone.pem", "--port", "0"), "gone.pem does not exist"),
        (
            ("agent", "--tls-cert", "words.txt", "--tls-key", "words.txt", "--port", "0"),
            "--tls-cert",
        ),
        (("demo", "--plant", "brain"), "brain"),
        (("demo", "--seconds", "0"), "1 or more"),
        (("demo", "--seconds", "nan"), "1 or more"),
        (("demo", "--report", "nowhere/x.html"), "nowhere"),
        (("generate",), "target"),
        (("generate", "ws://"), "ws://"),
        (("generate", "ws://127.0.0.1:99999"), "99999"),
        (("generate", "ws://127.0.0.1:9", "-c", "0"), "1 or more"),
        (("generate", "ws://127.0.0.1:9", "-d", "-5s"), "-5s"),
        (("generate", "ws://127.0.0.1:9", "-s", "soon:5"), "soon"),
        (("generate", "ws://127.0.0.1:9", "-s", "10m:many"), "many"),
        (("generate", "ws://127.0.0.1:9", "-p", "broken.yaml"), "line 3"),
        (("generate", "ws://127.0.0.1:9", "-p", "dir.yaml"), "dir.yaml"),
        (("generate", "ws://127.0.0.1:9", "-p", "bytes.yaml"), "bytes.yaml"),
        (("generate", "ws://127.0.0.1:9", "-p", "wrong.yaml"), "wrong.yaml"),
        (("generate", "ws://127.0.0.1:9", "--scenario", "broken.yaml"), "line 3"),
        (("generate", "ws://127.0.0.1:9", "--scenario", "wrong.yaml"), "wrong.yaml"),
        (("generate", "ws://127.0.0.1:9", "--scenario", "empty.yaml"), "empty.yaml"),
        (("generate", "ws://127.0.0.1:9", "--scenario", "dir.yaml"), "dir.yaml"),
        (("generate", "ws://127.0.0.1:9", "--scenario", "booking=much"), "much"),
        (("generate", "ws://127.0.0.1:9", "-H", "nonsense"), "-H wants"),
        (("generate", "ws://127.0.0.1:9", "-H", "A: env:NOT_SET_HERE"), "NOT_SET_HERE"),
        (("generate", "ws://127.0.0.1:9", "--param", "nonsense"), "nonsense"),
        (("generate", "wss://127.0.0.1:9", "--tls-ca", "gone.pem"), "gone.pem"),
        (("generate", "ws://127.0.0.1:9", "--spool-size", "lots"), "lots"),
        (("generate", "ws://127.0.0.1:9", "--collector", "ftp://x"), "ftp://x"),
        (("generate", "ws://127.0.0.1:9", "--trace-sample", "2"), "1 or less"),
        (("generate", "ws://127.0.0.1:9", "--again", "nobody"), "nobody"),
        (("generate", "ws://127.0.0.1:9", "--abort-on-fail", "--abort-grace", "x"), "x"),
        (("generate", "ws://127.0.0.1:9", "--report", "nowhere/x.html"), "nowhere"),
        (("generate", "sim:gone.yaml"), "gone.yaml"),
        (("generate", "sim:broken.yaml"), "line 3"),
        (("generate", "sim:dir.yaml"), "dir.yaml"),
        (("analyse",), "analyze"),
        (("runs", "lst"), "list"),
        (("analyze", "--formt", "json"), "--format"),
    ],
)
def test_one_sentence_says_what_is_wrong(
    words: tuple[str, ...], said: str, store: Path, capsys: Capture
) -> None:
    assert said in complaint(capsys, store, words)


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("gone", "There is no store at gone"),
        ("plain", "plain is not a store"),
        ("store.txt", "store.txt"),
        ("text.duckdb", "text.duckdb"),
        ("foreign.duckdb", "no recording of ours"),
    ],
)
@pytest.mark.parametrize(
    "words", [("analyze",), ("runs",), ("runs", "sizes"), ("query", "turns"), ("export",)]
)
def test_a_store_that_is_none_is_named(
    words: tuple[str, ...], place: str, said: str, capsys: Capture
) -> None:
    assert said in complaint(capsys, Path(place), words)
