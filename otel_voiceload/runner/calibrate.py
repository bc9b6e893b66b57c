"""How late the callers hear: speech whose first sample is known, played to their own ears.

Every latency of a run ends with what a caller heard, so what hearing itself adds is measured on
this machine before the load: a small serving end says the beginnings of clips, stamps the moment of
each first sample, and the client's own wire and ear date them back. The whole way is the real one,
sockets, frames, playout and detector, on loopback. What is found is told beside the figures and is
taken off none of them.

It is a process of its own, ``python -m otel_voiceload.runner.calibrate``, which prints one JSON
line and leaves: it runs while the collector starts, and must not wait for the runner's own threads.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial

import orjson
import uvloop

from otel_voiceload import transports
from otel_voiceload.audio.clips import Clip, ClipPack
from otel_voiceload.audio.detector import Onset
from otel_voiceload.audio.encoding import NS_PER_S, Encoding
from otel_voiceload.callers.hearing import Hearing
from otel_voiceload.errors import OvlError, WireError
from otel_voiceload.events import AudioHeard, CallStarted, WireEvent
from otel_voiceload.runner import children
from otel_voiceload.transports.ticker import FrameTicker
from otel_voiceload.transports.wire import AgentWire, ServeOptions, Sink, Wire

CALLS = 7
UTTERANCES = 3  # of each call: 21 in all
LEAD_FRAMES = 12  # of an idle line, from which the ear takes its floor
SAID_FRAMES = 18  # the beginning of a clip is all that an onset needs
PAUSE_FRAMES = 18  # longer than the silence that ends a voice
RELEASE_S = 0.2
NEAR_S = 0.15  # an onset further off is another one
ENOUGH = 10
TIMEOUT_S = 8.0  # to be waited for, once everything else is ready


@dataclass(frozen=True, slots=True)
class HearingError:
    """Heard minus true onset: the median, and how far half of the utterances lie from it."""

    bias_s: float
    spread_s: float
    utterances: int


def judge(true_ns: Sequence[int], heard_ns: Sequence[int]) -> list[float]:
    """Seconds by which each onset was heard late; utterances that were not heard are left out."""
    late_s = []
    for true in true_ns:
        nearest = min(heard_ns, key=lambda heard: abs(heard - true), default=None)
        if nearest is not None and abs(nearest - true) <= NEAR_S * NS_PER_S:
            late_s.append((nearest - true) / NS_PER_S)
    return late_s


def summary(late_s: Sequence[float]) -> HearingError | None:
    """None when too little was heard to say anything."""
    if len(late_s) < ENOUGH:
        return None
    bias_s = statistics.median(late_s)
    spread_s = statistics.median(abs(each - bias_s) for each in late_s)
    return HearingError(bias_s, spread_s, len(late_s))


# --- the serving end ------------------------------------------------------------------------------


def script(pack: ClipPack, call: int) -> list[tuple[bytes, int | None]]:
    """A call's frames; with the first one of an utterance goes the sample at which it begins."""
    clips = [clip for clip in pack.clips if clip.role == "agent" and clip.n_frames >= SAID_FRAMES]
    frames: list[tuple[bytes, int | None]] = []

    def idle(count: int) -> None:
        frames.extend((pack.idle_frame(len(frames) + i), None) for i in range(count))

    idle(LEAD_FRAMES)
    for turn in range(UTTERANCES):
        clip: Clip = clips[(call * UTTERANCES + turn) % len(clips)]
        frames.append((clip.frame(0), clip.speech_start_sample))
        frames.extend((clip.frame(i), None) for i in range(1, SAID_FRAMES))
        idle(PAUSE_FRAMES)
    return frames


@dataclass(slots=True)
class Voice:
    """Says one call's script on the wire, a frame per tick, and notes the true onsets."""

    wire: AgentWire
    frames: Iterator[tuple[bytes, int | None]]
    clock: Callable[[], int] = time.monotonic_ns
    onsets_ns: list[int] = field(default_factory=list)

    def tick(self, _scheduled_mono_ns: int, _now_mono_ns: int) -> None:
        frame, begins = next(self.frames, (b"", None))
        if not frame:
            return
        if begins is not None:
            self.onsets_ns.append(self.clock() + self.wire.encoding.sample_ns(begins))
        self.wire.send(frame)


