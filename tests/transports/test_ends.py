"""What every wire over a WebSocket inherits: who hung up, and the order of a call."""

from __future__ import annotations

from typing import cast

import pytest

from otel_voiceload.audio.encoding import MULAW_8K
from otel_voiceload.errors import UsageError
from otel_voiceload.events import (
    AudioHeard,
    CallStarted,
    CallStopped,
    ErrorHeard,
    PongHeard,
    WireEvent,
)
from otel_voiceload.transports.ends import AgentEnd, CallerEnd, dialled, listen
from otel_voiceload.transports.link import Link
from otel_voiceload.transports.wire import CallOptions, ServeOptions
from tests.transports.peers import Ear, agent, run

START = CallStarted("c", None, 8000, {}, 1)
AUDIO = AudioHeard(b"\xff", 2)
STOP = CallStopped(3)


class HungUp:
    """A link that only remembers how it was closed."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    def hang_up(self, code: int = 1000) -> None:
        self.codes.append(code)


class Agent(AgentEnd):
    encoding = MULAW_8K
    said = ""

    def audio(self, data: bytes, arrival_mono_ns: int) -> None: ...

    def text(self, data: bytes, arrival_mono_ns: int) -> None: ...

    def error(self, type_: str, message: str) -> None:
        self.said = f"{type_}: {message}"


class Caller(CallerEnd):
    encoding = MULAW_8K

    def audio(self, data: bytes, arrival_mono_ns: int) -> None: ...

    def text(self, data: bytes, arrival_mono_ns: int) -> None: ...

    def stop_message(self) -> bytes:
        return b"bye"


@pytest.mark.parametrize(
    ("events", "heard", "complaint"),
    [
        ([START, AUDIO, STOP], 3, ""),
        ([START, None, AUDIO], 2, ""),
        ([AUDIO], 0, "audio came before start"),
        ([STOP], 0, "start comes first, once"),
        ([START, START], 1, "start comes first, once"),
        ([START, ErrorHeard("protocol", "no such field", 3)], 1, "no such field"),
        ([CallStarted("c", None, 16_000, {}, 1)], 0, "sample_rate 16000 is not 8000"),
    ],
)
def test_a_caller_is_held_to_the_order_of_a_call(
    events: list[WireEvent | None], heard: int, complaint: str
) -> None:
    ear, link = Ear(), HungUp()
    end = Agent({}, agent(ear))
    end.opened(cast("Link", link))
    for event in events:
        end.take(event)

    assert len(ear.events) == heard
    assert complaint in end.said
    assert link.codes == ([1002] if complaint else [])


def test_a_pong_before_the_start_is_nobodys() -> None:
    ear = Ear()
    end = Agent({}, agent(ear))
    end.opened(cast("Link", HungUp()))
    end.pong(5, 1)
    end.take(START)
    end.pong(5, 2)
    assert ear.events == [START, PongHeard(5, 2)]


def test_problems_of_the_options_are_told_before_anything_is_opened() -> None:
    with pytest.raises(UsageError, match="names no host"):
        run(dialled(Caller(CallOptions("ws://"), Ear())))
    with pytest.raises(UsageError, match="not 0-65535"):
        run(listen(ServeOptions(port=70_000), lambda headers: Agent(headers, agent(Ear()))))
