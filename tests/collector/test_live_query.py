import json
import threading
import time

import pytest

from ovl_collector.live_query import QueryRefused, Question, answer, read_question

from .requests import traces
from .stores import new_segments, query
from .test_segments import commit


@pytest.fixture
def segments(tmp_path):
    made = new_segments(tmp_path)
    commit(made, traces(3))
    yield made
    made.end()


def read(**content):
    return read_question(json.dumps(content).encode())


def test_a_question_is_bounded():
    assert read(sql="select 1") == Question("select 1", 1000, 5.0)
    assert read(sql="select 1", max_rows=10**9, max_seconds=10**9) == Question(
        "select 1", 10_000, 10.0
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({}, "write"),
        ({"sql": 5}, "write"),
        ({"sql": "select 1; select 2"}, "one SELECT"),
        ({"sql": "delete from spans"}, "one SELECT"),
        ({"sql": "copy spans to 'x.csv'"}, "one SELECT"),
        ({"sql": "set threads = 8"}, "one SELECT"),
        ({"sql": "checkpoint"}, "one SELECT"),
        ({"sql": "not sql"}, "syntax"),
        ({"sql": "select 1", "max_rows": 0}, "positive"),
        ({"sql": "select 1", "max_seconds": -1}, "positive"),
    ],
)
def test_what_is_no_question_is_refused(content, why):
    with pytest.raises(QueryRefused, match=why):
        read(**content)


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('/etc/hostname')",
        "select * from '/etc/passwd'",
        "select * from no_such_table",
    ],
)
def test_other_files_are_out_of_reach(segments, sql):
    with pytest.raises(QueryRefused):
        answer(segments.live, Question(sql))


def test_values_that_json_lacks_come_as_text(segments):
    sql = "select 1::hugeint << 100, timestamp '2026-01-01', [1, null], {'a': 'x'::blob}"
    assert answer(segments.live, Question(sql))["rows"] == [
        [str(2**100), "2026-01-01 00:00:00", [1, None], {"a": "78"}]
    ]


ENDLESS = "select count(*) from range(1000000000) a, range(1000000) b where a.range + b.range = 3"


def test_time_is_bounded_and_the_writer_goes_on(segments):
    with pytest.raises(QueryRefused, match="not done within"):
        answer(segments.live, Question(ENDLESS, max_seconds=0.2))
    commit(segments, traces(2, first=50))
    assert answer(segments.live, Question("select count(*) from spans"))["rows"] == [[5]]


def test_a_seal_sends_readers_away(segments):
    refused = []

    def ask():
        try:
            answer(segments.live, Question(ENDLESS, max_seconds=10))
        except QueryRefused as error:
            refused.append(str(error))

    full = segments.live
    thread = threading.Thread(target=ask)
    thread.start()
    while not full._readers:
        time.sleep(0)
    commit(segments, traces(1, first=70))
    assert segments.rotate().result() == ["segment-0001.duckdb"]
    thread.join()
    assert "a seal came between" in refused[0]
    with pytest.raises(QueryRefused, match="being sealed"):
        answer(full, Question("select 1"))
    assert query(segments.folder / "segment-0001.duckdb", "select count(*) from spans") == [(4,)]
