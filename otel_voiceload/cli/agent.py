"""``ovl agent``: the reference agent in the foreground, until it is stopped."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated

import typer

from otel_voiceload.cli.options import Common, defaults_beside, verb_app, with_common

app = verb_app()


@app.command()
@with_common
def agent(
    common: Common,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            is_eager=True,
            callback=defaults_beside,
            help="YAML file of the agent's limits; ovl.yaml still gives the defaults.",
        ),
    ] = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 takes a free one.")] = 8765,
    wire: Annotated[
        str, typer.Option("--wire", help="What it speaks: plain, or twilio (Media Streams).")
    ] = "plain",
    plant: Annotated[
        str | None, typer.Option("--plant", help="What is full at how many calls: llm:48; or none.")
    ] = None,
    cycle: Annotated[
        str, typer.Option("--cycle", help="Turn cycle for the knee: speech=2.5s,think=500ms.")
    ] = "",
    stt_capacity: Annotated[
        int | None, typer.Option("--stt-capacity", min=1, help="STT requests served at once.")
    ] = None,
    llm_capacity: Annotated[
        int | None, typer.Option("--llm-capacity", min=1, help="LLM requests served at once.")
    ] = None,
    tts_capacity: Annotated[
        int | None, typer.Option("--tts-capacity", min=1, help="TTS requests served at once.")
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option("--fault", help="A fault to play (repeatable).")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of every draw.")] = None,
    otlp: Annotated[
        str | None,
        typer.Option(
            "--otlp", help="OTLP/HTTP endpoint for its spans, such as http://127.0.0.1:4318."
        ),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Certificate: wss.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key.")] = None,
) -> None:
    """Serve a voice agent with limits you set, on the wire you name; prints where it will bend."""
    from otel_voiceload.agent import serve
    from otel_voiceload.agent.settings import DEFAULT_CYCLE, Wishes, parse_cycle, settle
    from otel_voiceload.capacity.config import ServedComponent
    from otel_voiceload.runner.listening import doubt
    from otel_voiceload.transports.wire import ServeOptions

    asked: dict[ServedComponent, int | None]
    asked = {"stt": stt_capacity, "llm": llm_capacity, "tts": tts_capacity}
    wishes = Wishes(
        config_file=config_file,
        plant=plant,
        cycle=parse_cycle(cycle) if cycle else DEFAULT_CYCLE,
        seed=seed,
        capacities=tuple((name, count) for name, count in asked.items() if count is not None),
        faults=tuple(fault or ()),
    )
    config, knee = settle(wishes, serve.wire_pack(wire))
    if otlp is not None and (told := doubt(otlp, common.store)):
        common.warn(told)
    options = ServeOptions(
        host=host,
        port=port,
        tls_cert=tls_cert,
        tls_key=tls_key,
        network_delay=serve.network_delay(config.network, random.Random(config.seed)),
    )

    def ready(up: serve.Ready) -> None:
        common.emit(f"reference agent at {up.url}; {knee.text()}")
        common.note(f"call it with: ovl generate {up.url}   (Ctrl-C ends it)")

    serve.run(config, knee, options, wire, otlp, None, ready)
