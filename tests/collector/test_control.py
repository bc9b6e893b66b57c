import json
import os
import stat

import pytest

from ovl_collector.control import write_control_file
from ovl_collector.segment_file import SegmentFile

from .asgi import Collector
from .requests import traces
from .stores import query


@pytest.fixture
def collector(tmp_path):
    made = Collector(tmp_path)
    yield made
    made.close()


def ask(collector, method, path, *, token=None, client=("127.0.0.1", 1)):
    bearer = f"Bearer {collector.control.token if token is None else token}"
    status, _, body = collector.request(
        method=method, path=path, headers={"authorization": bearer}, client=client
    )
    return status, json.loads(body)


def test_a_seal_makes_what_was_acknowledged_readable(collector):
    collector.request(traces(3).SerializeToString())
    status, answer = ask(collector, "POST", "/control/seal")
    assert (status, answer) == (200, {"sealed": ["segment-0001.duckdb"], "recording": "r"})
    assert query(collector.folder / "segment-0001.duckdb", "select count(*) from spans") == [(3,)]
    assert ask(collector, "POST", "/control/seal")[1]["sealed"] == []


def test_a_seal_whose_file_can_not_be_closed_is_no_success(collector, monkeypatch):
    """A full disk: readers would miss these rows without being told."""

    def fails(_file):
        raise OSError("no space")

    collector.request(traces(3).SerializeToString())
    with monkeypatch.context() as full:
        full.setattr(SegmentFile, "close", fails)
        status, answer = ask(collector, "POST", "/control/seal")
        assert (status, answer["sealed"]) == (503, [])
        assert "segment-0001.duckdb" in answer["error"]
        assert collector.segments.manifest.segments[0].state == "live"
    status, answer = ask(collector, "POST", "/control/seal")
    assert (status, answer["sealed"]) == (200, ["segment-0001.duckdb"])
    assert query(collector.folder / "segment-0001.duckdb", "select count(*) from spans") == [(3,)]


def test_stats_tell_the_ledger(collector):
    collector.request(traces(3).SerializeToString())
    status, stats = ask(collector, "GET", "/control/stats")
    assert status == 200
    assert stats["signals"]["traces"]["stored"] == 3
    assert stats["live"]["spans"] == 3
    assert (stats["queue_bytes"], stats["requests_under_way"], stats["problem"]) == (0, 0, None)


def question(collector, **content):
    bearer = f"Bearer {collector.control.token}"
    status, _, body = collector.request(
        json.dumps(content).encode(), path="/control/query", headers={"authorization": bearer}
    )
    return status, json.loads(body)


def test_the_live_segment_answers_questions(collector):
    collector.request(traces(3).SerializeToString())
    sql = "select name, span_id from spans order by name"
    assert question(collector, sql=sql, max_rows=2) == (
        200,
        {
            "file": "segment-0001.duckdb",
            "columns": ["name", "span_id"],
            "rows": [["span 1", "0000000000000001"], ["span 2", "0000000000000002"]],
            "truncated": True,
        },
    )
    assert question(collector, sql="drop table spans")[0] == 400
    assert question(collector, sql="select count(*) from spans")[1]["rows"] == [[3]]


def test_stop_is_passed_on(collector):
    assert ask(collector, "POST", "/control/stop") == (200, {"stopping": True})
    assert collector.stopped


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("POST", "/control/stop", {"token": "wrong"}, 401),
        ("POST", "/control/stop", {"token": ""}, 401),
        ("POST", "/control/stop", {"client": ("192.0.2.1", 5)}, 403),
        ("POST", "/control/stop", {"client": None}, 403),
        ("GET", "/control/stop", {}, 405),
        ("POST", "/control/elsewhere", {}, 404),
    ],
)
def test_control_is_for_this_machine_with_the_token_only(collector, method, path, more, status):
    found, answer = ask(collector, method, path, **more)
    assert found == status
    assert answer["error"]
    assert not collector.stopped


def test_the_control_file_is_its_owners_alone(tmp_path):
    written = write_control_file(tmp_path, grpc="a:1", http="http://b:2", token="t")
    path = tmp_path / "control.json"
    assert json.loads(path.read_bytes()) == written
    assert (written["pid"], written["grpc"], written["token"]) == (os.getpid(), "a:1", "t")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
