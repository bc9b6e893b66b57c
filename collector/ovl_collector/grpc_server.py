"""OTLP/gRPC: raw-bytes handlers, so that a message is counted and admitted before it is parsed.

The handlers are of streams, though a call has one message: only so does grpc ask before it reads
the message, and what is not yet read stays with the client. Else the messages of all calls stand in
memory before anybody could refuse them.

grpc caps a message after decompression and answers RESOURCE_EXHAUSTED by itself; services that are
not registered (logs, profiles) answer UNIMPLEMENTED. The Python exporter reads the retry delay from
``google.rpc.retryinfo-bin`` and others from ``grpc-status-details-bin``: both are sent.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc
import grpc.aio

from ovl_collector import answers
from ovl_collector.config import Address, Tls
from ovl_collector.deadlines import Deadlines
from ovl_collector.decoded import Signal
from ovl_collector.errors import (
    RequestRefused,
    TooLarge,
    Unavailable,
    Undecodable,
    Unexpected,
    UsageError,
)
from ovl_collector.receive import Answer, Receiver

_SERVICES: Final[dict[str, Signal]] = {
    "opentelemetry.proto.collector.trace.v1.TraceService": "traces",
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
}
_GRACE_S: Final = 5.0
_STREAMS_PER_CONNECTION: Final = 128
_ENVELOPE_BYTES: Final = 64

_RECEIVING: Final = 4  # messages at a time, each of up to the largest body
_RECEIVE_S: Final = 20.0
_WHILE_OTHERS_WAIT_S: Final = 2.0

Handler = Callable[[Any, Any], Awaitable[bytes]]


class Intake:
    """Lets a few messages at a time come in. Belongs to the event loop's thread.

    Who sends slowly is given little time once others wait, so that stalled clients do not lock
    anybody out.
    """

    def __init__(
        self, slots: int = _RECEIVING, while_others_wait_s: float = _WHILE_OTHERS_WAIT_S
    ) -> None:
        self._slots = asyncio.Semaphore(slots)
        self._while_others_wait_s = while_others_wait_s
        self._receiving: set[asyncio.Timeout] = set()

    async def read(self, context: Any) -> bytes:
        """The call's message. Raises Unavailable when it is too slow, Undecodable without one."""
        if self._slots.locked():
            latest = asyncio.get_running_loop().time() + self._while_others_wait_s
            for other in self._receiving:
                other.reschedule(min(latest, other.when() or latest))
        async with self._slots:
            try:
                async with asyncio.timeout(_RECEIVE_S) as deadline:
                    self._receiving.add(deadline)
                    try:
                        message = await context.read()
                    finally:
                        self._receiving.remove(deadline)
            except TimeoutError:
                raise Unavailable(
                    "the message took too long to arrive; try again", reason="slow_message"
                ) from None
        if message is grpc.aio.EOF:
            raise Undecodable("the call has no message", reason="undecodable")
        return bytes(message)


class GrpcServer:
    """Bound first and started later, so that a port in use is known before anything is made."""

    def __init__(
        self,
        body_bytes: int,
        token: str | None,
        intake: Intake | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        deadlines = deadlines or Deadlines()
        self._intake = intake or Intake()
        self._token = token.encode() if token is not None else None
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", body_bytes + _ENVELOPE_BYTES),
                ("grpc.max_concurrent_streams", _STREAMS_PER_CONNECTION),
                # With it a second collector would share the port and take half the spans.
                ("grpc.so_reuseport", 0),
                # It would widen the window of every stream, read or not, to megabytes.
                ("grpc.http2.bdp_probe", 0),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
                # Who is sent away for idling is told so and loses no call: clients just reconnect.
                ("grpc.max_connection_idle_ms", round(1000 * deadlines.idle_s)),
                ("grpc.server_handshake_timeout_ms", round(1000 * deadlines.header_s)),
            )
        )

    def bind(self, address: Address, tls: Tls | None) -> int:
        """The port. Raises UsageError when it is taken."""
        try:
            port = (
                self._server.add_secure_port(str(address), _credentials(tls))
                if tls
                else self._server.add_insecure_port(str(address))
            )
        except RuntimeError as error:
            raise UsageError(
                f"gRPC port {address} can not be bound (in use?); choose another with --grpc"
            ) from error
        return int(port)

    async def start(self, receiver: Receiver) -> None:
        for service, signal in _SERVICES.items():
            handler = grpc.stream_unary_rpc_method_handler(self._handler(signal, receiver))
            self._server.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, {"Export": handler}),)
            )
        await self._server.start()

    async def stop(self) -> None:
        """Calls under way are answered, for a few seconds at most."""
        await self._server.stop(_GRACE_S)

    def _handler(self, signal: Signal, receiver: Receiver) -> Handler:
        async def export(_messages: Any, context: Any) -> bytes:
            if not self._is_allowed(context):
                await context.abort(
                    grpc.StatusCode.UNAUTHENTICATED,
                    "this collector asks for the metadata authorization: Bearer TOKEN",
                )
            try:
                answer = await self._answer(signal, receiver, context)
            except Exception as error:
                await _refuse(context, receiver, signal, error)
            return answers.export_response(signal, answer)

        return export

    async def _answer(self, signal: Signal, receiver: Receiver, context: Any) -> Answer:
        message = await self._intake.read(context)
        with receiver.admission.reserve(len(message)) as reservation:
            return await receiver.export(signal, message, reservation, peer=_peer(context))

    def _is_allowed(self, context: Any) -> bool:
        if self._token is None:
            return True
        for key, value in context.invocation_metadata():
            if key == "authorization":
                scheme, _, token = str(value).partition(" ")
                return scheme.lower() == "bearer" and hmac.compare_digest(
                    token.strip().encode(), self._token
                )
        return False


async def _refuse(context: Any, receiver: Receiver, signal: Signal, error: Exception) -> None:
    refused = error if isinstance(error, RequestRefused) else receiver.unexpected(error)
    receiver.count_refusal(signal, refused)
    error.__traceback__ = None  # its frames would hold the message until the answer has left
    await _abort(context, refused)


async def _abort(context: Any, refused: RequestRefused) -> None:
    code = answers.code_of(refused)
    status = answers.status_body(code, str(refused), answers.PROTOBUF)
    trailers: list[tuple[str, bytes]] = [("grpc-status-details-bin", status)]
    if isinstance(refused, Unavailable):
        kind = grpc.StatusCode.UNAVAILABLE
        trailers.append(("google.rpc.retryinfo-bin", answers.retry_info().SerializeToString()))
    elif isinstance(refused, TooLarge):
        kind = grpc.StatusCode.RESOURCE_EXHAUSTED
    elif isinstance(refused, Unexpected):
        kind = grpc.StatusCode.INTERNAL
    else:
        kind = grpc.StatusCode.INVALID_ARGUMENT
    await context.abort(kind, str(refused), tuple(trailers))


def _peer(context: Any) -> str:
    """``127.0.0.1:40000`` from grpc's ``ipv4:127.0.0.1:40000``."""
    family, _, rest = str(context.peer()).partition(":")
    return rest if family in ("ipv4", "ipv6") else str(context.peer())


def _credentials(tls: Tls) -> grpc.ServerCredentials:
    return grpc.ssl_server_credentials(
        [(tls.key_bytes(), tls.cert_bytes())],
        root_certificates=tls.client_ca_bytes(),
        require_client_auth=tls.client_ca is not None,
    )
