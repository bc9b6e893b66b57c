"""Attributes from raw bytes to typed values and JSON, with a memo of the ones that keep coming.

A memo from the attribute's bytes to its finished JSON doubles the decoder's speed: models, phases
and names repeat endlessly. Doubles are measurements and hardly ever repeat; of them only the bytes
before the number are remembered, and the number is read from the last eight. A memo is emptied when
full, which costs one batch at the slow rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from struct import Struct
from typing import Final, NamedTuple, TypeVar

from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from ovl_collector.anyvalue import double_json, text_json, value_json
from ovl_collector.budget import Budget
from ovl_collector.promote import Promoted, slot_of

_MEMO_ENTRIES: Final = 20_000
MEMO_BYTES: Final = 256
_unpack_double: Final = Struct("<d").unpack_from

V = TypeVar("V")


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
        self._doubles: dict[bytes, tuple[int, str, str]] = {}  # all but the number: slot, key, JSON

    def read(self, raw: bytes, budget: Budget, *, promote: bool = True) -> Attribute:
        """An attribute that is not in the memo. A promoted double has no fragment, since nobody
        asks for it; without ``promote`` every attribute has one. What is nested is paid for."""
        known = self._doubles.get(raw[:-8])
        if known is not None:
            return self._double(known, _unpack_double(raw, len(raw) - 8)[0], promote)
        if _is_plain_double(raw):
            template = self.double_after(raw[:-8])
            return self._double(template, _unpack_double(raw, len(raw) - 8)[0], promote)
        item = KeyValue.FromString(raw)
        if item.value.HasField("double_value"):
            return self._double(_double_template(item.key), item.value.double_value, promote)
        found = _steady(item, budget)
        if len(raw) <= MEMO_BYTES:
            remember(self.memo, raw, found)
        return found

    def parse(self, raw: bytes, budget: Budget) -> Attribute:
        """As ``read``, for a caller with a memo of its own."""
        item = KeyValue.FromString(raw)
        if item.value.HasField("double_value"):
            return self._double(_double_template(item.key), item.value.double_value, True)
        return _steady(item, budget)

    def double_after(self, raw: bytes) -> tuple[int, str, str]:
        """Of a plain double whose last eight bytes, the number, are missing: its slot, its key and
        the JSON in front of the number."""
        known = self._doubles.get(raw)
        if known is None:
            known = _double_template(KeyValue.FromString(raw + bytes(8)).key)
            remember(self._doubles, raw, known)
        return known

    def object_json(self, raws: Sequence[bytes], budget: Budget) -> str:
        """JSON object of a whole list, nothing promoted; of a repeated key the last stays."""
        budget.elements(len(raws))
        memo = self.memo
        fragments: dict[str, str] = {}
        for raw in raws:
            found = memo.get(raw) or self.read(raw, budget, promote=False)
            fragments[found.key] = found.fragment
        return "{" + ",".join(fragments.values()) + "}"

    @staticmethod
    def _double(known: tuple[int, str, str], value: float, promote: bool) -> Attribute:
        slot, key, before = known
        # A NaN in a column of seconds would poison every average; JSON keeps it as it is.
        if slot >= 0 and promote and isfinite(value):
            return Attribute(slot, key, "", value)
        return Attribute(-1, key, before + double_json(value), None)


def _steady(item: KeyValue, budget: Budget) -> Attribute:
    """An attribute that is no double."""
    key, value = item.key, item.value
    which = value.WhichOneof("value")
    slot = slot_of(key, which, getattr(value, which)) if which else None
    fragment = f"{text_json(key)}:{value_json(value)}"
    if which in ("array_value", "kvlist_value"):
        # Commas in strings count too; whoever has that many has enough anyway.
        budget.elements(fragment.count(",") + fragment.count("["))
    if slot is None or which is None:
        return Attribute(-1, key, fragment, None)
    return Attribute(slot, key, fragment, getattr(value, which))


def _double_template(key: str) -> tuple[int, str, str]:
    slot = slot_of(key, "double_value", 0.0)  # None also for a column of another type
    return -1 if slot is None else slot, key, f"{text_json(key)}:"


def _is_plain_double(raw: bytes) -> bool:
    """Key, then a value that is nothing but a double: then the last eight bytes are the number."""
    size = len(raw)
    return size >= 13 and raw[0] == 0x0A and raw[1] == size - 13 and raw[-11:-8] == b"\x12\x09\x21"


def remember(memo: dict[bytes, V], raw: bytes, found: V) -> None:
    """Keeps one more entry in a memo, which is emptied when it is full."""
    if len(memo) >= _MEMO_ENTRIES:
        memo.clear()
    memo[raw] = found
