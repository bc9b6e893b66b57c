"""The WebSocket library of this process: picows, or ``websockets`` where picows is not installed.

``OVL_WEBSOCKETS=portable`` asks for the second one all the same: the tests hold both to the same
contract with it.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

PORTABLE: Final = os.environ.get("OVL_WEBSOCKETS") == "portable" or find_spec("picows") is None

if TYPE_CHECKING or not PORTABLE:
    from picows import (
        WSCloseCode,
        WSError,
        WSFrame,
        WSHandshakeError,
        WSInvalidStatusError,
        WSListener,
        WSMsgType,
        WSTransport,
        WSUpgradeRequest,
        ws_connect,
        ws_create_server,
    )
else:
    from otel_voiceload.transports.portable import (
        WSCloseCode,
        WSError,
        WSFrame,
        WSHandshakeError,
        WSInvalidStatusError,
        WSListener,
        WSMsgType,
        WSTransport,
        WSUpgradeRequest,
        ws_connect,
        ws_create_server,
    )

__all__ = [
    "PORTABLE",
    "WSCloseCode",
    "WSError",
    "WSFrame",
    "WSHandshakeError",
    "WSInvalidStatusError",
    "WSListener",
    "WSMsgType",
    "WSTransport",
    "WSUpgradeRequest",
    "ws_connect",
    "ws_create_server",
]
