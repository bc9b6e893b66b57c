"""Both doors under TLS, as a process: who gets in, with which protocol and which certificate."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import grpc
import pytest

from .processes import FREE, ROOT, WAIT_S, Served
from .requests import traces

CERTIFICATE = ROOT / "tests" / "transports" / "tls" / "localhost.pem"
KEY = CERTIFICATE.with_suffix(".key")
PAIR = ("--tls-cert", str(CERTIFICATE), "--tls-key", str(KEY))
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
BODY = traces(2).SerializeToString()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("tls") / "store", *FREE, *PAIR) as made:
        yield made


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    store = tmp_path_factory.mktemp("mutual") / "store"
    with Served(store, *FREE, *PAIR, "--tls-client-ca", str(CERTIFICATE)) as made:
        yield made


def place(address: str) -> tuple[str, int]:
    host, port = address.removeprefix("https://").split(":")
    return host, int(port)


def context(*, with_certificate: bool = False) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=CERTIFICATE)
    if with_certificate:
        made.load_cert_chain(CERTIFICATE, KEY)
    return made


def post(served: Served, trust: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection(*place(served.http), timeout=WAIT_S, context=trust)
    try:
        connection.request("POST", "/v1/traces", BODY, {"content-type": "application/x-protobuf"})
        return connection.getresponse().status
    finally:
        connection.close()


def export(served: Served, *, with_certificate: bool = False) -> bytes:
    mine = (KEY.read_bytes(), CERTIFICATE.read_bytes()) if with_certificate else (None, None)
    credentials = grpc.ssl_channel_credentials(CERTIFICATE.read_bytes(), *mine)
    with grpc.secure_channel(served.grpc, credentials) as channel:
        answer: bytes = channel.unary_unary(EXPORT)(BODY, timeout=5.0)
        return answer


def test_both_doors_take_spans_under_tls(served: Served) -> None:
    assert served.http.startswith("https://")
    assert post(served, context()) == 200
    assert export(served) == b""


def test_a_sender_without_tls_gets_no_answer(served: Served) -> None:
    plain = http.client.HTTPConnection(*place(served.http), timeout=WAIT_S)
    plain.request("GET", "/healthz")
    with pytest.raises((OSError, http.client.HTTPException)):
        plain.getresponse()
    plain.close()
    with grpc.insecure_channel(served.grpc) as channel, pytest.raises(grpc.RpcError):
        channel.unary_unary(EXPORT)(BODY, timeout=5.0)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")  # old on purpose
@pytest.mark.parametrize("door", ["http", "grpc"])
@pytest.mark.parametrize(
    ("version", "let_in"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)]
)
def test_nothing_older_than_tls_1_2_gets_in(
    served: Served, door: str, version: ssl.TLSVersion, let_in: bool
) -> None:
    old = context()
    old.set_ciphers("ALL:@SECLEVEL=0")  # else this machine's OpenSSL does not even ask
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = version
    old.set_alpn_protocols(["h2"])
    with socket.create_connection(place(getattr(served, door)), timeout=WAIT_S) as connection:
        try:
            spoken = old.wrap_socket(connection, server_hostname="localhost").version()
        except (ssl.SSLError, ConnectionError):
            spoken = None

    assert spoken == ("TLSv1.2" if let_in else None)


def test_a_client_certificate_opens_both_doors_and_none_does_not(mutual: Served) -> None:
    assert post(mutual, context(with_certificate=True)) == 200
    assert export(mutual, with_certificate=True) == b""
    with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
        post(mutual, context())
    with pytest.raises(grpc.RpcError) as refused:
        export(mutual)
    assert refused.value.code() == grpc.StatusCode.UNAVAILABLE
