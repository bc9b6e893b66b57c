"""What one export request turned into: columns to store, and what was rejected and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Signal = Literal["traces", "metrics"]
Row = tuple[Any, ...]

MAX_MESSAGE_CHARS: Final = 1000  # a response must stay small whatever the request was


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold. Over them it is refused as too large, before it is parsed."""

    body_bytes: int = 16 * 2**20  # on the wire and again after decompression
    items: int = 60_000  # spans, or metric data points
    elements: int = 600_000  # attributes, events, links, array members ...
    json_parts: int = 400_000  # braces, brackets and commas in a JSON body
    json_characters: int = 32 * 2**20  # of attributes, events and links as they are stored
    item_bytes: int = 4 * 2**20  # one span or one metric; larger ones are rejected alone

    def problems(self) -> list[str]:
        return [
            f"limit {name} must be positive, not {value}"
            for name, value in (
                ("body_bytes", self.body_bytes),
                ("items", self.items),
                ("elements", self.elements),
                ("json_parts", self.json_parts),
                ("json_characters", self.json_characters),
                ("item_bytes", self.item_bytes),
            )
            if value <= 0
        ]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows lack nothing but their place: ``batch_id`` is already in them.

    ``resources`` and ``scopes`` are rows by content hash, each stored once per segment file.
    ``span_keys`` are 64-bit fingerprints of (trace_id, span_id), one per stored span.
    """

    signal: Signal
    batch_id: int
    rows: pa.Table
    received: int
    reject_reasons: Mapping[str, int] = field(default_factory=dict)
    resources: Mapping[int, Row] = field(default_factory=dict)
    scopes: Mapping[int, Row] = field(default_factory=dict)
    span_keys: npt.NDArray[np.uint64] | None = None

    @property
    def rejected(self) -> int:
        return sum(self.reject_reasons.values())

    @property
    def stored(self) -> int:
        return int(self.rows.num_rows)

    @property
    def memory_bytes(self) -> int:
        return int(self.rows.nbytes) + sum(len(row[1]) for row in self.resources.values())

    @property
    def error_message(self) -> str:
        """For ``partial_success``: what was rejected and why; empty when nothing was, since a text
        without a count would be a warning, and we give none."""
        if not self.rejected:
            return ""
        noun = "spans" if self.signal == "traces" else "data points"
        why = ", ".join(f"{name}: {count}" for name, count in sorted(self.reject_reasons.items()))
        return f"{self.rejected} of {self.received} {noun} rejected ({why})"[:MAX_MESSAGE_CHARS]
