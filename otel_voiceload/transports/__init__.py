"""Transports: one file per wire, holding both its ends.

A target's scheme names the file: ``twilio+wss://host`` is spoken by ``twilio.py``; ``ws://`` and
``wss://`` alone are the plain wire. Only the chosen file is imported, so that a wire with a heavy
library costs nothing to the others.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from otel_voiceload.errors import UsageError

if TYPE_CHECKING:
    from otel_voiceload.transports.wire import Transport

_SHARED = frozenset(
    {
        "__init__",
        "dial",
        "ends",
        "link",
        "network_delay",
        "plain_codec",
        "playout",
        "portable",
        "sockets",
        "ticker",
        "twilio_codec",
        "websocket",
        "wire",
    }
)
_INTERNAL = frozenset({"memory"})  # has no process at its other end: for tests
_PLAIN_SCHEMES = ("ws", "wss")


@dataclass(frozen=True, slots=True)
class Target:
    """A target taken apart: ``twilio+wss://host`` has scheme ``twilio+wss``, url ``wss://host``."""

    scheme: str
    transport: str
    url: str


def known() -> tuple[str, ...]:
    """Names of the transports that are here, from the files of this folder."""
    return tuple(
        sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in _SHARED)
    )


def split_target(target: str) -> Target:
    """Take a TARGET of the command line apart.

    Raises:
        UsageError: it has no scheme, one that no transport speaks, or is no address.
    """
    scheme, separator, rest = target.partition("://")
    if not separator:
        raise UsageError(f"target {target!r} has no scheme; write for example ws://{target}")
    name, plus, inner = scheme.partition("+")
    transport = _name(scheme)
    url = f"{inner if plus else name}://{rest}"
    try:
        _ = urlsplit(url).port
    except ValueError as error:  # a bracket that is not closed, a port that is no number
        raise UsageError(f"target {target!r} is no address: {error}") from None
    return Target(scheme, transport, url)


def served_scheme(wire: str, secure: bool) -> str:
    """What a caller writes before ``://`` to reach an agent of that wire, with TLS or without.

    Raises:
        UsageError: no wire has that name.
    """
    names = tuple(name for name in known() if name not in _INTERNAL)
    if wire not in names:
        raise UsageError(f"no wire is called {wire!r}; known are {', '.join(names)}")
    inner = _PLAIN_SCHEMES[secure]
    return inner if wire == "plain" else f"{wire}+{inner}"


def load(scheme: str) -> Transport:
    """Import the transport that speaks a scheme such as ``ws`` or ``twilio+wss``.

    Raises:
        UsageError: no transport speaks it.
    """
    module = importlib.import_module(f"{__name__}.{_name(scheme)}")
    return cast("Transport", module)  # a module is the protocol's instance; the test holds it to it


def _name(scheme: str) -> str:
    name = "plain" if scheme in _PLAIN_SCHEMES else scheme.partition("+")[0]
    if name not in known() or scheme == "plain":
        wires = (n for n in known() if n not in {"plain", *_INTERNAL})
        schemes = [*_PLAIN_SCHEMES, *(f"{wire}+{ws}" for wire in wires for ws in _PLAIN_SCHEMES)]
        raise UsageError(f"no transport speaks {scheme}://; known are {', '.join(schemes)}")
    return name
