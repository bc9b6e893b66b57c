"""OTLP/gRPC over a real channel: statuses, details and trailing metadata."""

import asyncio

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ovl_collector.config import Address
from ovl_collector.decoded import Limits
from ovl_collector.errors import Unavailable, Undecodable, UsageError
from ovl_collector.grpc_server import GrpcServer, Intake
from ovl_collector.receive import Receiver

from .asgi import Collector
from .requests import gauge, traces

TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
BODY = traces(3).SerializeToString()


def exchange(folder, *calls, token=None, limits=None, room=2**26):
    """Runs the calls (path, body, options) one after another against a server of their own.

    Gives the answers: bytes, or the AioRpcError. Also the collector, closed.
    """
    collector = Collector(folder, limits=limits, room=room)

    async def run():
        server = GrpcServer(collector.receiver.limits.body_bytes, token)
        port = server.bind(Address("127.0.0.1", 0), None)
        await server.start(collector.receiver)
        answers = []
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            for path, body, options in calls:
                try:
                    answers.append(await channel.unary_unary(path)(body, **options))
                except grpc.aio.AioRpcError as error:
                    answers.append(error)
        await server.stop()
        return answers

    answers = asyncio.run(run())
    spans, points = collector.segments.live.spans, collector.segments.live.metric_points
    collector.close()
    return answers, (spans, points)


def trailers(error):
    return dict(error.trailing_metadata())


def test_success_is_an_empty_message_on_both_services_and_encodings(tmp_path):
    answers, stored = exchange(
        tmp_path,
        (TRACES, BODY, {}),
        (METRICS, gauge().SerializeToString(), {}),
        (TRACES, traces(2, first=9).SerializeToString(), {"compression": grpc.Compression.Gzip}),
        (TRACES, b"", {}),
    )
    assert answers == [b""] * 4
    assert stored == (5, 1)


def test_a_bad_span_is_a_partial_success(tmp_path):
    request = traces(3)
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = b"no"
    (answer,), stored = exchange(tmp_path, (TRACES, request.SerializeToString(), {}))
    assert ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans == 1
    assert stored == (2, 0)


def test_what_can_not_be_decoded_is_invalid_and_says_why(tmp_path):
    (error,), _ = exchange(tmp_path, (TRACES, BODY[:-2], {}))
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    status = status_pb2.Status.FromString(trailers(error)["grpc-status-details-bin"])
    details = error_details_pb2.BadRequest()
    assert status.details[0].Unpack(details)
    assert "cut short" in details.field_violations[0].description
    assert "google.rpc.retryinfo-bin" not in trailers(error)


def test_a_full_queue_is_unavailable_with_retry_info_under_both_keys(tmp_path):
    (error,), _ = exchange(tmp_path, (TRACES, BODY, {}), room=10)
    assert error.code() == grpc.StatusCode.UNAVAILABLE
    direct = error_details_pb2.RetryInfo.FromString(trailers(error)["google.rpc.retryinfo-bin"])
    status = status_pb2.Status.FromString(trailers(error)["grpc-status-details-bin"])
    packed = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(packed)
    assert direct.retry_delay.seconds == packed.retry_delay.seconds == 1


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_too_large_is_exhausted_without_retry_info(tmp_path, compression):
    body = traces(1, attributes={"long": "x" * 50_000}).SerializeToString()
    (error,), stored = exchange(
        tmp_path, (TRACES, body, {"compression": compression}), limits=Limits(body_bytes=20_000)
    )
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in trailers(error)
    assert stored == (0, 0)


def test_too_many_spans_are_exhausted_without_retry_info(tmp_path):
    (error,), _ = exchange(tmp_path, (TRACES, BODY, {}), limits=Limits(items=2))
    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "google.rpc.retryinfo-bin" not in trailers(error)


def test_logs_are_refused_as_not_implemented(tmp_path):
    (error,), _ = exchange(tmp_path, (LOGS, b"", {}))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_token_is_asked_for_where_one_is_set(tmp_path):
    def bearer(token):
        return {"metadata": (("authorization", f"Bearer {token}"),)}

    answers, stored = exchange(
        tmp_path,
        (TRACES, BODY, {}),
        (TRACES, BODY, bearer("no")),
        (TRACES, BODY, bearer("yes")),
        token="yes",
    )
    assert [answer.code() for answer in answers[:2]] == [grpc.StatusCode.UNAUTHENTICATED] * 2
    assert answers[2] == b""
    assert stored == (3, 0)


def test_a_port_in_use_is_named(tmp_path):
    async def run():
        first = GrpcServer(1000, None)
        port = first.bind(Address("127.0.0.1", 0), None)
        with pytest.raises(UsageError, match=str(port)):
            GrpcServer(1000, None).bind(Address("127.0.0.1", port), None)
        await first.stop()

    asyncio.run(run())


def test_a_fault_of_the_collector_is_internal_and_counted(tmp_path, monkeypatch, capsys):
    def broken(*_args, **_more):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Receiver, "export", broken)
    (error,), stored = exchange(tmp_path, (TRACES, BODY, {}))
    assert error.code() == grpc.StatusCode.INTERNAL
    assert "secret detail" not in error.details()
    assert "google.rpc.retryinfo-bin" not in trailers(error)
    assert "secret detail" in capsys.readouterr().err
    assert stored == (0, 0)


class Call:
    """A call's side of the server: its message comes when the test says so."""

    def __init__(self):
        self.message = asyncio.get_running_loop().create_future()
        self.asked = False

    async def read(self):
        self.asked = True
        return await self.message


def test_no_more_messages_come_in_at_a_time_than_there_are_slots():
    async def run():
        intake = Intake(slots=2)
        calls = [Call() for _ in range(4)]
        tasks = [asyncio.ensure_future(intake.read(call)) for call in calls]
        for _ in range(5):
            await asyncio.sleep(0)
        assert [call.asked for call in calls] == [True, True, False, False]
        for call in calls:
            call.message.set_result(b"x")
        assert await asyncio.gather(*tasks) == [b"x"] * 4

    asyncio.run(run())


def test_stalled_calls_make_way_once_others_wait():
    async def run():
        intake = Intake(slots=2, while_others_wait_s=0.0)
        stalled = [asyncio.ensure_future(intake.read(Call())) for _ in range(2)]
        await asyncio.sleep(0)
        good = Call()
        good.message.set_result(b"x")
        assert await intake.read(good) == b"x"
        for task in stalled:
            with pytest.raises(Unavailable, match="too long"):
                await task

    asyncio.run(run())


def test_a_call_without_a_message_is_invalid():
    async def run():
        call = Call()
        call.message.set_result(grpc.aio.EOF)
        with pytest.raises(Undecodable, match="no message"):
            await Intake().read(call)

    asyncio.run(run())
