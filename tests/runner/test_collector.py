"""Which collector a run uses, and how long it waits for late spans."""

from __future__ import annotations

import fcntl
import json
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_voiceload.errors import CollectorError, UsageError
from otel_voiceload.runner import children, collector
from otel_voiceload.runner.children import Child
from otel_voiceload.runner.collector import (
    LINGER_S,
    QUIET_S,
    CollectorHandle,
    find_or_start,
    wait_for_quiet,
)
from otel_voiceload.runner.plan import Access
from otel_voiceload.store.spooled import TO_THIS_STORE, Frame
from otel_voiceload.telemetry.otlp import attributes
from otel_voiceload.telemetry.spool import Spool, SpoolPlace
from tests.store.builder import UNIX_NS, spans_batch, write_store

TOKEN = "its-token"
CERT = Path(__file__).parents[1] / "transports" / "tls" / "localhost.pem"


class FakeChild:
    """A collector process that ends when it is told, or has ended."""

    def __init__(self, *, alive: bool = True, code: int = 0, words: str = "") -> None:
        self.alive = alive
        self.code = code
        self.words = words
        self.stopped = 0
        self.ready = {
            "http": "http://127.0.0.1:4318",
            "grpc": "127.0.0.1:4317",
            "token": TOKEN,
            "recording": "20261123T101500-ab12",
            "notes": ["port 4317 is taken"],
        }

    def stop(self) -> int:
        self.stopped += 1
        self.alive = False
        return self.code

    def last_words(self) -> str:
        return self.words


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The words of every child that was started."""
    words: list[list[str]] = []

    def start(name: str, module: str, arguments: Sequence[str], env: object) -> Child:
        words.append([name, *arguments])
        return cast(Child, FakeChild())

    monkeypatch.setattr(children, "start", start)
    return words


@contextmanager
def serving(
    *, post_status: int = 200, stats: object = None, stats_status: int = 200, tls: bool = False
) -> Iterator[tuple[str, list[tuple[str, str, str | None]]]]:
    """A collector's HTTP end, and what it was asked."""
    seen: list[tuple[str, str, str | None]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self._answer("POST", post_status, b"")

        def do_GET(self) -> None:
            self._answer("GET", stats_status, json.dumps(stats).encode())

        def _answer(self, method: str, status: int, body: bytes) -> None:
            seen.append((method, self.path, self.headers["authorization"]))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERT, CERT.with_suffix(".key"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            host = "https://localhost" if tls else "http://127.0.0.1"
            yield f"{host}:{server.server_port}", seen
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def recording(
    store: Path, url: str, name: str = "20261123T101500-ab12", *, private: bool = False
) -> Iterator[None]:
    """A recording whose collector lives for as long as the block."""
    folder = store / "recordings" / name
    folder.mkdir(parents=True)
    manifest = {"format": 1, "recording": name, "ended": False, "segments": []}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    control = {"http": url, "token": TOKEN, "pid": 7, "private": private}
    (folder / "control.json").write_text(json.dumps(control))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_without_a_living_collector_our_own_is_started(
    tmp_path: Path, started: list[list[str]]
) -> None:
    handle = find_or_start(tmp_path, None)

    assert started == [["collector", "--store", str(tmp_path), "--private"]]
    assert (handle.http, handle.token) == ("http://127.0.0.1:4318", TOKEN)
    assert handle.store == tmp_path
    assert handle.child is not None


def test_a_living_one_of_this_store_is_used_and_left_running(
    tmp_path: Path, started: list[list[str]]
) -> None:
    with serving() as (url, seen), recording(tmp_path, url):
        handle = find_or_start(tmp_path, None)
        handle.stop()

    assert started == []
    assert (handle.http, handle.token, handle.store, handle.child) == (url, TOKEN, tmp_path, None)
    assert [request[:2] for request in seen] == [("POST", "/v1/traces")]


def test_a_collector_that_died_is_not_asked(tmp_path: Path, started: list[list[str]]) -> None:
    with recording(tmp_path, "http://127.0.0.1:1"):
        pass

    assert find_or_start(tmp_path, None).child is not None
    assert len(started) == 1


def test_the_collector_of_another_run_is_left_to_that_run(
    tmp_path: Path, started: list[list[str]]
) -> None:
    """It ends with its run, which may be in the middle of ours."""
    with serving() as (url, seen), recording(tmp_path, url, private=True):
        assert find_or_start(tmp_path, None).child is not None

    assert (len(started), seen) == (1, [])


def test_embedded_starts_our_own_beside_a_living_one(
    tmp_path: Path, started: list[list[str]]
) -> None:
    with recording(tmp_path, "http://127.0.0.1:1"):
        assert find_or_start(tmp_path, "embedded").child is not None

    assert len(started) == 1


def test_an_endpoint_elsewhere_is_used_as_it_is_and_its_store_is_not_known(
    tmp_path: Path, started: list[list[str]]
) -> None:
    with serving() as (url, _):
        handle = find_or_start(tmp_path, f"{url}/")

    assert (handle.http, handle.token, handle.store) == (url, None, None)
    assert handle.spans_of_trace("a" * 32) is None
    assert started == []


def test_an_endpoint_that_writes_into_this_store_is_known(tmp_path: Path) -> None:
    with serving() as (url, _), recording(tmp_path, url):
        handle = find_or_start(tmp_path, url)

    assert (handle.store, handle.token) == (tmp_path, TOKEN)


@pytest.mark.parametrize("text", ["127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://", "own"])
def test_what_is_no_endpoint_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match="is not an OTLP/HTTP endpoint"):
        find_or_start(tmp_path, text)


def test_an_endpoint_where_nobody_listens_is_said_before_the_load(tmp_path: Path) -> None:
    with serving() as (url, _):
        pass

    with pytest.raises(CollectorError, match=rf"nobody takes OTLP/HTTP at {url}"):
        find_or_start(tmp_path, url)


@pytest.mark.parametrize(("status", "taken"), [(401, False), (404, False), (503, True)])
def test_a_collector_that_refuses_us_is_said_and_a_busy_one_is_not(
    tmp_path: Path, status: int, taken: bool
) -> None:
    with serving(post_status=status) as (url, _):
        if taken:
            assert find_or_start(tmp_path, url).http == url
            return
        with pytest.raises(CollectorError, match=rf"takes no spans .*\(http_{status}\)"):
            find_or_start(tmp_path, url)


def test_a_token_and_a_private_ca_are_used_from_the_first_try_on(tmp_path: Path) -> None:
    access = Access({"authorization": "Bearer s3cret"}, CERT)
    with serving(tls=True) as (url, seen):
        handle = find_or_start(tmp_path, url, access)
        with pytest.raises(CollectorError, match="--collector-ca") as untrusted:
            find_or_start(tmp_path, url, Access({"authorization": "Bearer s3cret"}))

    assert seen == [("POST", "/v1/traces", "Bearer s3cret")]
    assert (handle.endpoint.headers, handle.endpoint.certificate) == (access.headers, str(CERT))
    assert "s3cret" not in repr(handle) + str(untrusted.value)


def test_a_ca_that_can_not_be_read_is_a_wrong_word(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no-such\.pem can not be used"):
        find_or_start(tmp_path, "https://127.0.0.1:1", Access(ca=Path("no-such.pem")))


@pytest.mark.parametrize(
    ("headers", "asked"), [({}, "without its token"), ({"a": "b"}, "without another token")]
)
def test_a_missing_or_wrong_token_is_told_from_a_refusal(
    tmp_path: Path, headers: dict[str, str], asked: str
) -> None:
    with serving(post_status=401) as (url, _), pytest.raises(CollectorError, match=asked):
        find_or_start(tmp_path, url, Access(headers))


def test_what_an_earlier_run_left_for_this_store_is_delivered_wherever_it_listens_now(
    tmp_path: Path,
) -> None:
    lane = leave(tmp_path, TO_THIS_STORE)
    elsewhere = leave(tmp_path, "http://otel:4318/v1/traces", lane="copy")
    with serving() as (url, seen):
        handle = CollectorHandle(url, "", TOKEN, None, tmp_path)
        said = handle.deliver_leftovers(tmp_path, {})

    assert seen == [("POST", "/v1/traces", None)]
    assert [lane.exists(), elsewhere.exists()] == [False, True]
    assert "5 spans of run run wait for http://otel:4318" in said[0]
    assert "stored 5 spans that run run had left" in said[1]


def leave(store: Path, destination: str, lane: str = "store") -> Path:
    spool = Spool(SpoolPlace(store / "spool" / "run"), lane, destination, lambda *_: None)
    spool.append(Frame("traces", 5, b"five spans"))
    spool.close()
    return store / "spool" / "run" / lane


def test_the_targets_spans_in_our_trace_are_counted_in_the_store(tmp_path: Path) -> None:
    joined, named, other = "ab" * 16, "ef" * 16, "cd" * 16
    span = Span(
        trace_id=bytes.fromhex(joined),
        span_id=b"12345678",
        name="agent.turn",
        start_time_unix_nano=UNIX_NS,
        end_time_unix_nano=UNIX_NS + 1,
    )
    by_its_call = Span(
        trace_id=b"\x01" * 16,
        span_id=b"23456789",
        name="conversation",
        start_time_unix_nano=UNIX_NS,
        end_time_unix_nano=UNIX_NS + 1,
        attributes=attributes({"conversation.id": f"CA{named}"}),
    )
    sent = spans_batch([span, by_its_call], {"service.name": "theirs"})
    write_store(tmp_path, [([sent], True)])
    handle = CollectorHandle("http://127.0.0.1:1", "", None, None, tmp_path)

    assert [handle.spans_of_trace(trace) for trace in (joined, named, other)] == [1, 1, 0]


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.mark.parametrize(
    ("grows_until_s", "left_s"),
    [
        (0.0, QUIET_S),
        (3.0, 3.0 + QUIET_S),
        (1000.0, LINGER_S),  # a target that never falls silent holds nobody up
    ],
)
def test_late_spans_are_waited_for_until_it_is_quiet_and_not_for_ever(
    grows_until_s: float, left_s: float
) -> None:
    clock = Clock()

    wait_for_quiet(lambda: min(clock.now_s, grows_until_s), clock, clock.sleep)

    assert clock.now_s == pytest.approx(left_s, abs=0.5)


@pytest.mark.parametrize("answers", [[None], [4, 4, None]])
def test_a_collector_that_can_not_be_asked_is_not_waited_for(answers: list[int | None]) -> None:
    clock = Clock()

    wait_for_quiet(lambda: answers.pop(0), clock, clock.sleep)

    assert clock.now_s < 2


@pytest.mark.parametrize(
    ("stats", "status", "received"),
    [
        ({"signals": {"traces": {"received": 12}}}, 200, 12),
        ({"signals": {}}, 200, 0),
        ({"signals": {"traces": {"received": 12}}}, 401, None),
        (["not", "stats"], 200, None),
    ],
)
def test_spans_received_are_asked_of_its_control_endpoint(
    monkeypatch: pytest.MonkeyPatch, stats: object, status: int, received: object
) -> None:
    heard: list[object] = []
    monkeypatch.setattr(collector, "wait_for_quiet", lambda ask, *_: heard.append(ask()))

    with serving(stats=stats, stats_status=status) as (url, seen):
        CollectorHandle(url, "", TOKEN, None).linger()

    assert heard == [received]
    assert seen == [("GET", "/control/stats", f"Bearer {TOKEN}")]


def test_stopping_our_own_drains_it_and_a_bad_end_is_said_with_its_last_words() -> None:
    fine, broken = FakeChild(), FakeChild(alive=False, code=1, words="disk full")

    handle_of(fine).stop()
    with pytest.raises(CollectorError, match="code 1: disk full; what it acknowledged is"):
        handle_of(broken).stop()

    assert (fine.stopped, broken.stopped) == (1, 1)


def handle_of(child: FakeChild) -> CollectorHandle:
    return CollectorHandle("http://127.0.0.1:1", "", TOKEN, cast(Any, child))
