"""What only a real connection shows: keep-alive, early answers, limits of headers and time."""

import gzip
import socket
import sys
import threading

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from ovl_collector import http_server
from ovl_collector.deadlines import Deadlines

from .processes import Served, post, read_answer
from .requests import as_json, field, traces

BODY = traces(2).SerializeToString()
JSON = "application/json"
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
MOST_ANSWER_BYTES = 4 * 2**20


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Without addresses, as people start it: the standard ports, or free ones."""
    with Served(tmp_path_factory.mktemp("http") / "store", "--max-age", "7d") as made:
        yield made


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have one loopback address only")
def test_the_default_doors_are_open_to_this_machine_only(served):
    """127.0.0.2 is this machine by another address: who listened everywhere would answer there."""
    for address in (served.http.removeprefix("http://"), served.grpc):
        host, port = address.split(":")
        assert host == "127.0.0.1"
        socket.create_connection((host, int(port)), timeout=60).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", int(port)), timeout=60)


def test_one_connection_carries_many_requests(served):
    with served.connect() as connection:
        for number in range(3):
            connection.sendall(post(traces(1, first=number + 1).SerializeToString()))
            status, headers, body = read_answer(connection)
            assert (status, body, headers["content-length"]) == (200, b"", "0")
            assert headers["content-type"] == "application/x-protobuf"
            assert "server" not in headers


def test_a_refused_body_is_answered_while_it_is_still_being_sent(served):
    """65 MiB: the client gets 413, not a reset, and may go on with the same connection."""
    with served.connect() as connection:
        size = 65 * 2**20
        connection.sendall(
            post(b"").replace(b"content-length: 0", f"content-length: {size}".encode())
        )
        status, headers, _ = read_answer(connection)
        assert (status, headers.get("connection")) == (413, None)
        for _ in range(65):
            connection.sendall(bytes(2**20))
        connection.sendall(post(BODY))
        assert read_answer(connection)[0] == 200


def test_a_client_that_wants_to_close_gets_its_answer_too(served):
    with served.connect() as connection:
        body = bytes(20 * 2**20)
        connection.sendall(post(body, "connection: close"))
        assert read_answer(connection)[0] == 413
        assert connection.recv(10) == b""


def test_a_chunked_body_over_the_limit_is_refused(served):
    with served.connect() as connection:
        connection.sendall(
            b"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\n"
            b"transfer-encoding: chunked\r\n\r\n"
        )
        for _ in range(17):
            connection.sendall(b"100000\r\n" + bytes(2**20) + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert read_answer(connection)[0] == 413


def test_a_gzip_bomb_is_refused(served):
    with served.connect() as connection:
        bomb = gzip.compress(bytes(64 * 2**20))
        connection.sendall(post(bomb, "content-encoding: gzip"))
        assert read_answer(connection)[0] == 413


def test_headers_without_end_close_the_connection(served):
    with served.connect() as connection:
        endless = b"POST /v1/traces HTTP/1.1\r\n" + (b"x-junk: " + b"y" * 8000 + b"\r\n") * 2000
        with pytest.raises(ConnectionError):
            connection.sendall(endless)


def test_what_is_no_http_is_told_so(served):
    with served.connect() as connection:
        connection.sendall(b"\x00\x01 hello\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_an_answer_stays_small_whatever_it_complains_of(served):
    """10,000 rejected spans, and a wrong value of 3 MiB, in both encodings and over gRPC."""
    bad = field(1, field(2, field(2, b"") * 10_000))
    long = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"%s"}]}]}]}' % (b"x" * 3 * 2**20)
    wrong = field(1, field(2, field(2, field(5, b"x" * 3 * 2**20))))[:-1]
    with served.connect() as connection, grpc.insecure_channel(served.grpc) as channel:
        connection.sendall(post(bad))
        status, _, body = read_answer(connection)
        partial = ExportTraceServiceResponse.FromString(body).partial_success
        assert (status, partial.rejected_spans) == (200, 10_000)
        sizes = [len(body)]
        for request, kind in ((wrong, "application/x-protobuf"), (long, JSON)):
            connection.sendall(post(request).replace(b"application/x-protobuf", kind.encode()))
            status, headers, body = read_answer(connection)
            assert (status, headers["content-type"]) == (400, kind)
            sizes.append(len(body))
        export = channel.unary_unary(EXPORT)
        sizes.append(len(export(bad, timeout=60)))
        with pytest.raises(grpc.RpcError) as refused:
            export(wrong, timeout=60)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert max(*sizes, len(refused.value.details())) < 2000 < MOST_ANSWER_BYTES


def over_grpc(served, requests):
    own = [("grpc.use_local_subchannel_pool", 1)]  # else all clients share one connection
    with grpc.insecure_channel(served.grpc, options=own) as channel:
        return [200 if channel.unary_unary(EXPORT)(each) == b"" else 0 for each in requests]


def over_http(served, requests, kind):
    answers = []
    with served.connect() as connection:
        for each in requests:
            connection.sendall(post(each).replace(b"application/x-protobuf", kind.encode()))
            answers.append(read_answer(connection)[0])
    return answers


def test_connections_are_served_side_by_side(served):
    """Both protocols and both encodings at once."""
    answers = []

    def client(number: int) -> None:
        requests = [traces(8, first=1000 * number + 10 * turn + 1) for turn in range(4)]
        bodies = [each.SerializeToString() for each in requests]
        if number % 3 == 0:
            answers.extend(over_grpc(served, bodies))
        elif number % 3 == 1:
            answers.extend(over_http(served, [as_json(each) for each in requests], JSON))
        else:
            answers.extend(over_http(served, bodies, "application/x-protobuf"))

    before = served.control("GET", "/control/stats")["signals"]["traces"]["stored"]
    threads = [threading.Thread(target=client, args=(number,)) for number in range(1, 33)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 128
    after = served.control("GET", "/control/stats")["signals"]["traces"]["stored"]
    assert after - before == 128 * 8


class Clock:
    """An event loop's ``call_later`` as far as the protocol uses it."""

    def __init__(self):
        self.calls = []

    def call_later(self, delay, call):
        self.calls.append((delay, call))
        return Handle(self.calls, (delay, call))


class Handle:
    def __init__(self, calls, entry):
        self._calls, self._entry = calls, entry

    def cancel(self):
        if self._entry in self._calls:
            self._calls.remove(self._entry)


class Wire:
    closed = False

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def get_extra_info(self, *_):
        return None

    def write(self, data):
        pass


def test_a_client_that_sends_no_headers_is_dropped():
    import uvicorn
    from uvicorn.server import ServerState

    clock, wire = Clock(), Wire()
    config = uvicorn.Config(lambda *_: None, log_config=None, lifespan="off")
    config.load()
    protocol = http_server.TimedProtocol(
        deadlines=Deadlines(), config=config, server_state=ServerState(), app_state={}, _loop=clock
    )
    protocol.connection_made(wire)
    protocol.data_received(b"POST /v1/traces HTTP/1.1\r\nhost: ")
    ((delay, give_up),) = clock.calls
    assert delay == 10.0
    give_up()
    assert wire.closed
