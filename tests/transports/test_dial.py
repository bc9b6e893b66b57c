"""Reaching a host: what the resolver says is checked, and this machine's limits are its own."""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from typing import Any

import pytest

from otel_voiceload.errors import TargetRefused, WireError
from otel_voiceload.transports import dial
from tests.transports.peers import forever, run, tcp_peer


async def stay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await forever()


def allow_all(address: str) -> None:
    pass


async def reach_at(host: str, port: int, timeout_s: float = 2.0) -> dial.Reached:
    return await dial.reach(host, port, allow_all, dial.deadline(timeout_s), time.monotonic_ns)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    async def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port))
            for a in addresses
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


def test_steps_are_timed_and_the_socket_is_connected() -> None:
    async def play() -> None:
        async with tcp_peer(stay) as port:
            reached = await reach_at("127.0.0.1", port)
            assert reached.sock.getpeername() == ("127.0.0.1", port)
            assert [step.name for step in reached.steps] == ["dns", "tcp"]
            assert reached.steps[0].end_mono_ns <= reached.steps[1].end_mono_ns
            reached.sock.close()

    run(play())


def test_every_resolved_address_is_checked_before_any_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked: list[str] = []

    def only_loopback(address: str) -> None:
        checked.append(address)
        if address != "127.0.0.1":
            raise TargetRefused(f"{address} is not allowed")

    async def play() -> int:
        arrived = 0

        async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal arrived
            arrived += 1

        async with tcp_peer(count) as port:
            resolve_to(monkeypatch, "127.0.0.1", "198.51.100.7")
            with pytest.raises(TargetRefused, match=r"198\.51\.100\.7"):
                await dial.reach(
                    "two-faced", port, only_loopback, dial.deadline(1), time.monotonic_ns
                )
        return arrived

    assert run(play()) == 0
    assert checked == ["127.0.0.1", "198.51.100.7"]


def test_a_name_that_changes_between_two_calls_is_refused_at_the_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def only_loopback(address: str) -> None:
        if address != "127.0.0.1":
            raise TargetRefused(f"{address} is not allowed")

    async def play() -> list[str]:
        async with tcp_peer(stay) as port:
            resolve_to(monkeypatch, "127.0.0.1")
            until = dial.deadline(1)
            first = await dial.reach("turncoat", port, only_loopback, until, time.monotonic_ns)
            first.sock.close()
            resolve_to(monkeypatch, "::ffff:198.51.100.7")
            with pytest.raises(TargetRefused, match=r"198\.51\.100\.7"):
                await dial.reach("turncoat", port, only_loopback, until, time.monotonic_ns)
        return [first.address]

    assert run(play()) == ["127.0.0.1"]


def test_the_next_address_is_tried_when_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> str:
        async with tcp_peer(stay) as port:
            resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1", "127.0.0.1")
            reached = await reach_at("many", port)
            reached.sock.close()
            return reached.address

    assert run(play()) == "127.0.0.1"


def test_a_name_that_does_not_resolve_is_dns() -> None:
    with pytest.raises(WireError, match=r"no-such-host\.invalid") as caught:
        run(reach_at("no-such-host.invalid", 1))
    assert (caught.value.outcome, caught.value.error_type) == ("negotiation_failed", "dns")


def test_a_name_service_without_answer_is_dns(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        async def getaddrinfo(*_: Any, **__: Any) -> None:
            await forever()

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
        await reach_at("slow", 1, timeout_s=0.05)

    with pytest.raises(WireError, match="in time") as caught:
        run(play())
    assert caught.value.error_type == "dns"


@pytest.mark.parametrize(
    ("failure", "outcome", "error_type"),
    [
        (OSError(errno.ECONNREFUSED, "Connection refused"), "refused", "unreachable"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "refused", "unreachable"),
        (None, "refused", "unreachable"),  # swallows packets
        (OSError(errno.EMFILE, "Too many open files"), "aborted_by_us", "local_resources"),
        (OSError(errno.EADDRNOTAVAIL, "no port left"), "aborted_by_us", "local_resources"),
    ],
)
def test_a_full_machine_is_not_the_targets_fault(
    monkeypatch: pytest.MonkeyPatch, failure: OSError | None, outcome: str, error_type: str
) -> None:
    async def play() -> None:
        async def sock_connect(*_: Any) -> None:
            if failure is None:
                await forever()
            else:
                raise failure

        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", sock_connect)
        # The address is looked up in a thread first, which has to be done in time.
        await reach_at("127.0.0.1", 9, timeout_s=10.0 if failure else 0.5)

    with pytest.raises(WireError) as caught:
        run(play())
    assert (caught.value.outcome, caught.value.error_type) == (outcome, error_type)
