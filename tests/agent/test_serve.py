"""The agent as a process: it says when it is ready, answers a real call, and goes when told."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from statistics import fmean, stdev

import pytest

from otel_voiceload.agent.serve import main, network_delay
from otel_voiceload.audio.encoding import MULAW_8K
from otel_voiceload.capacity.config import NetworkConfig
from otel_voiceload.events import AudioHeard, TimingHeard, TranscriptHeard, WireClosed, WireEvent
from otel_voiceload.transports import plain, twilio
from otel_voiceload.transports.ticker import FrameTicker
from tests.agent.world import PACK, SAMPLED, caller

PATIENCE_S = 60.0  # with a busy machine; nothing here takes a tenth of it
COMMAND = [sys.executable, "-m", "otel_voiceload.agent.serve"]


@pytest.fixture(scope="module")
def agent() -> Iterator[tuple[subprocess.Popen[bytes], dict[str, object]]]:
    options = ["--plant", "llm:48", "--cycle", "speech=1.2s,think=200ms", "--seed", "3"]
    with subprocess.Popen(
        [*COMMAND, *options, "--parent-pid", str(os.getpid())], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
        process.kill()


def test_the_first_line_says_where_it_listens_and_where_it_bends(agent) -> None:
    _, ready = agent
    assert ready["event"] == "ready"
    assert ready["url"] == f"ws://127.0.0.1:{ready['port']}"
    assert ready["clip_pack"] == PACK.pack_id
    assert ready["seed"] == 3
    knee = ready["knee"]
    assert (knee["component"], round(knee["calls"])) == ("llm", 48)
    assert knee["text"].startswith("llm is full at 48 calls")


def test_a_real_call_is_answered_over_loopback(agent) -> None:
    """One turn in real time: said, heard, recognised, worked on, spoken."""
    _, ready = agent
    clip = caller("open")
    heard: list[WireEvent] = []

    async def talk() -> int:
        over, sent = asyncio.Event(), 0
        ticker = FrameTicker()
        wire = await plain.open_call(plain.Options(str(ready["url"])), heard.append)
        wire.start("call", SAMPLED, {})
        speech_end_ns = 0

        def tick(_scheduled_ns: int, now_ns: int) -> None:
            nonlocal sent, speech_end_ns
            number = sent - 10
            wire.send(clip.frame(number) if 0 <= number < clip.n_frames else PACK.idle_frame(sent))
            if number == clip.n_frames - 1:
                speech_end_ns = now_ns
            sent += 1
            if any(isinstance(event, AudioHeard) for event in heard):
                over.set()

        ticker.add(tick)
        await asyncio.wait_for(over.wait(), PATIENCE_S)
        ticker.close()
        await wire.close()
        return speech_end_ns

    speech_end_ns = asyncio.run(talk())
    said = {event.role: event.text for event in heard if isinstance(event, TranscriptHeard)}
    assert said["caller"] == clip.text
    assert said["agent"] in {reply.text for reply in PACK.replies("ask")}
    first = next(event for event in heard if isinstance(event, AudioHeard))
    # 200 ms endpointing and about 0.75 s of work; a busy machine adds to it what it likes.
    assert (first.arrival_mono_ns - speech_end_ns) / 1e9 > 0.5
    told = [event.component for event in heard if isinstance(event, TimingHeard)]
    assert told == ["endpointing", "stt", "llm", "tts"]
    assert isinstance(heard[-1], WireClosed)


def test_a_port_in_use_is_one_line(agent, capfd: pytest.CaptureFixture[str]) -> None:
    _, ready = agent
    assert main(["--port", str(ready["port"])]) == 2
    message = capfd.readouterr().err
    assert message.startswith("ovl-agent: ")
    assert str(ready["port"]) in message
    assert message.count("\n") == 1


def test_it_serves_the_wire_that_it_is_told_to() -> None:
    """Told by its greeting: what it sends is base64 in JSON, in the encoding of a telephone."""
    heard: list[WireEvent] = []

    async def talk(url: str) -> int:
        said = asyncio.Event()

        def hear(event: WireEvent) -> None:
            heard.append(event)
            if isinstance(event, AudioHeard):
                said.set()

        wire = await twilio.open_call(twilio.Options(url.removeprefix("twilio+")), hear)
        wire.start("call", SAMPLED, {})
        await asyncio.wait_for(said.wait(), PATIENCE_S)
        return (await wire.close()).bytes_received

    options = ["--wire", "twilio", "--parent-pid", str(os.getpid())]
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        url = str(json.loads(process.stdout.readline())["url"])
        assert url.startswith("twilio+ws://127.0.0.1:")
        assert asyncio.run(talk(url)) % MULAW_8K.frame_bytes == 0
        process.kill()
    first = heard[0]
    assert isinstance(first, AudioHeard)
    assert len(first.data) == MULAW_8K.frame_bytes


def test_sigterm_ends_it_in_order(agent) -> None:
    process, _ = agent
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 0


def test_an_agent_without_its_parent_ends_by_itself() -> None:
    process = subprocess.Popen([*COMMAND, "--parent-pid", "1"], stdout=subprocess.PIPE)
    with process:
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--plant", "gpu:48"], "can not plant a limit in 'gpu'"),
        (["--config", "/nowhere/agent.yaml"], "/nowhere/agent.yaml: No such file"),
        (["--llm-capacity", "0"], "components.llm.capacity"),
        (["--tls-cert", "a.pem"], "a certificate needs its key"),
        (["--wire", "memory"], "no wire is called 'memory'; known are plain, twilio"),
    ],
)
def test_wrong_options_are_one_line_and_exit_code_2(
    argv: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    message = capfd.readouterr().err
    assert words in message
    assert message.count("\n") == 1


def test_the_simulated_network_draws_what_is_configured_and_never_less_than_nothing() -> None:
    draw = network_delay(NetworkConfig(delay=0.02, jitter=0.005), random.Random(1))
    assert draw is not None
    drawn = [draw() for _ in range(4000)]
    assert fmean(drawn) == pytest.approx(0.02, rel=0.03)
    assert stdev(drawn) == pytest.approx(0.005, rel=0.05)
    wild = network_delay(NetworkConfig(delay=0.001, jitter=0.1), random.Random(1))
    assert wild is not None
    assert min(wild() for _ in range(100)) == 0.0
    assert network_delay(NetworkConfig(), random.Random(1)) is None
