"""What was received before: whole requests by hash, spans by fingerprint.

After a lost acknowledgement a client sends the same bytes again; the hash finds them and they are
stored once. Everything subtler (a re-batched retry, an export pushed twice) only needs to be
noticed: the batch is marked and readers de-duplicate its spans against the rest, which is too dear
to do for every batch. A Bloom filter over span ids costs 32 MB and well under 1 us a span; its
false alarms cost reading time and never a span.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

_REQUESTS: Final = 65_536  # several minutes at hundreds of requests a second
_WORDS_BITS: Final = 22  # 4 million words of 64 bits
_ONE: Final = np.uint64(1)


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
    """A Bloom filter over 64-bit span fingerprints, four bits in one word per span: one memory
    access to look and one to remember, which is what such a filter costs."""

    def __init__(self, words_bits: int = _WORDS_BITS) -> None:
        self._shift = np.uint64(64 - words_bits)
        self._words = np.zeros(1 << words_bits, dtype=np.uint64)  # pages come as they are touched

    def add(self, keys: npt.NDArray[np.uint64]) -> bool:
        """Remembers the keys; True when one of them may have been there before or comes twice."""
        if keys.size == 0:
            return False
        place = (keys * np.uint64(0x9E3779B97F4A7C15)) >> self._shift
        bits = (keys ^ (keys >> np.uint64(29))) * np.uint64(0xD6E8FEB86659FD93)
        mask = _ONE << (bits >> np.uint64(58))
        for shift in (52, 46, 40):
            mask |= _ONE << ((bits >> np.uint64(shift)) & np.uint64(63))
        known = self._words[place] & mask == mask
        np.bitwise_or.at(self._words, place, mask)
        ordered = np.sort(keys)
        return bool(known.any() or (ordered[1:] == ordered[:-1]).any())
