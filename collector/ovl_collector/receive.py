"""From an admitted body to a durable answer; the same road for HTTP and gRPC."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, ParamSpec, TypeVar

from ovl_collector.admission import Admission, Reservation, gunzip
from ovl_collector.decode import Decoder
from ovl_collector.decoded import Decoded, Limits, Signal
from ovl_collector.errors import RequestRefused, Unavailable, Unexpected
from ovl_collector.forward import Copies
from ovl_collector.group import Pending
from ovl_collector.ledger import Ledger
from ovl_collector.writer import Writer

# Below this a body is decoded on the event loop: the hop to a thread costs more than it frees.
_INLINE_BYTES: Final = 256 * 1024

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What ``partial_success`` says; both empty when all was stored."""

    rejected: int = 0
    error_message: str = ""


class Receiver:
    """Belongs to the event loop's thread."""

    def __init__(
        self,
        writer: Writer,
        admission: Admission,
        ledger: Ledger,
        limits: Limits,
        *,
        unix_ns: Callable[[], int],
        first_batch_id: int,
        copies: Copies | None = None,
    ) -> None:
        self.admission = admission
        self._ledger = ledger
        self.limits = limits
        self._writer = writer
        self._copies = copies
        self._decoder = Decoder(limits)
        self._decoded: list[Pending] = []  # in this turn of the event loop
        self._unix_ns = unix_ns
        self._batch_ids = itertools.count(first_batch_id)
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="decoder")

    async def export(
        self,
        signal: Signal,
        body: bytes,
        reservation: Reservation,
        *,
        peer: str,
        json: bool = False,
        gzipped: bool = False,
    ) -> Answer:
        """Returns once everything stored is durable. Raises RequestRefused."""
        received_unix_ns = self._unix_ns()
        if gzipped:
            body = await self._run(len(body), gunzip, body, self.limits.body_bytes)
            reservation.grow_to(len(body))
        request_hash, decoded = await self._run(len(body), self._decode, signal, body, json)
        if decoded.received == 0:
            return Answer()
        # What it takes in memory until its commit, which may be many times its body.
        reservation.unfolded_to(decoded.memory_bytes)
        item = Pending(decoded, request_hash, peer, received_unix_ns, len(body))
        self._hand_over_soon(item)
        await asyncio.wrap_future(item.future)
        if self._copies is not None:
            self._copies.offer(signal, body, json=json)
        return Answer(decoded.rejected, decoded.error_message)

    def _hand_over_soon(self, item: Pending) -> None:
        """What else has arrived by now is decoded first, without waiting for anything: a commit of
        two requests costs hardly more than a commit of one."""
        if not self._decoded:
            asyncio.get_running_loop().call_soon(self._hand_over)
        self._decoded.append(item)

    def _hand_over(self) -> None:
        items, self._decoded = self._decoded, []
        try:
            self._writer.submit_all(items)
        except Unavailable as refused:
            for item in items:
                item.future.set_exception(refused)

    def count_refusal(self, signal: str, refused: RequestRefused) -> None:
        if not refused.counted:
            self._ledger.refused(signal, refused.reason)

    def unexpected(self, error: Exception) -> Unexpected:
        """The refusal for what no code here raises on purpose. The traceback goes to stderr only:
        it is for who runs the collector, not for who sends to it."""
        traceback.print_exception(error)
        return Unexpected(
            "the collector failed at this request; its log says why", reason="internal"
        )

    async def _run(self, size: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if size <= _INLINE_BYTES:
            return work(*args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(work, *args, **kwargs))

    def close(self) -> None:
        self._threads.shutdown(wait=True)

    def _decode(self, signal: Signal, body: bytes, json: bool) -> tuple[int, Decoded]:
        digest = hashlib.sha256(body).digest()  # done in hardware: twice as fast as blake2b
        decoded = self._decoder.decode(signal, body, next(self._batch_ids), json=json)
        return int.from_bytes(digest[:8], "little"), decoded
