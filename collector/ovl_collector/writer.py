"""The one thread that writes. A request is acknowledged after the commit that holds it.

There is no timer: while one group is being committed the next one gathers, so a lone request waits
for nothing and a flood is committed thousands of spans at a time.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import duckdb
import pyarrow as pa

from ovl_collector.duplicates import SeenRequests, SeenSpans
from ovl_collector.errors import Unavailable, Undecodable
from ovl_collector.group import Group, Pending, build_group
from ovl_collector.ledger import Ledger
from ovl_collector.segments import Segments

GROUP_ITEMS: Final = 8192
_GROUP_BYTES: Final = 16 * 2**20  # decoded; a transaction costs memory too
_HASHES_FROM_FILE: Final = 20_000
_TICK_S: Final = 1.0  # losses, age rotation and another try after a full disk
_STALLED_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Seal:
    future: Future[list[str]] = field(default_factory=Future)


class Writer:
    """``submit`` and ``seal`` may be called from any thread; all else happens in the writer's."""

    def __init__(
        self,
        segments: Segments,
        ledger: Ledger,
        *,
        seen: SeenRequests | None = None,
        suspect_until_unix_ns: int = 0,
        group_items: int = GROUP_ITEMS,
        mono_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Batches received before ``suspect_until_unix_ns`` are marked as maybe duplicates: a
        client may send again what an earlier collector stored and could not acknowledge."""
        self._segments = segments
        self._ledger = ledger
        self._seen_requests = seen or SeenRequests()
        self._seen_spans = SeenSpans()
        self._suspect_until_unix_ns = suspect_until_unix_ns
        self._group_items = group_items
        self._mono_ns = mono_ns
        self._queue: deque[Pending | _Seal] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._needs_reopen = False
        self._rotation_failed = False
        self._commit_began_mono_ns: int | None = None
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.problem: str | None = None  # why the last commit failed; None when it did not

    def start(self) -> None:
        self._thread.start()

    def submit(self, item: Pending) -> Future[None]:
        """The future raises Unavailable when the request was not stored and should come again."""
        self.submit_all([item])
        return item.future

    def submit_all(self, items: Sequence[Pending]) -> None:
        """As ``submit``, together: they are in one group if they fit. Raises Unavailable."""
        for item in items:
            item.future.set_running_or_notify_cancel()  # a client that left does not undo a commit
        self._put(*items)

    def seal(self) -> Future[list[str]]:
        """Closes the live segment after everything submitted so far; gives the sealed files."""
        request = _Seal()
        request.future.set_running_or_notify_cancel()
        self._put(request)
        return request.future

    def close(self) -> None:
        """Commits what is queued, then ends the thread."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    @property
    def is_stalled(self) -> bool:
        began = self._commit_began_mono_ns
        return began is not None and self._mono_ns() - began > _STALLED_S * 1e9

    def _put(self, *items: Pending | _Seal) -> None:
        with self._wake:
            if self._stopping:
                raise Unavailable("the collector is shutting down", reason="shutting_down")
            self._queue.extend(items)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._queue and not self._stopping:
                    self._wake.wait(_TICK_S)
                if not self._queue and self._stopping:
                    break
                taken = self._take()
            if isinstance(taken, _Seal):
                self._do_seal(taken)
                continue
            if taken or self._ledger.has_losses:
                self._commit(taken)
            self._rotate_if_due()
        if self._ledger.has_losses:
            self._commit([])

    def _take(self) -> list[Pending] | _Seal:
        """The next group: at least one request, up to ``group_items`` rows, never past a seal."""
        group: list[Pending] = []
        items = size = 0
        while self._queue:
            head = self._queue[0]
            if isinstance(head, _Seal):
                if group:
                    break
                self._queue.popleft()
                return head
            items += head.decoded.stored
            size += head.body_bytes
            if group and (items > self._group_items or size > _GROUP_BYTES):
                break
            group.append(head)
            self._queue.popleft()
        return group

    def _commit(self, pending: list[Pending]) -> None:
        began_mono_ns = self._commit_began_mono_ns = self._mono_ns()
        losses = self._ledger.take_losses()
        try:
            if self._needs_reopen:
                self._reopen()
            group = build_group(
                pending,
                losses,
                live=self._segments.live,
                seen_requests=self._seen_requests,
                seen_spans=self._seen_spans,
                suspect_until_unix_ns=self._suspect_until_unix_ns,
            )
            self._segments.commit(group.tables, group.body_bytes)
            # Before the answers: whoever was answered finds the commit in the figures.
            self._ledger.committed((self._mono_ns() - began_mono_ns) / 1e9)
        except Exception as error:  # the thread must outlive whatever a commit can raise
            self._ledger.committed((self._mono_ns() - began_mono_ns) / 1e9)
            self._ledger.return_losses(losses)
            self._after_failure(pending, error)
        else:
            if self.problem is not None:
                print("ovl-collector: storing again", file=sys.stderr)
                self.problem = None
            self._acknowledge(group)
        finally:
            self._commit_began_mono_ns = None

    def _acknowledge(self, group: Group) -> None:
        for item, is_resend in group.requests:
            if not is_resend:
                self._seen_requests.add(item.request_hash, item.decoded.batch_id)
            self._answered(item, is_resend=is_resend)

    def _answered(self, item: Pending, *, is_resend: bool) -> None:
        decoded = item.decoded
        self._ledger.answered(
            decoded.signal,
            received=decoded.received,
            stored=0 if is_resend else decoded.stored,
            reasons=dict(decoded.reject_reasons),
            resend=is_resend,
        )
        item.future.set_result(None)

    def _after_failure(self, pending: list[Pending], error: Exception) -> None:
        """Finds out what became durable all the same, and refuses the rest as retryable."""
        if self.problem is None:
            print(f"ovl-collector: can not store, refusing: {error}", file=sys.stderr)
        self.problem = str(error)
        self._needs_reopen = True
        durable: set[int] = set()
        try:
            self._reopen()
            if pending:
                durable = self._segments.live.batch_ids_since(
                    min(item.decoded.batch_id for item in pending)
                )
        except (duckdb.Error, OSError):
            pass  # still no room: the next commit tries again, and hashes find what was durable
        unusable = isinstance(error, duckdb.DataError | duckdb.IntegrityError | pa.ArrowException)
        remaining = [item for item in pending if item.decoded.batch_id not in durable]
        for item in pending:
            if item.decoded.batch_id in durable:
                self._answered(item, is_resend=False)
        if unusable and len(remaining) > 1:
            for item in remaining:  # one of them is at fault; the others must not pay for it
                self._commit([item])
            return
        for item in remaining:
            self._refuse(item, error, unusable=unusable)

    def _refuse(self, item: Pending, error: Exception, *, unusable: bool) -> None:
        reason = "not_storable" if unusable else "disk"
        self._ledger.refused(item.decoded.signal, reason, item.decoded.received)
        refusal = (
            Undecodable(f"DuckDB can not store this request: {error}", reason=reason, counted=True)
            if unusable
            else Unavailable(
                "the store can not be written now; try again", reason=reason, counted=True
            )
        )
        item.future.set_exception(refusal)

    def _reopen(self) -> None:
        self._segments.reopen()
        self._needs_reopen = False
        self._seen_requests.load(self._segments.live.recent_hashes(_HASHES_FROM_FILE))

    def _rotate_if_due(self) -> None:
        if not self._needs_reopen and self._segments.is_due:
            try:
                self._segments.rotate()
                self._rotation_failed = False
            except (duckdb.Error, OSError) as error:  # the full one goes on taking spans
                if not self._rotation_failed:
                    print(f"ovl-collector: no new segment yet: {error}", file=sys.stderr)
                self._rotation_failed = True

    def _do_seal(self, request: _Seal) -> None:
        if self._ledger.has_losses:
            self._commit([])
        try:
            closing = self._segments.rotate()
        except Exception as error:  # the thread must outlive it
            request.future.set_exception(
                Unavailable(f"the segment can not be sealed now: {error}", reason="disk")
            )
            return
        closing.add_done_callback(lambda done: _hand_over(done, request.future))


def _hand_over(done: Future[list[str]], waiting: Future[list[str]]) -> None:
    error = done.exception()
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(done.result())
