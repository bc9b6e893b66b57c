"""The columns of ``spans`` for a block of spans whose fields are found.

A text is anything that repeats: an attribute, a name, a trace state, a status. Each distinct one is
here once, and the spans that have it are given by number, so that a column is made by one gather.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from ovl_collector import fields
from ovl_collector.anyvalue import double_json
from ovl_collector.block import fingerprints
from ovl_collector.columns import JSON, SPANS
from ovl_collector.fields import Fields, Flags, Places, values
from ovl_collector.promote import COLUMNS, DOUBLE_SLOTS

Status = tuple[int, str | None]

# Where a text goes that is no promoted attribute: these are no slots.
REST: Final = -1
NAME: Final = -2
STATE: Final = -3
STATUS: Final = -4
NOWHERE: Final = -5  # it can not be read

_TYPES: Final = dict(zip(SPANS.names, SPANS.types, strict=True))
_ZERO_UNLESS_SAID: Final = (
    *("flags", "kind", "start_time_unix_nano", "end_time_unix_nano", "status_code"),
    *("dropped_attributes_count", "dropped_events_count", "dropped_links_count"),
)


class Text(NamedTuple):
    """``known`` is the promoted value, the status, the name or state; of an attribute for the rest
    the finished JSON, of any plain double what stands before its number there."""

    place: int  # its slot, or one of the places above
    key: int  # the hash of an attribute's key
    known: Any


@dataclass(frozen=True, slots=True)
class Texts:
    """The distinct texts of a block, by number."""

    place: Places
    key: npt.NDArray[np.int64]
    known: npt.NDArray[np.object_]

    @classmethod
    def of(cls, texts: Sequence[Text]) -> Texts:
        known = np.empty(len(texts), object)
        known[:] = [text.known for text in texts]
        return cls(
            np.array([text.place for text in texts], np.intp),
            np.array([text.key for text in texts], np.int64),
            known,
        )


class SpanColumns:
    """Takes what was found for the spans that stay; ``finish`` gives their rows."""

    def __init__(self, found: Fields, stays: Flags, places: tuple[int, int, int]) -> None:
        """``places`` are the resource, the scope and the batch of all of them."""
        self._found = found
        self._stays = stays
        self._row = np.cumsum(stays) - 1  # of a span
        self._count = int(np.count_nonzero(stays))
        self._columns: dict[str, pa.Array] = {
            name: pa.array(np.full(self._count, place, np.uint64))
            for name, place in zip(("resource_id", "scope_id", "batch_id"), places, strict=True)
        }
        self.characters = 0  # of JSON

    def put_texts(self, texts: Texts, chosen: Places, codes: Places, is_double: Flags) -> None:
        """``chosen`` are the fields that are texts, ``codes`` the number of each one's text."""
        found = self._found
        stay = self._stays[found.owner[chosen]]
        chosen, codes, is_double = chosen[stay], codes[stay], is_double[stay]
        rows = self._row[found.owner[chosen]]
        numbers = np.zeros(len(chosen))
        numbers[is_double] = values(found.data, found.end[chosen[is_double]] - 8, 8).view("<f8")[
            :, 0
        ]
        place = texts.place[codes]
        is_rest = place == REST
        for slot in set(texts.place.tolist()) - {REST, NOWHERE}:
            here = np.flatnonzero(place == slot)
            if slot in DOUBLE_SLOTS:
                # A NaN in a column of seconds would poison every average; JSON keeps it as it is.
                finite = np.isfinite(numbers[here])
                is_rest[here[~finite]] = True
                here = here[finite]
                self._put_numbers(COLUMNS[slot][1], rows[here], numbers[here])
            elif slot == STATUS:
                self._put_status(rows[here], texts.known[codes[here]].tolist())
            else:
                name = {NAME: "name", STATE: "trace_state"}.get(slot) or COLUMNS[slot][1]
                self._put_text(name, rows[here], codes[here], texts, slot)
        rest = np.flatnonzero(is_rest)
        if rest.size:
            self._put_rest(rows[rest], texts.known[codes[rest]], is_double[rest], numbers[rest])

    def put_json(self, name: str, spans: Sequence[int], made: Sequence[str]) -> None:
        """Events or links of some spans in their order, those that do not stay among them."""
        if made:
            where = np.array(spans, np.intp)
            stay = self._stays[where]
            if not stay.all():
                made = [text for text, stays in zip(made, stay.tolist(), strict=True) if stays]
            sizes = np.fromiter(map(len, made), np.intp, len(made))
            self._put_joined(name, self._row[where[stay]], "".join(made), sizes)

    def finish(self) -> tuple[pa.Table, npt.NDArray[np.uint64]]:
        """The rows, and one fingerprint for each."""
        trace_ids = self._put_ids("trace_id", fields.TRACE_ID, 16)
        span_ids = self._put_ids("span_id", fields.SPAN_ID, 8)
        self._put_ids("parent_span_id", fields.PARENT_SPAN_ID, 8)
        self._put_fixed("start_time_unix_nano", fields.START, 8, "<u8")
        self._put_fixed("end_time_unix_nano", fields.END, 8, "<u8")
        self._put_fixed("flags", fields.FLAGS, 4, "<u4")
        self._put_fixed("kind", fields.KIND, 1, "u1")
        columns = [
            self._columns.get(name, without)
            for name, without in zip(SPANS.names, _without_any(self._count), strict=True)
        ]
        table = pa.Table.from_arrays(columns, schema=SPANS)
        return table, fingerprints(trace_ids, span_ids)

    def _here(self, tag: int) -> tuple[Places, Places]:
        """Fields with this tag of spans that stay, and the rows they belong to."""
        which = np.flatnonzero(self._found.tag == tag)
        which = which[self._stays[self._found.owner[which]]]
        return which, self._row[self._found.owner[which]]

    def _put_ids(self, name: str, tag: int, width: int) -> bytes:
        """Ids of spans without one are NULL."""
        which, rows = self._here(tag)
        raw = values(self._found.data, self._found.start[which], width).tobytes()
        sizes = np.zeros(self._count + 1, np.int32)
        sizes[rows + 1] = width
        absent = sizes[1:] == 0
        validity = None
        if absent.any():
            validity = pa.py_buffer(np.packbits(~absent, bitorder="little"))
        offsets = pa.py_buffer(np.cumsum(sizes, dtype=np.int32))
        self._columns[name] = pa.Array.from_buffers(
            pa.binary(), self._count, [validity, offsets, pa.py_buffer(raw)]
        )
        return raw

    def _put_fixed(self, name: str, tag: int, width: int, kind: str) -> None:
        which, rows = self._here(tag)
        if which.size:
            column = np.zeros(self._count, kind)
            column[rows] = values(self._found.data, self._found.start[which], width).view(kind)[
                :, 0
            ]
            self._columns[name] = pa.array(column)

    def _put_numbers(self, name: str, rows: Places, numbers: npt.NDArray[np.float64]) -> None:
        column, absent = np.zeros(self._count), np.ones(self._count, np.bool_)
        column[rows] = numbers
        absent[rows] = False
        self._columns[name] = pa.array(column, mask=absent)

    def _put_text(self, name: str, rows: Places, codes: Places, texts: Texts, slot: int) -> None:
        numbers = np.flatnonzero(texts.place == slot)
        index = np.full(self._count, -1)
        index[rows] = np.searchsorted(numbers, codes)
        absent = index < 0
        distinct = texts.known[numbers].tolist()
        if pa.types.is_string(_TYPES[name]):
            column = pa.array(distinct, pa.string()).take(pa.array(index, mask=absent))
        else:
            column = pa.array(np.array(distinct)[index], _TYPES[name], mask=absent)
        self._columns[name] = column.fill_null("") if name == "name" else column

    def _put_status(self, rows: Places, found: list[Status]) -> None:
        code = np.zeros(self._count, np.uint8)
        code[rows] = [each[0] for each in found]
        self._columns["status_code"] = pa.array(code)
        messages: list[str | None] = [None] * self._count
        for row, (_, message) in zip(rows.tolist(), found, strict=True):
            messages[row] = message
        self._columns["status_message"] = pa.array(messages, pa.string())

    def _put_rest(
        self,
        rows: Places,
        known: npt.NDArray[np.object_],
        is_double: Flags,
        numbers: npt.NDArray[np.float64],
    ) -> None:
        """Joins the fragments of each span, which stand beside one another."""
        doubles = np.flatnonzero(is_double)
        if doubles.size:
            texts = np.empty(len(doubles), object)
            texts[:] = _texts_of(numbers[doubles])
            known[doubles] += texts
        first = np.diff(rows, prepend=-1) != 0
        pieces = np.empty(2 * len(known), object)
        pieces[0::2] = np.where(first, "}{", ",")
        pieces[1::2] = known
        text = "".join(pieces.tolist())[1:] + "}"
        starts = np.flatnonzero(first)
        sizes = np.fromiter(map(len, known.tolist()), np.intp, len(known)) + 1
        self._put_joined("attributes", rows[starts], text, np.add.reduceat(sizes, starts) + 1)

    def _put_joined(self, name: str, rows: Places, text: str, sizes: Places) -> None:
        """JSON of some rows, in their order: all texts in one, and how long each is."""
        self.characters += len(text)
        ends = np.cumsum(sizes)
        if not text.isascii():
            bounds = pairwise([0, *ends.tolist()])
            column: list[str | None] = [None] * self._count
            for row, (start, end) in zip(rows.tolist(), bounds, strict=True):
                column[row] = text[start:end]
            made = pa.array(column, pa.string())
        else:
            given = np.zeros(self._count, np.bool_)
            given[rows] = True
            offsets = np.zeros(self._count + 1, np.int32)
            offsets[rows + 1] = sizes
            made = pa.Array.from_buffers(
                pa.string(),
                self._count,
                [
                    pa.py_buffer(np.packbits(given, bitorder="little")),
                    pa.py_buffer(np.cumsum(offsets, dtype=np.int32)),
                    pa.py_buffer(text.encode()),
                ],
            )
        self._columns[name] = pa.ExtensionArray.from_storage(JSON, made)


@lru_cache(maxsize=32)
def _without_any(count: int) -> list[pa.Array]:
    """What a column is of which no span said anything. Most are, and exporters send batches of one
    size."""
    return [
        pa.array([""] * count)
        if name == "name"
        else pa.array(np.zeros(count), kind)
        if name in _ZERO_UNLESS_SAID
        else pa.nulls(count, kind)
        for name, kind in _TYPES.items()
    ]


def _texts_of(numbers: npt.NDArray[np.float64]) -> list[str]:
    if not np.isfinite(numbers).all():
        return [double_json(number) for number in numbers.tolist()]
    return orjson.dumps(numbers.tolist())[1:-1].decode().split(",")
