"""A few hundred spans to the columns of ``spans`` at once.

Reading a span field by field costs 18 us in Python, most of it for its attributes. Here each
distinct attribute, name and status of a block is looked at once (in the same memo as the slow
road's) and spread over its spans by number; ids, times and doubles never become Python objects.
Spans that are unusual in any way are left out, to be read one by one: every rule about what is
stored and what is rejected lives there, and a test compares both roads span by span.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from google.protobuf.message import DecodeError

from ovl_collector import fields
from ovl_collector.attributes import MEMO_BYTES, Attributes, remember
from ovl_collector.budget import Budget
from ovl_collector.fields import Fields, Flags, Places, find_fields, numbers, values
from ovl_collector.nested import Nested
from ovl_collector.promote import DOUBLE_SLOTS
from ovl_collector.span_columns import (
    NAME,
    NOWHERE,
    STATE,
    STATUS,
    SpanColumns,
    Status,
    Text,
    Texts,
)

_IS_TEXT: Final = np.zeros(256, np.bool_)
_IS_TEXT[[fields.ATTRIBUTE, fields.NAME, fields.TRACE_STATE, fields.STATUS]] = True
# What stands before the number of an attribute that is a key and a double and nothing else.
_DOUBLE: Final = int.from_bytes(b"\x12\x09\x21", "little")

_KEY_BITS: Final = 48  # of a key's hash; the number of its span stands above

ReadNested = Callable[[Sequence[bytes], Budget], str]


class Block(NamedTuple):
    """``strange`` are the places in the list of those spans that are not in ``rows``."""

    rows: pa.Table
    keys: npt.NDArray[np.uint64]
    strange: list[int]


class ManySpans:
    """Shares the memos of the decoder it works for; safe from several threads as they are."""

    def __init__(
        self,
        attributes: Attributes,
        read_status: Callable[[bytes], Status],
        nested: Nested,
    ) -> None:
        """``read_status`` raises ValueError or DecodeError for one that is not to be stored."""
        self._memo: dict[bytes, Text] = {}  # by the whole field, of a double without its number
        self._attributes = attributes
        self._read_status = read_status
        self._nested = (
            (fields.EVENT, "events", nested.events),
            (fields.LINK, "links", nested.links),
        )

    def decode(self, spans: Sequence[bytes], places: tuple[int, int, int], budget: Budget) -> Block:
        """Raises TooLarge when the budget is used up."""
        found = find_fields(spans)
        strange = found.strange | _have_wrong_ids(found)
        chosen = np.flatnonzero(_IS_TEXT[found.tag])
        is_double = _are_plain_doubles(found, chosen)
        codes, texts = self._distinct(found, chosen, is_double, budget)
        owner = found.owner[chosen]
        strange[owner[texts.place[codes] == NOWHERE]] = True
        is_attribute = found.tag[chosen] == fields.ATTRIBUTE
        strange[_with_a_key_twice(owner[is_attribute], texts.key[codes[is_attribute]])] = True
        nested = [
            (name, *self._read_nested(found, tag, read, strange, budget))
            for tag, name, read in self._nested
        ]
        stays = ~strange
        budget.elements(int(np.count_nonzero(is_attribute & stays[owner])))
        columns = SpanColumns(found, stays, places)
        columns.put_texts(texts, chosen, codes, is_double)
        for name, rows, made in nested:
            columns.put_json(name, rows, made)
        budget.characters(columns.characters)
        return Block(*columns.finish(), np.flatnonzero(strange).tolist())

    def _distinct(
        self, found: Fields, chosen: Places, is_double: Flags, budget: Budget
    ) -> tuple[Places, Texts]:
        """Each chosen field's number among the distinct ones, and those. Of a double without its
        number, which is another one every time."""
        # Every other entry of an Arrow array whose bytes are the spans themselves is a field.
        bounds = np.empty(2 * len(chosen), np.int32)
        bounds[0::2] = found.at[chosen]
        bounds[1::2] = found.end[chosen] - np.where(is_double, 8, 0)
        entries = max(0, len(bounds) - 1)
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(found.data)]
        array = pa.Array.from_buffers(pa.binary(), entries, buffers)
        coded = array.take(pa.array(np.arange(0, entries, 2))).dictionary_encode()
        codes: Places = coded.indices.to_numpy().astype(np.intp)
        raws = coded.dictionary.to_pylist()
        double = np.zeros(len(raws), np.bool_)
        double[codes] = is_double
        memo = self._memo
        found_texts = [
            memo.get(raw) or self._read(raw, budget, without_number=without_number)
            for raw, without_number in zip(raws, double.tolist(), strict=True)
        ]
        return codes, Texts.of(found_texts)

    def _read(self, raw: bytes, budget: Budget, *, without_number: bool) -> Text:
        value = raw[2:] if raw[1] < 0x80 else raw[3:]
        try:
            found = self._double(value) if without_number else self._text(raw[0], value, budget)
        except (ValueError, DecodeError):
            return Text(NOWHERE, 0, None)
        if len(raw) <= MEMO_BYTES:
            remember(self._memo, raw, found)
        return found

    def _double(self, raw: bytes) -> Text:
        slot, key, before = self._attributes.double_after(raw)
        return Text(slot, hash(key), before)

    def _text(self, tag: int, raw: bytes, budget: Budget) -> Text:
        if tag == fields.NAME:
            return Text(NAME, 0, raw.decode())
        if tag == fields.STATUS:
            return Text(STATUS, 0, self._read_status(raw))
        if tag == fields.TRACE_STATE:
            return Text(STATE, 0, raw.decode() or None)
        slot, key, fragment, value = self._attributes.parse(raw, budget)
        if slot in DOUBLE_SLOTS:  # a double written in an unusual way
            return Text(NOWHERE, 0, None)
        return Text(slot, hash(key), fragment if slot < 0 else value)

    @staticmethod
    def _read_nested(
        found: Fields, tag: int, read: ReadNested, strange: Flags, budget: Budget
    ) -> tuple[list[int], list[str]]:
        """Spans that have such members, and the JSON of those; marks what can not be read."""
        of_span: dict[int, list[bytes]] = {}
        which = np.flatnonzero(found.tag == tag)
        data = found.data
        for span, start, end in zip(
            found.owner[which].tolist(),
            found.start[which].tolist(),
            found.end[which].tolist(),
            strict=True,
        ):
            of_span.setdefault(span, []).append(data[start:end].tobytes())
        rows, made = [], []
        for span, raws in of_span.items():
            if not strange[span]:
                try:
                    made.append(read(raws, budget))
                    rows.append(span)
                except (ValueError, DecodeError):
                    strange[span] = True
        return rows, made


def _have_wrong_ids(found: Fields) -> Flags:
    """Spans without a valid trace id and span id, or with a parent's that is none."""
    count = len(found.strange)
    wrong = np.zeros(count, np.bool_)
    for tag, width, must_be in (
        (fields.TRACE_ID, 16, True),
        (fields.SPAN_ID, 8, True),
        (fields.PARENT_SPAN_ID, 8, False),
    ):
        which = np.flatnonzero(found.tag == tag)
        sized = found.end[which] - found.start[which] == width
        # A value of another size ends before the padding does, so there are bytes to look at.
        parts = values(found.data, found.start[which], width).view(np.uint64)
        right = sized & ((parts[:, 0] | parts[:, -1]) != 0)
        wrong[found.owner[which[~right]]] = True
        if must_be:
            has = np.zeros(count, np.bool_)
            has[found.owner[which]] = True
            wrong |= ~has
    return wrong


def _are_plain_doubles(found: Fields, chosen: Places) -> Flags:
    start, end = found.start[chosen], found.end[chosen]
    size = end - start
    # Shorter ones look at bytes of a neighbour; their size tells them apart.
    tails = numbers(found.data, "<u4")[np.maximum(end - 11, 0)]
    heads = numbers(found.data, "<u2")[start]
    plain: Flags = (
        (found.tag[chosen] == fields.ATTRIBUTE)
        & (tails & 0xFFFFFF == _DOUBLE)
        & (heads == 0x0A | size - 13 << 8)
        & (size >= 13)
        & (size < 13 + 0x80)
    )
    return plain


def _with_a_key_twice(owner: Places, key: npt.NDArray[np.int64]) -> Places:
    """Spans of which two attributes have the same key, by its hash; a false alarm does no harm."""
    pairs = np.sort(owner << _KEY_BITS | key & ((1 << _KEY_BITS) - 1))
    again: Places = pairs[1:][pairs[1:] == pairs[:-1]] >> _KEY_BITS
    return again
