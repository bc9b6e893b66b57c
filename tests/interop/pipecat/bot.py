"""A Pipecat bot for Twilio calls, as its documentation builds one, traced by its own instruments.

Nothing in it knows of a load test: spans go wherever OTEL_EXPORTER_OTLP_ENDPOINT says. Two parts
are not what production would run, so that the bot needs no account and no model: the services live
at ``--providers``, and speech is told from silence by its loudness.

Runs in its own environment: python bot.py --port 18902 --providers http://127.0.0.1:18901/v1
"""

import argparse

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.openai.llm import OpenAILLMService
from pipecat.services.openai.stt import OpenAISTTService
from pipecat.services.openai.tts import OpenAITTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.tracing.setup import setup_tracing
from pipecat.workers.runner import WorkerRunner

LOUD = 400  # root mean square of 16 bit samples: far above line noise, far below speech


class Loudness(VADAnalyzer):
    def num_frames_required(self) -> int:
        return self.sample_rate // 50

    def voice_confidence(self, buffer: bytes) -> float:
        samples = np.frombuffer(buffer, np.int16).astype(np.float32)
        return float(np.sqrt(np.mean(samples * samples)) > LOUD)


def pipeline(transport: FastAPIWebsocketTransport, providers: str) -> Pipeline:
    account = {"api_key": "none", "base_url": providers}
    hearing = LLMUserAggregatorParams(
        vad_analyzer=Loudness(params=VADParams(start_secs=0.1, stop_secs=0.2, min_volume=0.0)),
        user_turn_strategies=UserTurnStrategies(
            stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.3)]
        ),
    )
    context = LLMContextAggregatorPair(LLMContext(), user_params=hearing)
    stt, llm, tts = OpenAISTTService, OpenAILLMService, OpenAITTSService
    return Pipeline(
        [
            transport.input(),
            stt(**account, settings=stt.Settings(model="fake-stt")),
            context.user(),
            llm(**account, settings=llm.Settings(model="fake-llm", system_instruction="Book.")),
            tts(**account, settings=tts.Settings(model="fake-tts", voice="alloy")),
            transport.output(),
            context.assistant(),
        ]
    )


def application(providers: str) -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def answer(websocket: WebSocket) -> None:
        await websocket.accept()
        _, call = await parse_telephony_websocket(websocket)
        no_account = TwilioFrameSerializer.InputParams(auto_hang_up=False)
        serializer = TwilioFrameSerializer(
            stream_sid=call["stream_id"], call_sid=call["call_id"], params=no_account
        )
        transport = FastAPIWebsocketTransport(
            websocket=websocket,
            params=FastAPIWebsocketParams(
                audio_in_enabled=True,
                audio_out_enabled=True,
                add_wav_header=False,
                serializer=serializer,
            ),
        )
        worker = PipelineWorker(
            pipeline(transport, providers),
            params=PipelineParams(
                audio_in_sample_rate=8000,
                audio_out_sample_rate=24_000,
                enable_metrics=True,
                enable_usage_metrics=True,
            ),
            enable_tracing=True,
            enable_turn_tracking=True,
            conversation_id=call["call_id"],
        )

        @transport.event_handler("on_client_disconnected")
        async def left(*_: object) -> None:
            await worker.cancel()

        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()

    return app


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    words.add_argument("--port", type=int, required=True)
    words.add_argument("--providers", required=True, metavar="URL")
    asked = words.parse_args()
    logger.remove()
    setup_tracing(service_name="pipecat-bot", exporter=OTLPSpanExporter())
    uvicorn.run(
        application(asked.providers), host="127.0.0.1", port=asked.port, log_level="warning"
    )


if __name__ == "__main__":
    main()
