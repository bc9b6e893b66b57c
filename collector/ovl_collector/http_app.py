"""OTLP/HTTP as a bare ASGI application. Protobuf and JSON share the port by content type.

A refusal is sent without waiting for the rest of the body: the server below then reads and drops
the rest, so a client that is still sending gets its answer instead of a reset connection. Where the
client wants the connection closed after the answer, the rest is dropped first, for the same reason.
Every error body is a google.rpc.Status in the encoding of the request.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import io
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from ovl_collector import answers
from ovl_collector.admission import RETRY_AFTER_S, Reservation
from ovl_collector.answers import JSON, PROTOBUF
from ovl_collector.control import Control
from ovl_collector.cors import Cors, is_preflight, readable_by, send_preflight
from ovl_collector.deadlines import Deadlines
from ovl_collector.decoded import Signal
from ovl_collector.errors import RequestRefused, TooLarge, TooSlow, Unavailable, Unexpected
from ovl_collector.receive import Receiver

# ASGI's own types: messages are plain dictionaries of mixed values.
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_SIGNALS: Final[dict[str, Signal]] = {"/v1/traces": "traces", "/v1/metrics": "metrics"}
_NOT_STORED: Final = {"/v1/logs": "logs", "/v1development/profiles": "profiles"}
_ENCODINGS: Final = {b"": False, b"identity": False, b"gzip": True}
_SMALL_BYTES: Final = 256 * 1024


class _Failed(Exception):
    def __init__(
        self, status: HTTPStatus, code: int, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


class _ClientGone(Exception):
    pass


class App:
    def __init__(
        self,
        receiver: Receiver,
        control: Control,
        token: str | None,
        cors_origins: Sequence[str] = (),
        deadlines: Deadlines | None = None,
    ) -> None:
        self._deadlines = deadlines or Deadlines()
        self._receiver = receiver
        self._control = control
        self._token = token.encode() if token is not None else None
        self._cors = Cors(cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if path in ("/healthz", "/readyz"):
            await self._health(path, send)
        elif path.startswith("/control/"):
            client = scope.get("client")
            host = client[0] if client else None
            body = _Body(receive)
            try:
                answer = await self._control.handle(
                    path, scope["method"], _bearer(headers), host, body.read_small
                )
            except _ClientGone:
                return
            await _respond(send, answer.status, JSON, answer.body)
        elif (origin := self._cors.allowed(headers)) is None:
            await self._otlp(scope, headers, receive, send)
        elif path in _SIGNALS and is_preflight(scope["method"], headers):
            await send_preflight(origin, send)
        else:
            await self._otlp(scope, headers, receive, readable_by(origin, send))

    async def _otlp(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> None:
        media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        content_type = PROTOBUF if media_type == PROTOBUF.encode() else JSON
        signal = _SIGNALS.get(scope["path"])
        closes = headers.get(b"connection", b"").strip().lower() == b"close"
        body = _Body(receive)
        try:
            if signal is None:
                raise _not_found(scope["path"])
            self._check(scope, headers, media_type)
            answer = await self._export(signal, scope, headers, body, content_type)
        except _Failed as failed:
            if closes:
                await body.drop(self._deadlines.drain_s)
            text = answers.status_body(failed.code, str(failed), content_type)
            await _respond(send, failed.status, content_type, text, failed.headers)
        except _ClientGone:
            return
        except Exception as error:
            refused = (
                error if isinstance(error, RequestRefused) else self._receiver.unexpected(error)
            )
            self._receiver.count_refusal(signal or "other", refused)
            if closes:
                await body.drop(self._deadlines.drain_s)
            status, extra = _http_refusal(refused)
            text = answers.status_body(answers.code_of(refused), str(refused), content_type)
            await _respond(send, status, content_type, text, extra)
        else:
            await _respond(send, HTTPStatus.OK, content_type, answer)

    def _check(self, scope: Scope, headers: dict[bytes, bytes], media_type: bytes) -> None:
        if scope["method"] != "POST":
            raise _Failed(
                HTTPStatus.METHOD_NOT_ALLOWED,
                answers.UNIMPLEMENTED,
                f"{scope['path']} takes POST, not {scope['method']}",
                {"allow": "POST"},
            )
        if self._token is not None and not hmac.compare_digest(_bearer(headers), self._token):
            raise _Failed(
                HTTPStatus.UNAUTHORIZED,
                answers.UNAUTHENTICATED,
                "this collector asks for the header Authorization: Bearer TOKEN",
                {"www-authenticate": "Bearer"},
            )
        if media_type not in (PROTOBUF.encode(), JSON.encode()):
            raise _Failed(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                answers.INVALID_ARGUMENT,
                f"the content type must be {PROTOBUF} or {JSON}",
            )
        if _content_encoding(headers) not in _ENCODINGS:
            raise _Failed(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                answers.INVALID_ARGUMENT,
                "the content encoding must be gzip or none",
                {"accept-encoding": "gzip"},
            )

    async def _export(
        self,
        signal: Signal,
        scope: Scope,
        headers: dict[bytes, bytes],
        body: _Body,
        content_type: str,
    ) -> bytes:
        limit = self._receiver.limits.body_bytes
        declared = headers.get(b"content-length", b"")
        size = int(declared) if declared.isdigit() else 0
        if size > limit:
            raise _too_large(limit)
        client = scope.get("client")
        with self._receiver.admission.reserve(size, arrived=False) as reservation:
            try:
                async with asyncio.timeout(self._deadlines.body_s):
                    data = await body.read(reservation, limit)
            except TimeoutError:
                raise TooSlow(
                    f"the body did not arrive within {self._deadlines.body_s:g} s",
                    reason="slow_body",
                ) from None
            answer = await self._receiver.export(
                signal,
                data,
                reservation,
                peer=f"{client[0]}:{client[1]}" if client else "unknown",
                json=content_type == JSON,
                gzipped=_ENCODINGS[_content_encoding(headers)],
            )
        return answers.export_response(signal, answer, content_type)

    async def _health(self, path: str, send: Send) -> None:
        if path == "/readyz" and self._control.problem is not None:
            await _respond(send, HTTPStatus.SERVICE_UNAVAILABLE, JSON, b'{"status":"refusing"}')
        else:
            await _respond(send, HTTPStatus.OK, JSON, b'{"status":"ok"}')


class _Body:
    """A request's body, part by part."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._more = True

    async def read(self, reservation: Reservation, limit: int) -> bytes:
        first = await self._part()
        if not self._more:
            if len(first) > limit:
                raise _too_large(limit)
            reservation.grow_to(len(first))
            return first
        # Parts of a large body are handed over as they come: kept apart and joined at the end
        # they would stand in memory twice.
        with io.BytesIO() as whole:
            part = first
            while True:
                whole.write(part)
                size = whole.tell()
                if size > limit:
                    raise _too_large(limit)
                reservation.grow_to(size)
                if not self._more:
                    return whole.getvalue()
                part = await self._part()

    async def read_small(self) -> bytes:
        """A body without a reservation, cut where no honest one ends."""
        data = b""
        while self._more and len(data) < _SMALL_BYTES:
            data += await self._part()
        return data[:_SMALL_BYTES]

    async def drop(self, within_s: float) -> None:
        """Reads what is left and forgets it."""
        with contextlib.suppress(TimeoutError, _ClientGone):
            async with asyncio.timeout(within_s):
                while self._more:
                    await self._part()

    async def _part(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise _ClientGone
        self._more = message["more_body"]
        part: bytes = message["body"]
        return part


async def _respond(
    send: Send,
    status: HTTPStatus,
    content_type: str,
    body: bytes,
    headers: Mapping[str, str] | None = None,
) -> None:
    fields = [
        (b"content-type", content_type.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.encode(), value.encode()) for name, value in (headers or {}).items()),
    ]
    await send({"type": "http.response.start", "status": status.value, "headers": fields})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _http_refusal(refused: RequestRefused) -> tuple[HTTPStatus, dict[str, str]]:
    if isinstance(refused, Unavailable):
        return HTTPStatus.SERVICE_UNAVAILABLE, {"retry-after": str(RETRY_AFTER_S)}
    if isinstance(refused, TooLarge):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, {}
    if isinstance(refused, TooSlow):
        return HTTPStatus.REQUEST_TIMEOUT, {"connection": "close"}
    if isinstance(refused, Unexpected):
        return HTTPStatus.INTERNAL_SERVER_ERROR, {}
    return HTTPStatus.BAD_REQUEST, {}


def _not_found(path: str) -> _Failed:
    kind = _NOT_STORED.get(path)
    if kind is not None:
        message = f"this collector does not store {kind}; it takes traces and metrics"
    else:
        message = f"nothing at {path}; OTLP is at /v1/traces and /v1/metrics"
    return _Failed(HTTPStatus.NOT_FOUND, answers.NOT_FOUND, message)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(
        f"the body is larger than {limit} bytes; send smaller batches", reason="too_large"
    )


def _content_encoding(headers: dict[bytes, bytes]) -> bytes:
    return headers.get(b"content-encoding", b"").strip().lower()


def _bearer(headers: dict[bytes, bytes]) -> bytes:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""
