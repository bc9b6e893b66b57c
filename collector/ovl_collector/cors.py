"""Web pages as senders: which origins a browser may send from (fetch.spec.whatwg.org).

Off by default, and then a page of another origin gets nothing in: OTLP's content types make the
browser ask first, and the answer to that is 405 like to anything but POST. Origins are compared as
they are written, since a pattern that matches too much lets in whoever registers a name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

Send = Callable[[dict[str, Any]], Awaitable[None]]  # ASGI's: messages are dictionaries

_ALLOWED_HEADERS: Final = b"authorization, content-encoding, content-type"
_ASK_AGAIN_S: Final = b"7200"  # browsers keep no answer for longer


class Cors:
    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origin.encode() for origin in origins)

    def allowed(self, headers: dict[bytes, bytes]) -> bytes | None:
        """The request's origin when it is one of ours; None also for what comes from no page."""
        origin = headers.get(b"origin")
        return origin if origin in self._origins else None


def cors_problems(origins: Sequence[str]) -> list[str]:
    found = []
    for origin in origins:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
            found.append(
                f"--cors-origin {origin!r} is no origin; "
                "write scheme and host as the browser does, such as https://app.example"
            )
        elif "*" in origin or "@" in origin or origin != origin.lower():
            found.append(f"--cors-origin {origin!r}: origins are exact and in lower case")
    return found


def is_preflight(method: str, headers: dict[bytes, bytes]) -> bool:
    return method == "OPTIONS" and b"access-control-request-method" in headers


async def send_preflight(origin: bytes, send: Send) -> None:
    """What a page of this origin may send. Asks for no token, since browsers bring none here."""
    fields = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", b"POST"),
        (b"access-control-allow-headers", _ALLOWED_HEADERS),
        (b"access-control-max-age", _ASK_AGAIN_S),
        (b"vary", b"origin"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": fields})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def readable_by(origin: bytes, send: Send) -> Send:
    """The page may read the answer, and when to come again."""

    async def sending(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            more = [
                (b"access-control-allow-origin", origin),
                (b"access-control-expose-headers", b"retry-after"),
                (b"vary", b"origin"),
            ]
            message = message | {"headers": [*message["headers"], *more]}
        await send(message)

    return sending
