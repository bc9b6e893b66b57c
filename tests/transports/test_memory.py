"""The wire in memory; the contract test holds the rest."""

from __future__ import annotations

import pytest

from otel_voiceload.errors import WireError
from otel_voiceload.events import AudioHeard
from otel_voiceload.transports import memory
from otel_voiceload.transports.wire import CallOptions, ServeOptions
from tests.transports.peers import Ear, agent, run


def test_a_receiver_never_runs_inside_its_senders_send() -> None:
    async def call() -> None:
        there = Ear()
        server = await memory.serve(ServeOptions(), agent(there))
        wire = await memory.open_call(CallOptions(f"memory://x:{server.port}"), Ear())
        wire.send(b"ab")
        assert there.events == []
        assert (await there.first(AudioHeard)).data == b"ab"
        await server.close()

    run(call())


def test_a_url_without_port_reaches_nobody() -> None:
    with pytest.raises(WireError, match="memory://x"):
        run(memory.open_call(CallOptions("memory://x"), Ear()))
