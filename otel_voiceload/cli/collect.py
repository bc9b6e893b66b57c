"""``ovl collect``: the collector in the foreground, until it is stopped."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from otel_voiceload.cli.options import Common, verb_app, with_common

app = verb_app()


@app.command()
@with_common
def collect(
    common: Common,
    grpc: Annotated[
        str | None, typer.Option("--grpc", help="Address of OTLP/gRPC; else 4317 or a free port.")
    ] = None,
    http: Annotated[
        str | None, typer.Option("--http", help="Address of OTLP/HTTP; else 4318 or a free port.")
    ] = None,
    token: Annotated[
        str | None, typer.Option("--token", help="Bearer token that senders must bring.")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", help="Certificate.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", help="Its key.")] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option("--tls-client-ca", help="CA that senders' certificates need.")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Listen beyond this machine without any of these.")
    ] = False,
    max_size: Annotated[
        str | None,
        typer.Option("--max-size", help="Of the store, such as 20GiB; the oldest files go first."),
    ] = None,
    max_age: Annotated[
        str | None, typer.Option("--max-age", help="Of what is kept, such as 7d.")
    ] = None,
    forward: Annotated[
        str | None,
        typer.Option("--forward", help="OTLP/HTTP endpoint that gets a copy of what was stored."),
    ] = None,
    forward_header: Annotated[
        list[str] | None,
        typer.Option("--forward-header", help="'Name: value' for it, or 'Name: env:VARIABLE'."),
    ] = None,
    cors_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--cors-origin", help="Answer web pages of this origin, such as https://app.example."
        ),
    ] = None,
    collector_config: Annotated[
        Path | None,
        typer.Option(
            "--collector-config",
            help="TOML file with the collector's options; all but its store count here.",
        ),
    ] = None,
    print_config: Annotated[
        bool,
        typer.Option("--print-config", help="Show what the options come to, secrets masked; end."),
    ] = False,
) -> None:
    """Receive OTLP traces and metrics into the store; each is acknowledged once it is committed."""
    from otel_voiceload.runner.collecting import Wanted, collect_in_foreground, effective_config
    from otel_voiceload.runner.plan import Access

    options = [
        f"{option}={value}"
        for option, value in (
            ("--grpc", grpc),
            ("--http", http),
            ("--tls-cert", tls_cert),
            ("--tls-key", tls_key),
            ("--tls-client-ca", tls_client_ca),
            ("--max-size", max_size),
            ("--max-age", max_age),
            ("--forward", forward),
            *(("--cors-origin", origin) for origin in cors_origin or ()),
        )
        if value is not None
    ]
    if insecure:
        options.append("--insecure")
    wanted = Wanted(
        common.store, tuple(options), token, tuple(forward_header or ()), collector_config
    )
    if print_config:
        common.emit(effective_config(wanted))
        return
    name = (token or "").removeprefix("env:")
    secret = os.environ.get(name, "") if name != token else token
    access = Access({"authorization": f"Bearer {secret}"} if secret else {}, tls_cert)
    collect_in_foreground(wanted, common.emit, common.note, access)
