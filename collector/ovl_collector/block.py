"""A few thousand decoded spans on their way from Python rows to Arrow columns.

Python's form of a row takes many times the memory of Arrow's, so a large request is turned block
by block and never stands in memory as rows as a whole.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ovl_collector.columns import SPANS, from_columns

_BLOCK_ROWS: Final = 4096
_BLOCK_CHARACTERS: Final = 4 * 2**20

_COLUMNS: Final = len(SPANS)
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


class SpanBlocks:
    """Takes rows one by one; ``finish`` gives all of them."""

    def __init__(self) -> None:
        # One flat list instead of a list of rows: every 39th value is a column, without a loop.
        self._flat: list[Any] = []
        self._characters = 0
        self._tables: list[pa.Table] = []
        self._keys: list[npt.NDArray[np.uint64]] = []

    def add(self, rows: pa.Table, keys: npt.NDArray[np.uint64]) -> None:
        """Rows that are columns already."""
        self._tables.append(rows)
        self._keys.append(keys)

    def append(self, row: tuple[Any, ...], characters: int) -> None:
        """``row`` is in the order of SPANS; ``characters`` is about the size of its JSON."""
        self._flat += row
        self._characters += characters
        if len(self._flat) >= _BLOCK_ROWS * _COLUMNS or self._characters >= _BLOCK_CHARACTERS:
            self._close()

    def finish(self) -> tuple[pa.Table, npt.NDArray[np.uint64]]:
        """All rows, and one fingerprint for each."""
        if self._flat or not self._tables:
            self._close()
        if len(self._tables) == 1:
            return self._tables[0], self._keys[0]
        return pa.concat_tables(self._tables), np.concatenate(self._keys)

    def _close(self) -> None:
        columns = [self._flat[place::_COLUMNS] for place in range(_COLUMNS)]
        self._flat = []
        self._characters = 0
        self._tables.append(from_columns(SPANS, columns))
        self._keys.append(fingerprints(b"".join(columns[0]), b"".join(columns[1])))


def fingerprints(trace_ids: bytes, span_ids: bytes) -> npt.NDArray[np.uint64]:
    """64 bits per span, from all ids one after the other. Ids should be random and some are
    counters, so each part is folded downwards before it is spread: a product moves bits only up,
    and ids that differ in their last bytes came out alike."""
    traces = np.frombuffer(trace_ids, "<u8").reshape(-1, 2)
    mixed = _spread(np.frombuffer(span_ids, "<u8"))
    mixed = _spread(mixed ^ traces[:, 0])
    return _spread(mixed ^ traces[:, 1])


def _spread(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    folded: npt.NDArray[np.uint64] = (values ^ (values >> np.uint64(32))) * _ODD
    folded ^= folded >> np.uint64(29)
    folded *= _ODD
    return folded ^ (folded >> np.uint64(32))
