"""A target that costs little, for measuring the generator: it speaks half of the time, and is deaf.

It knows the fifty frames of an idle line, so that a look at each frame tells whether the caller
speaks; a reply begins after six idle frames, and is a clip of the pack in real time. No detector,
no recogniser, no spans: the core beside the generator's is not the limit that is found. Runs as a
process of its own, ``python -m tests.benchmarks.light_agent [--wire twilio] [REPLY_S]``, and prints
its address.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource

import uvloop

from otel_voiceload.audio.clips import Clip, ClipPack
from otel_voiceload.events import AudioHeard, CallStopped, WireClosed, WireEvent
from otel_voiceload.transports import plain, twilio
from otel_voiceload.transports.ticker import FrameTicker, Ticket
from otel_voiceload.transports.wire import AgentWire, ServeOptions

PAUSE_FRAMES = 6  # of the caller's, until it is taken to have finished
WIRES = {
    "plain": (plain.serve, plain.ENCODING, "ws"),
    "twilio": (twilio.serve, twilio.ENCODING, "twilio+ws"),
}
REPLY_S = 1.8  # the demo scenario speaks 1.2 s and waits 0.5 s: half of the time is the agent's


class LightCall:
    """The sink of one connection."""

    def __init__(self, wire: AgentWire, reply: Clip, idle: frozenset[bytes], ticker: FrameTicker):
        self._wire = wire
        self._reply = reply
        self._idle = idle
        self._ticker = ticker
        self._ticket: Ticket | None = None
        self._quiet = -1  # idle frames since the caller's last word; none was said yet
        self._frame = 0

    def __call__(self, event: WireEvent) -> None:
        if type(event) is AudioHeard:
            self._ticker.keep_up(event.arrival_mono_ns)
            if event.data not in self._idle:
                self._quiet = 0
            elif self._quiet >= 0:
                self._quiet += 1
                if self._quiet == PAUSE_FRAMES and self._ticket is None:
                    self._quiet, self._frame = -1, 0
                    self._ticket = self._ticker.add(self._speak)
        elif isinstance(event, (CallStopped, WireClosed)):
            self._be_silent()

    def _speak(self, _scheduled_ns: int, _now_ns: int) -> None:
        if self._frame < self._reply.n_frames:
            self._wire.send(self._reply.frame(self._frame))
            self._frame += 1
        else:
            self._be_silent()

    def _be_silent(self) -> None:
        if self._ticket is not None:
            self._ticker.remove(self._ticket)
            self._ticket = None


async def main(wire: str, reply_s: float) -> None:
    serve, encoding, scheme = WIRES[wire]
    pack, ticker = ClipPack.load(encoding), FrameTicker()
    idle = frozenset(pack.idle_frame(i) for i in range(50))
    reply = min(pack.replies(), key=lambda clip: abs(clip.speech_s - reply_s))
    gc.collect()
    gc.freeze()
    server = await serve(ServeOptions(), lambda end: LightCall(end, reply, idle, ticker))
    print(f"{scheme}://127.0.0.1:{server.port}", flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65_536), most))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wire", choices=WIRES, default="plain")
    parser.add_argument("reply_s", type=float, nargs="?", default=REPLY_S)
    asked = parser.parse_args()
    uvloop.run(main(asked.wire, asked.reply_s))
