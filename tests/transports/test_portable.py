"""The portable library is held to the contract of the fast one, by the same tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from websockets.http11 import Response

from otel_voiceload.transports.portable import WSInvalidStatusError

ROOT = Path(__file__).parents[2]
HERE = "tests/transports"
SAME = [f"{HERE}/test_{name}.py" for name in ("contract", "link", "websocket", "plain")]


def test_every_test_of_the_wire_passes_with_it_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *SAME],
        cwd=ROOT,
        env={**os.environ, "OVL_WEBSOCKETS": "portable"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


def test_a_status_that_nobody_registered_counts_by_its_hundred() -> None:
    # Without headers, which nobody reads here.
    refused = WSInvalidStatusError(Response(599, "Odd", None, b"no"))  # type: ignore[arg-type]

    assert (refused.response.status, refused.raw_body) == (500, b"no")
