"""Who may come in: sizes before and after decompression, and room in the queue.

Room is counted in decoded bytes from the first byte of a request to its answer, and a request is
refused before it is parsed, because memory spent on parsing is spent already.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ovl_collector.errors import TooLarge, Unavailable, Undecodable

RETRY_AFTER_S: Final = 1  # the SDKs give up within 10 s, so a longer delay would lose the batch
_GZIP: Final = zlib.MAX_WBITS | 16
_CHUNK: Final = 2**20


class Reservation:
    """One request's share of the room. Grows as its size becomes known."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.bytes = 0

    def grow_to(self, size: int) -> None:
        """Raises Unavailable when there is no room for ``size`` bytes in all."""
        if size > self.bytes:
            self._admission.take(size - self.bytes)
            self.bytes = size

    def unfolded_to(self, size: int) -> None:
        """As ``grow_to``, once the size in memory is known; a request that is alone always fits."""
        if size > self.bytes:
            self._admission.take(size - self.bytes, strict=self._admission.requests > 1)
            self.bytes = size


class Admission:
    """Belongs to the event loop's thread."""

    def __init__(self, room_bytes: int, is_stalled: Callable[[], bool]) -> None:
        self._room_bytes = room_bytes
        self._is_stalled = is_stalled
        self.used_bytes = 0
        self.requests = 0

    @contextmanager
    def reserve(self, size: int, *, arrived: bool = True) -> Iterator[Reservation]:
        """Raises Unavailable when full, or when a commit hangs and others wait behind it.

        A size that is only declared must fit, but takes no room before its bytes arrive: else a few
        clients that declare much and send nothing would lock all others out.
        """
        if self.requests and self._is_stalled():
            raise Unavailable("the store is slow at the moment; try again", reason="stalled")
        reservation = Reservation(self)
        if arrived:
            reservation.grow_to(size)
        elif self.used_bytes + size > self._room_bytes:
            raise _full()
        self.requests += 1
        try:
            yield reservation
        finally:
            self.requests -= 1
            self.used_bytes -= reservation.bytes

    def take(self, size: int, *, strict: bool = True) -> None:
        if strict and self.used_bytes + size > self._room_bytes:
            raise _full()
        self.used_bytes += size


def _full() -> Unavailable:
    return Unavailable("the queue is full; try again", reason="queue_full")


def gunzip(data: bytes, limit: int) -> bytes:
    """Raises TooLarge beyond ``limit`` bytes of output, Undecodable for what is no gzip.

    Memory is bounded by the limit whatever the input claims.
    """
    parts: list[bytes] = []
    size = 0
    rest = data
    while rest:
        stream = zlib.decompressobj(_GZIP)
        pending = rest
        while not stream.eof:
            try:
                part = stream.decompress(pending, min(_CHUNK, limit - size + 1))
            except zlib.error as error:
                raise Undecodable(f"the body is not gzip: {error}", reason="undecodable") from error
            size += len(part)
            if size > limit:
                raise TooLarge(
                    f"the body unfolds to more than {limit} bytes; send smaller batches",
                    reason="too_large",
                )
            parts.append(part)
            pending = stream.unconsumed_tail
            if not part and not pending and not stream.eof:
                raise Undecodable("the gzip body is cut short", reason="undecodable")
        rest = stream.unused_data  # gzip allows several members in a row
    return b"".join(parts)
