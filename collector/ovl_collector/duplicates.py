"""What was received before: whole requests by hash, spans by fingerprint.

After a lost acknowledgement a client sends the same bytes again; the hash finds them and they are
stored once. Everything subtler (a re-batched retry, an export pushed twice) only needs to be
noticed: the batch is marked and readers de-duplicate its spans against the rest, which is too dear
to do for every batch. A Bloom filter over span ids costs 32 MB and about 0.1 us a span; its false
alarms cost reading time and never a span.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

_REQUESTS: Final = 65_536  # several minutes at hundreds of requests a second
_FILTER_BITS: Final = 28  # 10 million spans fill 14 % of it
_PROBES: Final = 4


class SeenRequests:
    """The newest request hashes and the batch that holds each."""

    def __init__(self) -> None:
        self._batches: OrderedDict[int, int] = OrderedDict()

    def __contains__(self, request_hash: int) -> bool:
        return request_hash in self._batches

    def add(self, request_hash: int, batch_id: int) -> None:
        self._batches[request_hash] = batch_id
        if len(self._batches) > _REQUESTS:
            self._batches.popitem(last=False)

    def load(self, pairs: Iterable[tuple[int, int]]) -> None:
        for request_hash, batch_id in pairs:
            self.add(request_hash, batch_id)


class SeenSpans:
    """A Bloom filter over 64-bit span fingerprints."""

    def __init__(self, bits: int = _FILTER_BITS) -> None:
        self._shift = np.uint64(64 - bits)
        self._filter = np.zeros(1 << (bits - 3), dtype=np.uint8)  # pages come as they are touched

    def add(self, keys: npt.NDArray[np.uint64]) -> bool:
        """Remembers the keys; True when one of them may have been there before or comes twice."""
        if keys.size == 0:
            return False
        # Double hashing: the probes are h1 + i * h2 of two independent mixes of the key.
        first = keys * np.uint64(0x9E3779B97F4A7C15)
        second = (keys ^ (keys >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
        second |= np.uint64(1)
        known = np.ones(keys.shape, dtype=bool)
        probes = []
        for index in range(_PROBES):
            place = (first + np.uint64(index) * second) >> self._shift
            byte = place >> np.uint64(3)
            bit = np.left_shift(np.uint8(1), (place & np.uint64(7)).astype(np.uint8))
            known &= (self._filter[byte] & bit) != 0
            probes.append((byte, bit))
        for byte, bit in probes:
            np.bitwise_or.at(self._filter, byte, bit)
        return bool(known.any()) or np.unique(keys).size < keys.size
