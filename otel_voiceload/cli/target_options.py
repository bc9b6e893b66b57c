"""The options that say whom to call and with what load, the same for ``generate`` and ``check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

CALLS: Final = "Calls"  # panels of the help
TARGET: Final = "Target"

Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        "-p",
        rich_help_panel=CALLS,
        help="Load shape: baseline, ramp, spike, soak, scale, five-phase, custom, FILE.yaml.",
    ),
]
Calls = Annotated[
    int | None,
    typer.Option("--calls", "-c", min=1, rich_help_panel=CALLS, help="Calls held at once."),
]
Rate = Annotated[
    float | None,
    typer.Option(
        "--rate",
        min=0.001,
        rich_help_panel=CALLS,
        help="Calls begun per second, however many are held (at most --max-calls).",
    ),
]
Duration = Annotated[
    str | None,
    typer.Option("--duration", "-d", rich_help_panel=CALLS, help="How long: 30s, 10m, 1h30m."),
]
Stages = Annotated[
    list[str] | None,
    typer.Option(
        "--stage",
        "-s",
        rich_help_panel=CALLS,
        help="10m:200 ramps to 200 calls, hold:10m:200 holds them; also 5x of --calls, 80%"
        " of the measured ceiling, 5/s (repeatable).",
    ),
]
Scenarios = Annotated[
    list[str] | None,
    typer.Option(
        "--scenario",
        rich_help_panel=CALLS,
        help="File or name, with a weight beside others: NAME=2 (repeatable).",
    ),
]
Headers = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        "-H",
        rich_help_panel=TARGET,
        help="'Name: value' of the handshake; env:NAME reads a secret (repeatable).",
    ),
]
Params = Annotated[
    list[str] | None,
    typer.Option("--param", rich_help_panel=TARGET, help="K=V handed over at the call's start."),
]
TlsCa = Annotated[
    Path | None, typer.Option("--tls-ca", rich_help_panel=TARGET, help="CA to trust.")
]
TlsInsecure = Annotated[
    bool, typer.Option("--tls-insecure", rich_help_panel=TARGET, help="Trust any certificate.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        rich_help_panel=TARGET,
        help="Host that may be called with more than 10 calls (repeatable).",
    ),
]
