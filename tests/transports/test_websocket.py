"""Dialling: every way in which a call can fail to come about has its own outcome and type."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop

from otel_voiceload.errors import ConfigError, TargetRefused, UsageError, WireError
from otel_voiceload.transports import plain, websocket
from otel_voiceload.transports.sockets import WSUpgradeRequest
from otel_voiceload.transports.wire import CallOptions, ServeOptions
from tests.transports.peers import Ear, Play, agent, forever, raw_frame, run, tcp_peer

TLS = Path(__file__).with_name("tls")
CERT, KEY = TLS / "localhost.pem", TLS / "localhost.key"


async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


def answering(response: str) -> Play:
    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(response.replace("\n", "\r\n").encode())
        await writer.drain()

    return play


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await forever()


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(raw_frame(0xFF, b"\x00" * 300))
    await writer.drain()
    await reader.read(100)


@pytest.mark.parametrize(
    ("play", "outcome", "error_type"),
    [
        (answering("HTTP/1.1 503 Service Unavailable\n\nfull"), "refused", "busy"),
        (answering("HTTP/1.1 429 Too Many Requests\n\n"), "refused", "rate_limited"),
        (answering("HTTP/1.1 401 Unauthorized\n\n"), "refused", "auth"),
        (answering("HTTP/1.1 403 Forbidden\n\n"), "refused", "auth"),
        (answering("HTTP/1.1 502 Bad Gateway\n\n"), "refused", "http_502"),
        (answering("HTTP/1.1 404 Not Found\n\n"), "negotiation_failed", "not_websocket"),
        (answering("HTTP/1.1 200 OK\n\n<html>"), "negotiation_failed", "not_websocket"),
        (
            answering("HTTP/1.1 302 Found\nLocation: ws://192.0.2.1/\n\n"),
            "negotiation_failed",
            "not_websocket",
        ),
        (answering("SSH-2.0-OpenSSH_9.6\n\n"), "negotiation_failed", "not_websocket"),
        (hang_up, "negotiation_failed", "not_websocket"),
        (garbage, "negotiation_failed", "not_websocket"),
        (mute, "refused", "handshake_timeout"),
    ],
)
def test_a_bad_answer_has_its_own_type(play: Play, outcome: str, error_type: str) -> None:
    async def call() -> None:
        async with tcp_peer(play) as port:
            patience_s = 0.5 if play is mute else 30.0
            options = CallOptions(f"ws://127.0.0.1:{port}/agent", connect_timeout_s=patience_s)
            await plain.open_call(options, Ear())

    with pytest.raises(WireError) as caught:
        run(call())
    assert (caught.value.outcome, caught.value.error_type) == (outcome, error_type)
    assert "127.0.0.1" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_secret_appears_in_the_message() -> None:
    async def call() -> None:
        echoed = "HTTP/1.1 401 Unauthorized\n\nkey sk-secret-1 and token-9999 are wrong"
        async with tcp_peer(answering(echoed)) as port:
            options = CallOptions(
                f"ws://127.0.0.1:{port}/agent?key=sk-secret-2",
                headers={"Authorization": "sk-secret-1"},
                params={"token": "token-9999"},
            )
            assert "secret" not in repr(options).replace("sk-secret-2", "")
            await plain.open_call(options, Ear())

    with pytest.raises(WireError) as caught:
        run(call())
    assert "*** and *** are wrong" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_address_that_is_not_allowed_gets_no_packet() -> None:
    async def call() -> int:
        connections = 0

        async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1

        def refuse(address: str) -> None:
            raise TargetRefused(f"{address} is not allowed")

        async with tcp_peer(count) as port:
            options = CallOptions(f"ws://localhost:{port}", allow_address=refuse)
            with pytest.raises(TargetRefused, match=r"127\.0\.0\.1|::1"):
                await plain.open_call(options, Ear())
        return connections

    assert run(call()) == 0


def test_a_redirect_is_not_followed() -> None:
    async def call() -> int:
        arrived = 0

        async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal arrived
            arrived += 1

        async with tcp_peer(count) as elsewhere:
            told = f"HTTP/1.1 307 Temporary Redirect\nLocation: ws://127.0.0.1:{elsewhere}/\n\n"
            async with tcp_peer(answering(told)) as port:
                with pytest.raises(WireError, match="HTTP 307"):
                    await plain.open_call(CallOptions(f"ws://127.0.0.1:{port}"), Ear())
        return arrived

    assert run(call()) == 0


def test_headers_travel_with_the_upgrade() -> None:
    heads: list[str] = []

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).decode())

    async def call() -> None:
        async with tcp_peer(play) as port:
            headers = {"traceparent": "00-aa-bb-01", "Authorization": "Bearer x"}
            options = CallOptions(f"ws://127.0.0.1:{port}/p?q=1", headers=headers)
            with pytest.raises(WireError):
                await plain.open_call(options, Ear())

    run(call())
    assert heads[0].startswith("GET /p?q=1 HTTP/1.1\r\n")
    assert "traceparent: 00-aa-bb-01\r\n" in heads[0]
    assert "Authorization: Bearer x\r\n" in heads[0]
    assert "permessage-deflate" not in heads[0]


def test_tls_is_verified_against_the_given_certificate_and_timed() -> None:
    async def call() -> None:
        served = ServeOptions(tls_cert=CERT, tls_key=KEY)
        server = await plain.serve(served, agent(Ear()))
        wire = await plain.open_call(
            CallOptions(f"wss://localhost:{server.port}", tls_ca=CERT), Ear()
        )
        await wire.close()
        await server.close()

        steps = wire.connect.steps
        assert [step.name for step in steps] == ["dns", "tcp", "tls", "upgrade"]
        ends = [wire.connect.start_mono_ns, *(step.end_mono_ns for step in steps)]
        assert ends == sorted(ends)
        assert wire.connect.end_mono_ns == ends[-1]

    run(call())


def test_tls_faults_are_told_from_others() -> None:
    async def call() -> list[WireError]:
        served = ServeOptions(tls_cert=CERT, tls_key=KEY)
        secure = await plain.serve(served, agent(Ear()))
        found = []
        async with tcp_peer(no_tls) as clear, tcp_peer(mute) as silent:
            for target, patience_s in (
                (f"wss://localhost:{secure.port}", 30.0),  # nobody vouches for it
                (f"wss://localhost:{clear}", 30.0),
                (f"ws://localhost:{secure.port}", 30.0),  # speaks nothing but TLS
                (f"wss://localhost:{silent}", 0.5),
            ):
                options = CallOptions(target, connect_timeout_s=patience_s)
                with pytest.raises(WireError) as caught:
                    await plain.open_call(options, Ear())
                found.append(caught.value)
        insecure = CallOptions(f"wss://localhost:{secure.port}", tls_insecure=True)
        await (await plain.open_call(insecure, Ear())).close()
        await secure.close()
        return found

    kinds = [(error.outcome, error.error_type) for error in run(call())]
    assert kinds == [
        ("negotiation_failed", "tls"),
        ("negotiation_failed", "tls"),
        ("negotiation_failed", "not_websocket"),
        ("refused", "handshake_timeout"),
    ]


async def hang_up_at_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)


@pytest.mark.parametrize(
    ("play", "reason"),
    [(no_tls, "the peer does not speak TLS"), (hang_up_at_once, "the peer hung up")],
)
@pytest.mark.parametrize("run_on", [asyncio.run, uvloop.run])
def test_a_peer_without_tls_is_one_line_with_a_reason(
    play: Play,
    reason: str,
    run_on: Callable[[Coroutine[Any, Any, str]], str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def call() -> str:
        async with tcp_peer(play) as port:
            with pytest.raises(WireError) as caught:
                await plain.open_call(CallOptions(f"wss://127.0.0.1:{port}"), Ear())
        return str(caught.value)

    said = run_on(call())

    assert f" failed: {reason}" in said
    assert "ws://" in said
    assert caplog.records == []


def test_a_certificate_file_without_certificate_is_a_configuration_error(tmp_path: Path) -> None:
    empty = tmp_path / "ca.pem"
    empty.write_text("not a certificate")

    async def call() -> None:
        async with tcp_peer(mute) as port:
            await plain.open_call(CallOptions(f"wss://localhost:{port}", tls_ca=empty), Ear())

    with pytest.raises(ConfigError, match=r"ca\.pem"):
        run(call())


def test_a_caller_that_gives_up_leaves_no_connection_behind() -> None:
    async def call() -> bytes:
        ended: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        began = asyncio.Event()

        async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            began.set()
            ended.set_result(await reader.read())

        async with tcp_peer(play) as port:
            dialling = asyncio.create_task(
                plain.open_call(CallOptions(f"ws://127.0.0.1:{port}"), Ear())
            )
            await began.wait()
            dialling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialling
            return await ended

    assert run(call()) == b""


def test_options_with_problems_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(UsageError, match="user name or password"):
        run(plain.open_call(CallOptions("ws://user:pass@127.0.0.1:1"), Ear()))


def test_a_host_that_is_not_ours_can_not_be_served() -> None:
    with pytest.raises(UsageError, match=r"192\.0\.2\.1"):
        run(plain.serve(ServeOptions(host="192.0.2.1"), agent(Ear())))


def test_a_broken_certificate_can_not_be_served(tmp_path: Path) -> None:
    broken = tmp_path / "cert.pem"
    broken.write_text("nothing")
    with pytest.raises(UsageError):
        run(plain.serve(ServeOptions(tls_cert=broken, tls_key=broken), agent(Ear())))


def test_a_taken_port_is_named_once_with_the_option_that_chooses_another() -> None:
    async def call() -> None:
        async with tcp_peer(mute) as port:
            with pytest.raises(UsageError) as caught:
                await plain.serve(ServeOptions(port=port), agent(Ear()))
        assert str(caught.value) == (
            f"can not listen on 127.0.0.1:{port}: address already in use; "
            "choose another with --port"
        )

    run(call())


def test_an_upgrade_request_is_what_a_receiver_is_made_from() -> None:
    seen: list[WSUpgradeRequest] = []

    async def call() -> None:
        def make(request: WSUpgradeRequest) -> plain.PlainAgent:
            seen.append(request)
            return plain.PlainAgent({}, agent(Ear()))

        listening = websocket.Listening(ServeOptions(), make)
        await listening.open()
        wire = await plain.open_call(CallOptions(f"ws://127.0.0.1:{listening.port}/x"), Ear())
        await wire.close()
        await listening.close()

    run(call())
    assert seen[0].path == b"/x"
