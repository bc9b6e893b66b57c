"""The fields of many spans at once: where each one stands, found in lock-step with numpy.

Step k looks at the k-th field of every span, so the cost of Python is paid per step and not per
span. What a usual exporter does not write (unknown fields, fields out of order or twice, lengths
over 16 KB, framing that does not add up, a great many fields) makes a span *strange*: it is read by
itself with protobuf, which has the last word about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

# Tags of opentelemetry.proto.trace.v1.Span: field number * 8 + wire type.
TRACE_ID: Final = 0x0A
SPAN_ID: Final = 0x12
TRACE_STATE: Final = 0x1A
PARENT_SPAN_ID: Final = 0x22
NAME: Final = 0x2A
KIND: Final = 0x30
START: Final = 0x39
END: Final = 0x41
ATTRIBUTE: Final = 0x4A
EVENT: Final = 0x5A
LINK: Final = 0x6A
STATUS: Final = 0x7A
FLAGS: Final = 0x85  # the tag's first byte; the second is 1

_DELIMITED: Final = (
    *(TRACE_ID, SPAN_ID, TRACE_STATE, PARENT_SPAN_ID, NAME, ATTRIBUTE, EVENT, LINK, STATUS),
)
_MAX_FIELDS: Final = 64  # of one span; one with more would make everybody's steps
_PADDING: Final = bytes(16)  # so that a look past the end of the last span finds bytes
_FAR: Final = -1


@dataclass(frozen=True, slots=True)
class Fields:
    """One entry per field, in the order of the wire, span by span; none of a strange span.

    A field's tag is at ``at``, its value from ``start`` up to ``end`` in ``data``.
    """

    data: Bytes
    owner: Places
    tag: Bytes
    at: Places
    start: Places
    end: Places
    strange: Flags  # per span


def values(data: Bytes, at: Places, width: int) -> Bytes:
    """``width`` bytes from each place, as rows."""
    windows = np.ndarray((data.size - width + 1, width), np.uint8, data, 0, (1, 1))
    taken: Bytes = windows[at]
    return taken


def numbers(data: Bytes, kind: str) -> npt.NDArray[Any]:
    """The bytes from every place on as a number, such as ``<u4``."""
    width = np.dtype(kind).itemsize
    return np.ndarray((data.size - width + 1,), kind, data, 0, (1,))


def find_fields(spans: Sequence[bytes]) -> Fields:
    """``spans`` are serialized Span messages. Never raises."""
    data = np.frombuffer(b"".join((*spans, _PADDING)), np.uint8)
    pairs = numbers(data, "<u2")  # each byte with the next one
    ends = np.cumsum(np.fromiter(map(len, spans), np.intp, len(spans)))
    at = begins = np.concatenate((np.zeros(1, np.intp), ends[:-1]))
    seen, ats, stops = [], [], []
    for _ in range(_MAX_FIELDS):
        pair = pairs[at]
        step = _STEP[pair]
        far = step < 0
        if far.any():
            step[far] = _far_steps(pair[far], data[at[far] + 2])
        stop = at + step
        good = (step > 0) & (stop <= ends)  # of a span at its end nothing is, nor what follows
        if not good.any():
            break
        seen.append(np.where(good, pair, 0))
        ats.append(at)
        stops.append(stop)
        at = np.where(good, stop, ends)
    # From steps to spans. What a span has not, or is not asked for any more, has no tag.
    steps = np.array(seen, np.uint16).reshape(-1, len(spans)).astype(np.uint8)
    stopped = np.array(stops, np.intp).reshape(-1, len(spans))
    reached = np.where(steps != 0, stopped, begins).max(axis=0, initial=0)
    strange = (reached != ends) & (ends != begins)
    strange |= ((steps[1:] < _NEXT_TAG[steps[:-1]]) & (steps[1:] != 0)).any(axis=0)
    tag = np.where(strange, np.uint8(0), steps).T
    there = tag != 0
    kept = tag[there]
    begin: Places = np.array(ats, np.intp).reshape(-1, len(spans)).T[there]
    return Fields(
        data=data,
        owner=np.repeat(np.arange(len(spans)), there.sum(axis=1)),
        tag=kept,
        at=begin,
        start=begin + _HEAD[kept] + (_IS_DELIMITED[kept] & (data[begin + 1] >= 0x80)),
        end=stopped.T[there],
        strange=strange,
    )


def _far_steps(pair: npt.NDArray[np.uint16], second: Bytes) -> npt.NDArray[np.int32]:
    """A length of two bytes; 0, which is no step, for a longer one."""
    size = (pair >> 8 & 0x7F).astype(np.int32) | second.astype(np.int32) << 7
    return np.where(second < 0x80, size + 3, 0).astype(np.int32)


def _steps() -> npt.NDArray[np.int32]:
    """By tag and next byte: from this field to the next one; 0 where that can not be."""
    table = np.zeros((256, 256), np.int32)  # next byte, tag: as two little-endian bytes are read
    table[:, [START, END]] = 9
    table[:0x80, KIND] = 2
    table[1, FLAGS] = 6
    for tag in _DELIMITED:
        table[:0x80, tag] = np.arange(0x80) + 2
        table[0x80:, tag] = _FAR
    return table.reshape(-1)


_STEP: Final = _steps()
_HEAD: Final = np.full(256, 2, np.intp)  # bytes before the value, where the length is one byte
_HEAD[[KIND, START, END]] = 1
_IS_DELIMITED: Final = np.zeros(256, np.bool_)
_IS_DELIMITED[[*_DELIMITED]] = True
_NEXT_TAG: Final = np.arange(1, 257).astype(np.uint8)  # the lowest that may follow
_NEXT_TAG[[ATTRIBUTE, EVENT, LINK]] -= 1
_NEXT_TAG[0] = 0
