"""Which WebSocket library a process takes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SAY = "from otel_voiceload.transports.sockets import WSTransport; print(WSTransport.__module__)"
WITHOUT = (  # as on a machine where it is not installed
    "import importlib.util as util\n"
    "found = util.find_spec\n"
    "util.find_spec = lambda name: None if name == 'picows' else found(name)\n"
)


@pytest.mark.parametrize(
    ("code", "environ", "library"),
    [
        (SAY, {}, "picows"),
        (SAY, {"OVL_WEBSOCKETS": "portable"}, "otel_voiceload.transports.portable"),
        (WITHOUT + SAY, {}, "otel_voiceload.transports.portable"),
    ],
)
def test_the_fast_one_is_taken_where_it_is(
    code: str, environ: dict[str, str], library: str
) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "OVL_WEBSOCKETS"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith(library)
