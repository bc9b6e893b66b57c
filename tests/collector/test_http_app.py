"""The rows of OTLP's checklist that an HTTP answer shows: exact statuses, bodies and headers."""

import asyncio
import gzip
import json

import pytest
from google.rpc import status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ovl_collector.decoded import Limits

from .asgi import JSON, PROTOBUF, Collector
from .requests import as_json, field, gauge, traces

BODY = traces(3).SerializeToString()


@pytest.fixture
def collector(tmp_path):
    made = Collector(tmp_path, limits=Limits(body_bytes=100_000))
    yield made
    made.close()


def message(answer):
    """The google.rpc.Status of an error answer, in either encoding: (code, message)."""
    _, headers, body = answer
    if headers["content-type"] == JSON:
        plain = json.loads(body)
        return plain["code"], plain["message"]
    status = status_pb2.Status.FromString(body)
    return status.code, status.message


@pytest.mark.parametrize(
    ("body", "content_type", "answer"),
    [
        (BODY, PROTOBUF, b""),
        (BODY, "Application/X-Protobuf; charset=utf-8", b""),
        (as_json(traces(3)), JSON, b"{}"),
        (as_json(traces(3)), "application/json; charset=utf-8", b"{}"),
        (b"", PROTOBUF, b""),
        (b"{}", JSON, b"{}"),
    ],
)
def test_success_has_the_requests_content_type_and_no_partial_success(
    collector, body, content_type, answer
):
    wanted = JSON if "json" in content_type else PROTOBUF
    assert collector.request(body, content_type=content_type) == (
        200,
        {"content-type": wanted, "content-length": str(len(answer))},
        answer,
    )


def test_metrics_have_their_own_path(collector):
    body = gauge().SerializeToString()
    assert collector.request(body, path="/v1/metrics")[0] == 200
    assert collector.segments.live.metric_points == 1


def test_gzip_and_no_encoding_are_taken(collector):
    for encoding, body in (
        ("gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(as_json(traces(1, first=50)))),
        ("identity", traces(1, first=60).SerializeToString()),
    ):
        kind = JSON if encoding == "GZIP" else PROTOBUF
        answer = collector.request(body, headers={"content-encoding": encoding}, content_type=kind)
        assert answer[0] == 200
    assert collector.segments.live.spans == 5


def test_a_body_may_come_in_pieces(collector):
    assert collector.request([BODY[:10], b"", BODY[10:]])[0] == 200
    assert collector.segments.live.spans == 3


def test_one_bad_span_among_many_is_a_partial_success(collector):
    request = traces(512)
    request.resource_spans[0].scope_spans[0].spans[7].span_id = b"short"
    status, _, body = collector.request(request.SerializeToString())
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    assert (status, partial.rejected_spans) == (200, 1)
    assert "bad_span_id" in partial.error_message
    assert collector.segments.live.spans == 511
    few = traces(3, first=600)
    few.resource_spans[0].scope_spans[0].spans[1].trace_id = b""
    _, _, body = collector.request(as_json(few), content_type=JSON)
    assert json.loads(body)["partialSuccess"]["rejectedSpans"] == "1"


BAD_RESOURCE = field(1, field(1, field(1, b"\xff")) + field(2, b""))  # unreadable, of no span


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        BAD_RESOURCE,
        BODY + BAD_RESOURCE,
        traces(2, attributes={"x": float("nan"), "session.id": 5}).SerializeToString(),
        traces(2).SerializeToString() * 2,  # the same spans twice
        b"",
    ],
)
def test_success_is_never_a_warning(collector, body):
    """OTLP allows a message with nothing rejected; nobody here sends one, resends included."""
    for _ in range(2):
        for path in ("/v1/traces", "/v1/metrics"):
            if path == "/v1/metrics" and b"span" in body:
                continue
            status, _, answer = collector.request(body, path=path)
            assert (status, answer) == (200, b"")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"body": BODY[:-3]}, 400, 3),
        ({"body": b"\x08\x01"}, 400, 3),
        ({"body": b"{", "content_type": JSON}, 400, 3),
        ({"body": b"no gzip", "headers": {"content-encoding": "gzip"}}, 400, 3),
        ({"path": "/"}, 404, 5),
        ({"path": "/v1/traces/"}, 404, 5),
        ({"path": "/v1/logs"}, 404, 5),
        ({"path": "/v1development/profiles", "content_type": JSON}, 404, 5),
        ({"method": "GET"}, 405, 12),
        ({"method": "OPTIONS", "content_type": None}, 405, 12),
        ({"content_type": "text/plain"}, 415, 3),
        ({"content_type": None}, 415, 3),
        ({"headers": {"content-encoding": "br"}}, 415, 3),
        ({"headers": {"content-length": "100001"}}, 413, 8),
        ({"body": [b"x" * 60_000, b"x" * 60_000]}, 413, 8),
        ({"body": gzip.compress(bytes(100_001)), "headers": {"content-encoding": "gzip"}}, 413, 8),
    ],
)
def test_errors_are_a_status_in_the_requests_encoding(collector, change, status, code):
    answer = collector.request(**{"body": BODY, **change})
    wanted = PROTOBUF if change.get("content_type", PROTOBUF) == PROTOBUF else JSON
    assert (answer[0], answer[1]["content-type"]) == (status, wanted)
    assert answer[1]["content-length"] == str(len(answer[2]))
    found, text = message(answer)
    assert found == code
    assert text
    assert "retry-after" not in answer[1]
    assert collector.segments.live.spans == 0


