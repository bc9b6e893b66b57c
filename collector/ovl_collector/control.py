"""The control endpoint: seal, stats, stop. Loopback and the token of control.json only.

``control.json`` stands in the recording's folder while its collector lives; readers find the
collector through it. It is readable by its owner only, because it holds the token.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import os
import secrets
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson

from ovl_collector import live_query
from ovl_collector.admission import Admission
from ovl_collector.errors import RequestRefused
from ovl_collector.files import replace_file
from ovl_collector.forward import Forwarder
from ovl_collector.ledger import Ledger
from ovl_collector.segments import Segments
from ovl_collector.writer import Writer

CONTROL_FILE: Final = "control.json"
_SEAL_TIMEOUT_S: Final = 30.0
_METHODS: Final = {
    "/control/seal": "POST",
    "/control/stats": "GET",
    "/control/stop": "POST",
    "/control/query": "POST",
}


@dataclass(frozen=True, slots=True)
class ControlAnswer:
    status: HTTPStatus
    body: bytes


class Control:
    def __init__(
        self,
        writer: Writer,
        segments: Segments,
        ledger: Ledger,
        admission: Admission,
        stop: Callable[[], None],
        forwarder: Forwarder | None = None,
    ) -> None:
        self.token = secrets.token_hex(16)
        self._writer = writer
        self._segments = segments
        self._ledger = ledger
        self._admission = admission
        self._stop = stop
        self._forwarder = forwarder
        self._asking = False

    @property
    def problem(self) -> str | None:
        """Why the collector is not ready; None when it is."""
        return self._writer.problem

    async def handle(
        self,
        path: str,
        method: str,
        bearer: bytes,
        host: str | None,
        body: Callable[[], Awaitable[bytes]],
    ) -> ControlAnswer:
        if not _is_loopback(host):
            return _answer(HTTPStatus.FORBIDDEN, {"error": "control is for this machine only"})
        if not hmac.compare_digest(bearer, self.token.encode()):
            return _answer(
                HTTPStatus.UNAUTHORIZED, {"error": f"take the token from {CONTROL_FILE}"}
            )
        wanted = _METHODS.get(path)
        if wanted is None:
            return _answer(HTTPStatus.NOT_FOUND, {"error": f"nothing at {path}"})
        if method != wanted:
            return _answer(HTTPStatus.METHOD_NOT_ALLOWED, {"error": f"{path} takes {wanted}"})
        if path == "/control/seal":
            return await self._seal()
        if path == "/control/query":
            return await self._query(await body())
        if path == "/control/stop":
            self._stop()
            return _answer(HTTPStatus.OK, {"stopping": True})
        return _answer(HTTPStatus.OK, self.stats())

    def stats(self) -> dict[str, Any]:
        live, manifest = self._segments.live, self._segments.manifest
        return {
            "recording": manifest.recording,
            "problem": self.problem,
            "queue_bytes": self._admission.used_bytes,
            "requests_under_way": self._admission.requests,
            "segments": len(manifest.segments),
            "live": {
                "file": live.path.name,
                "batches": live.batches,
                "spans": live.spans,
                "metric_points": live.metric_points,
            },
            "runs": self._segments.runs.as_dict(),
            "forward": self._forwarder.stats() if self._forwarder else None,
            **self._ledger.as_dict(),
        }

    async def _query(self, body: bytes) -> ControlAnswer:
        if self._asking:
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "another query is under way"})
        self._asking = True
        try:
            question = live_query.read_question(body)
            found = await asyncio.to_thread(live_query.answer, self._segments.live, question)
        except live_query.QueryRefused as refused:
            return _answer(HTTPStatus.BAD_REQUEST, {"error": str(refused)})
        finally:
            self._asking = False
        return _answer(HTTPStatus.OK, found)

    async def _seal(self) -> ControlAnswer:
        try:
            async with asyncio.timeout(_SEAL_TIMEOUT_S):
                sealed = await asyncio.wrap_future(self._writer.seal())
        except TimeoutError:
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "sealing takes too long"})
        except RequestRefused as refused:
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": str(refused)})
        if unsealed := self._segments.unsealed:
            error = f"can not be closed yet: {', '.join(unsealed)}"
            return _answer(HTTPStatus.SERVICE_UNAVAILABLE, {"error": error, "sealed": sealed})
        return _answer(
            HTTPStatus.OK, {"sealed": sealed, "recording": self._segments.manifest.recording}
        )


def write_control_file(
    folder: Path, *, grpc: str, http: str, token: str, private: bool = False
) -> dict[str, Any]:
    """``grpc`` is host:port, ``http`` a base URL. A ``private`` one is not for other runs."""
    content = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "grpc": grpc,
        "http": http,
        "token": token,
        "private": private,
    }
    replace_file(folder / CONTROL_FILE, orjson.dumps(content) + b"\n", mode=0o600)
    return content


def _answer(status: HTTPStatus, content: dict[str, Any]) -> ControlAnswer:
    return ControlAnswer(status, orjson.dumps(content))


def _is_loopback(host: str | None) -> bool:
    try:
        return host is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
