"""Finding a transport by its scheme."""

from __future__ import annotations

import subprocess
import sys

import pytest

from otel_voiceload import transports
from otel_voiceload.errors import UsageError
from otel_voiceload.transports import Target


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("ws://127.0.0.1:9000/a", Target("ws", "plain", "ws://127.0.0.1:9000/a")),
        ("wss://host", Target("wss", "plain", "wss://host")),
        ("memory://x:1", Target("memory", "memory", "memory://x:1")),
        ("memory+ws://x:1", Target("memory+ws", "memory", "ws://x:1")),
        ("twilio+wss://x/a", Target("twilio+wss", "twilio", "wss://x/a")),
    ],
)
def test_a_target_is_taken_apart(target: str, parts: Target) -> None:
    assert transports.split_target(target) == parts


@pytest.mark.parametrize("target", ["gopher://x", "plain://x", "wire://x", "link+ws://x", "://x"])
def test_an_unknown_scheme_names_the_known_ones(target: str) -> None:
    with pytest.raises(UsageError, match=r"known are ws, wss, twilio\+ws, twilio\+wss$"):
        transports.split_target(target)


@pytest.mark.parametrize(
    ("wire", "secure", "scheme"),
    [("plain", False, "ws"), ("plain", True, "wss"), ("twilio", True, "twilio+wss")],
)
def test_a_served_wire_is_reached_by_its_scheme(wire: str, secure: bool, scheme: str) -> None:
    assert transports.served_scheme(wire, secure) == scheme
    assert transports.split_target(f"{scheme}://x").transport == wire


def test_a_target_without_scheme_is_told_how_to_write_one() -> None:
    with pytest.raises(UsageError, match=r"ws://localhost:9000"):
        transports.split_target("localhost:9000")


def test_loading_an_unknown_scheme_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="gopher"):
        transports.load("gopher")


def test_finding_out_what_is_known_imports_no_transport() -> None:
    code = (
        "import sys, otel_voiceload.transports as t; t.split_target('ws://x'); "
        "sys.exit('picows' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("target", ["ws://[::1", "wss://127.0.0.1:port", "twilio+ws://x:99999"])
def test_what_is_no_address_is_said_to_be_none(target: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        transports.split_target(target)
