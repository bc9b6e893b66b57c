"""Attributes from raw bytes to typed values and JSON, with a memo of the ones that keep coming.

A memo from the attribute's bytes to its finished JSON doubles the decoder's speed: models, phases
and names repeat endlessly. Doubles are measurements and hardly ever repeat, so they stay out;
the memo is emptied when full, which costs one batch at the slow rate.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from ovl_collector.anyvalue import text_json, value_json
from ovl_collector.promote import Promoted, slot_of

_MEMO_ENTRIES: Final = 20_000
_MEMO_ATTRIBUTE_BYTES: Final = 256


class Attribute(NamedTuple):
    slot: int  # position among the promoted columns; -1 = the rest
    key: str
    fragment: str  # '"key":value'
    value: Promoted | None  # only when promoted


class Attributes:
    """``memo.get(raw) or read(raw)`` is the hot path; callers may keep a reference to ``memo``.

    Raises DecodeError for bytes that are no KeyValue, hold invalid UTF-8 or nest too deep.
    """

    def __init__(self) -> None:
        self.memo: dict[bytes, Attribute] = {}

    def read(self, raw: bytes) -> Attribute:
        item = KeyValue.FromString(raw)
        key, value = item.key, item.value
        which = value.WhichOneof("value")
        scalar = getattr(value, which) if which else None
        slot = slot_of(key, which, scalar) if which else None
        fragment = f"{text_json(key)}:{value_json(value)}"
        found = (
            Attribute(-1, key, fragment, None)
            if slot is None
            else Attribute(slot, key, fragment, scalar)
        )
        if which != "double_value" and len(raw) <= _MEMO_ATTRIBUTE_BYTES:
            if len(self.memo) >= _MEMO_ENTRIES:
                self.memo.clear()
            self.memo[raw] = found
        return found

    def object_json(self, raws: Iterable[bytes]) -> str:
        """JSON object of a whole list, nothing promoted; of a repeated key the last stays."""
        memo = self.memo
        fragments: dict[str, str] = {}
        for raw in raws:
            found = memo.get(raw) or self.read(raw)
            fragments[found.key] = found.fragment
        return "{" + ",".join(fragments.values()) + "}"