def test_wrong_methods_and_encodings_are_told_the_right_ones(collector):
    assert collector.request(method="PUT")[1]["allow"] == "POST"
    answer = collector.request(headers={"content-encoding": "zstd"})
    assert answer[1]["accept-encoding"] == "gzip"


def test_a_full_queue_refuses_before_parsing(tmp_path):
    full = Collector(tmp_path, room=100)
    answer = full.request(b"x" * 101, headers={"content-length": "101"})
    assert (answer[0], answer[1]["retry-after"]) == (503, "1")
    assert message(answer) == (14, "the queue is full; try again")
    assert full.request([b"x" * 60, b"x" * 60])[0] == 503
    counts = full.ledger.as_dict()["signals"]["traces"]
    assert counts["refused_requests"] == {"queue_full": 2}
    assert full.admission.used_bytes == 0
    full.close()


def test_a_token_is_asked_for_where_one_is_set(tmp_path):
    guarded = Collector(tmp_path, token="s3cret")
    for wrong in ({}, {"authorization": "Bearer nope"}, {"authorization": "Basic s3cret"}):
        answer = guarded.request(BODY, headers=wrong)
        assert (answer[0], answer[1]["www-authenticate"]) == (401, "Bearer")
        assert message(answer)[0] == 16
        assert "s3cret" not in message(answer)[1]
    assert guarded.request(BODY, headers={"authorization": "bearer s3cret"})[0] == 200
    guarded.close()


def test_refusals_to_try_again_are_json_where_the_request_is(tmp_path):
    full = Collector(tmp_path, room=10, token="s3cret")
    bearer = {"authorization": "Bearer s3cret"}
    answer = full.request(as_json(traces(3)), content_type=JSON, headers=bearer)
    assert (answer[0], answer[1]["content-type"], answer[1]["retry-after"]) == (503, JSON, "1")
    told = json.loads(answer[2])
    assert (told["code"], told["message"]) == (14, "the queue is full; try again")
    assert told["details"] == [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}
    ]
    answer = full.request(as_json(traces(3)), content_type=JSON)
    assert (answer[0], answer[1]["content-type"]) == (401, JSON)
    assert json.loads(answer[2])["code"] == 16
    full.close()


def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing(collector):
    assert collector.request([])[0] == 0
    assert collector.admission.used_bytes == 0


def test_health_and_readiness(collector):
    assert collector.request(method="GET", path="/healthz")[::2] == (200, b'{"status":"ok"}')
    assert collector.request(method="GET", path="/readyz")[0] == 200
    collector.writer.problem = "disk full"
    assert collector.request(method="GET", path="/healthz")[0] == 200
    assert collector.request(method="GET", path="/readyz")[::2] == (
        503,
        b'{"status":"refusing"}',
    )


def test_clients_that_declare_much_and_send_nothing_lock_nobody_out(tmp_path):
    """Three stalled bodies would have taken all the room of the default settings."""
    collector = Collector(tmp_path, limits=Limits(body_bytes=100), room=300)

    async def run():
        stalled = [collector.start(b"x", headers={"content-length": "100"}) for _ in range(3)]
        await asyncio.sleep(0)
        assert collector.admission.requests == 3
        answer = await collector.exchange([b"{}"], content_type=JSON)
        for task in stalled:
            task.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)
        return answer

    assert asyncio.run(run())[0] == 200
    assert (collector.admission.requests, collector.admission.used_bytes) == (0, 0)
    collector.close()


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_a_fault_of_the_collector_is_told_as_one_and_counted(
    collector, monkeypatch, capsys, content_type
):
    def broken(*_args, **_more):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(collector.receiver, "export", broken)
    answer = collector.request(BODY, content_type=content_type)
    assert (answer[0], answer[1]["content-type"]) == (500, content_type)
    code, text = message(answer)
    assert code == 13
    assert "secret detail" not in text
    assert "secret detail" in capsys.readouterr().err
    counts = collector.ledger.as_dict()["signals"]["traces"]
    assert counts["refused_requests"] == {"internal": 1}
    assert collector.admission.used_bytes == 0
