"""The yardstick: calls held by ``websockets`` in the usual way, with a sleep per frame and call.

It does less than a caller of ours: it sends real frames in real time and throws away what it hears.
No turn, no detector, no span. Runs as a process of its own and prints one JSON object, so that its
CPU time is nobody else's: ``python -m tests.benchmarks.plain_client URL CALLS SECONDS``.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time

from websockets.asyncio.client import ClientConnection, connect

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import FRAME_NS, PCM16_16K

_PAUSE_FRAMES = 150  # three seconds in which the agent answers


def script(pack: ClipPack) -> list[bytes]:
    """What every caller says over and over: a sentence, and the noise of an idle line."""
    clip = pack.callers("open")[0]
    words = [clip.frame(i) for i in range(clip.n_frames)]
    return words + [pack.idle_frame(i) for i in range(_PAUSE_FRAMES)]


async def listen(connection: ClientConnection) -> int:
    return sum([len(message) async for message in connection])


async def call(url: str, frames: list[bytes], until: float, errors_s: list[float]) -> None:
    async with connect(url, max_size=2**20) as connection:
        listening = asyncio.ensure_future(listen(connection))
        start = {"type": "start", "call_id": secrets.token_hex(16), "sample_rate": 16_000}
        await connection.send(json.dumps(start | {"params": {}}))
        begun = time.monotonic()
        sent = 0
        while (now := time.monotonic()) < until:
            due = begun + sent * FRAME_NS / 1e9
            if due > now:
                await asyncio.sleep(due - now)
            errors_s.append(max(0.0, time.monotonic() - due))
            await connection.send(frames[sent % len(frames)])
            sent += 1
        await connection.send('{"type": "stop"}')
    await listening


async def main(url: str, calls: int, seconds: float) -> dict[str, float]:
    frames = script(ClipPack.load(PCM16_16K))
    errors_s: list[float] = []
    until = time.monotonic() + 0.02 * calls + seconds
    async with asyncio.TaskGroup() as group:
        for _ in range(calls):
            group.create_task(call(url, frames, until, errors_s))
            await asyncio.sleep(0.02)  # spread over the seconds, as ours are
        errors_s.clear()
        begun, used = time.monotonic(), time.process_time()
        await asyncio.sleep(max(0.0, until - begun))
        cpu = (time.process_time() - used) / (time.monotonic() - begun)
    errors_s.sort()
    return {
        "cpu": cpu,
        "frames": len(errors_s),
        "pacing_error_p50_s": errors_s[len(errors_s) // 2],
        "pacing_error_p99_s": errors_s[len(errors_s) * 99 // 100],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
