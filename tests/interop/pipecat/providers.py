"""Speech and language services as OpenAI's endpoints offer them, with limits of our choosing.

They stand for the accounts that a real bot has somewhere else. A request holds a place of its
service until a while after its last byte; who comes when all places are taken waits, and is told
nothing of it, as with a provider that queues. ``--places llm=2`` is such a limit. The while keeps
the number of calls low at which a limit is reached: one bot can take a few dozen, no more.

Runs in the bot's environment: python providers.py --port 18901 [--places llm=2]
"""

import argparse
import asyncio
import json
import math
from array import array

from aiohttp import web

SERVICES = ("stt", "llm", "tts")
PLENTY = 1000
STT_S = 0.10
FIRST_TOKEN_S = 0.25
NEXT_TOKEN_S = 0.02
FIRST_BYTE_S = 0.30
NEXT_BYTES_S = 0.02
REST_S = 0.45
REPLY = ("Of", "course,", "your", "table", "is", "booked", "for", "Friday", "at", "noon", "then.")
RATE = 24_000  # samples per second of the speech that OpenAI's endpoint sends
PIECE = RATE // 5
VOICE = array(
    "h", (round(9000 * math.sin(math.tau * 300 * i / RATE)) for i in range(PIECE))
).tobytes()
PIECES = 3  # 0.6 s of speech


class Provider:
    def __init__(self, places: dict[str, int]) -> None:
        self._places = {name: asyncio.Semaphore(places.get(name, PLENTY)) for name in SERVICES}
        self._heard = 0

    def app(self) -> web.Application:
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/v1/audio/transcriptions", self.transcribe)
        app.router.add_post("/v1/chat/completions", self.answer)
        app.router.add_post("/v1/audio/speech", self.speak)
        return app

    async def transcribe(self, request: web.Request) -> web.Response:
        await request.read()
        async with self._places["stt"]:
            await asyncio.sleep(STT_S)
            self._heard += 1
            # No two alike: an aggregator may drop what it has heard before.
            return web.json_response({"text": f"I would like table number {self._heard}."})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        async with self._places["llm"]:
            await asyncio.sleep(FIRST_TOKEN_S)
            reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await reply.prepare(request)
            for number, word in enumerate(REPLY):
                await reply.write(event({"content": f"{word} "}))
                if number + 1 < len(REPLY):
                    await asyncio.sleep(NEXT_TOKEN_S)
            await reply.write(event({}, finish="stop") + b"data: [DONE]\n\n")
            await reply.write_eof()
            await asyncio.sleep(REST_S)
            return reply

    async def speak(self, request: web.Request) -> web.StreamResponse:
        await request.read()
        async with self._places["tts"]:
            await asyncio.sleep(FIRST_BYTE_S)
            speech = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
            await speech.prepare(request)
            for _ in range(PIECES):
                await speech.write(VOICE)
                await asyncio.sleep(NEXT_BYTES_S)
            await speech.write_eof()
            await asyncio.sleep(REST_S)
            return speech


def event(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"data: " + json.dumps({**chunk, "choices": [choice]}).encode() + b"\n\n"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--port", type=int, required=True)
    words.add_argument("--places", action="append", default=[], metavar="SERVICE=N")
    asked = words.parse_args()
    places = {name: int(count) for name, _, count in (each.partition("=") for each in asked.places)}
    provider = Provider(places)
    web.run_app(provider.app(), host="127.0.0.1", port=asked.port, print=None, access_log=None)


if __name__ == "__main__":
    main()