class Server:
    """The serving end in a thread of its own; ``voices`` are the calls by their trace id."""

    def __init__(self, scheme: str, pack: ClipPack) -> None:
        self.voices: dict[str, Voice] = {}
        self.port = 0
        self._scheme = scheme
        self._pack = pack
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()), daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        if not self._ready.wait(TIMEOUT_S) or not self.port:
            raise OvlError("the serving end of the hearing check did not start")
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(TIMEOUT_S)

    def late_s(self, heard: Mapping[str, Sequence[int]]) -> list[float]:
        """How late the onsets of all calls were heard; ``heard`` by trace id."""
        late_s: list[float] = []
        for trace_id, voice in self.voices.items():
            late_s += judge(voice.onsets_ns, heard.get(trace_id, ()))
        return late_s

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        ticker = FrameTicker()

        def handler(wire: AgentWire) -> Sink:
            def hear(event: WireEvent) -> None:
                if isinstance(event, CallStarted):
                    call = len(self.voices)
                    voice = Voice(wire, iter(script(self._pack, call)))
                    self.voices[event.call_id[:32]] = voice  # not every wire carries more of it
                    ticker.add(voice.tick)

            return hear

        try:
            server = await transports.load(self._scheme).serve(ServeOptions(), handler)
            self.port = server.port
        finally:
            self._ready.set()
        await self._stop.wait()
        await server.close()
        ticker.close()


# --- the callers ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Ear:
    """One caller: sends what an idle line sounds like, and dates what it hears."""

    encoding: Encoding
    onsets_ns: list[int] = field(default_factory=list)
    hearing: Hearing = field(init=False)

    def __post_init__(self) -> None:
        self.hearing = Hearing(self.encoding, RELEASE_S)

    def hear(self, event: WireEvent) -> None:
        if isinstance(event, AudioHeard):
            for found in self.hearing.hear(event.data, event.arrival_mono_ns):
                if isinstance(found, Onset):
                    self.onsets_ns.append(found.at_ns)


def _idle(wire: Wire, pack: ClipPack, _scheduled_mono_ns: int, _now_mono_ns: int) -> None:
    wire.send(pack.idle_frame(0))


async def listen(
    scheme: str,
    port: int,
    pack: ClipPack,
    *,
    calls: int | None = None,
    ticker: FrameTicker | None = None,
) -> dict[str, list[int]]:
    """Place the calls and hear them out: when each was heard to begin, by trace id."""
    transport = transports.load(scheme)
    ticker = FrameTicker() if ticker is None else ticker  # an empty one is false
    options = transport.Options(transports.split_target(f"{scheme}://127.0.0.1:{port}").url)
    ears, wires = {}, []
    for call in range(CALLS if calls is None else calls):
        trace_id = f"{call + 1:032x}"
        ears[trace_id] = ear = Ear(transport.ENCODING)
        wire = await transport.open_call(options, ear.hear)
        wire.start(f"{trace_id}-hearing", None, {})
        ticker.add(partial(_idle, wire, pack))
        wires.append(wire)
    frames = LEAD_FRAMES + UTTERANCES * (SAID_FRAMES + PAUSE_FRAMES)
    await asyncio.sleep(frames * 0.02)
    ticker.close()
    await asyncio.gather(*(wire.close() for wire in wires))
    return {trace_id: ear.onsets_ns for trace_id, ear in ears.items()}


def measure(wire: str) -> HearingError | None:
    """Serve and call in this process. Raises OvlError when that can not be done."""
    scheme = transports.served_scheme(wire, secure=False)
    pack = ClipPack.load(transports.load(scheme).ENCODING)
    try:
        with Server(scheme, pack) as server:
            heard = uvloop.run(listen(scheme, server.port, pack))
    except (WireError, OSError) as error:
        raise OvlError(f"the hearing check could not call itself: {error}") from error
    return summary(server.late_s(heard))


# --- from the runner ------------------------------------------------------------------------------


@contextmanager
def calibrating(wire: str) -> Iterator[Callable[[], HearingError | None]]:
    """Measure beside whatever the block does first; the result is waited for when it is asked for.

    None when it could not be measured: that stops no run.
    """
    found: list[HearingError] = []

    def ask() -> None:
        try:
            child = children.start("hearing check", __name__, ["--wire", wire], {})
        except OvlError:
            return
        child.stop()
        bias_s, spread_s, count = (child.ready.get(f) for f in ("bias_s", "spread_s", "utterances"))
        if isinstance(bias_s, float) and isinstance(spread_s, float) and isinstance(count, int):
            found.append(HearingError(bias_s, spread_s, count))

    thread = threading.Thread(target=ask, name="hearing check", daemon=True)
    thread.start()

    def result() -> HearingError | None:
        thread.join(TIMEOUT_S)
        return found[0] if found else None

    yield result


def main(argv: Sequence[str] | None = None) -> int:
    words = argparse.ArgumentParser(prog="ovl-hearing", description=__doc__.partition("\n")[0])
    words.add_argument("--wire", default="plain")
    words.add_argument("--parent-pid", type=int, help="not heeded: this lasts three seconds")
    try:
        found = measure(words.parse_args(argv).wire)
    except OvlError as error:
        print(f"ovl-hearing: {error}", file=sys.stderr)
        return error.exit_code
    said = {"event": "ready", **({} if found is None else asdict(found))}
    sys.stdout.buffer.write(orjson.dumps(said) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
