"""What only a real connection shows: keep-alive, early answers, limits of headers and time."""

import gzip
import threading

import pytest

from ovl_collector import http_server

from .processes import Served, post, read_answer
from .requests import traces

BODY = traces(2).SerializeToString()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("http") / "store") as made:
        yield made


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


def test_connections_are_served_side_by_side(served):
    answers = []

    def client(number: int) -> None:
        with served.connect() as connection:
            for turn in range(4):
                request = traces(8, first=1000 * number + 10 * turn + 1)
                connection.sendall(post(request.SerializeToString()))
                answers.append(read_answer(connection)[0])

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
        config=config, server_state=ServerState(), app_state={}, _loop=clock
    )
    protocol.connection_made(wire)
    protocol.data_received(b"POST /v1/traces HTTP/1.1\r\nhost: ")
    ((delay, give_up),) = clock.calls
    assert delay == 10.0
    give_up()
    assert wire.closed
