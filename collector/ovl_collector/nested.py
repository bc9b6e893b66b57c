"""Events and links of a span as JSON, with a memo of all but their times and ids.

Of the events and links of one kind nearly everything is the same each time. Only where the bytes
begin as every exporter writes them, and what follows does not say the time or an id once more, is
what follows looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ovl_collector import reduced
from ovl_collector.anyvalue import text_json
from ovl_collector.attributes import MEMO_BYTES, Attributes, remember
from ovl_collector.budget import Budget

_TIME: Final = b"\x09"
_TIME_END: Final = 9
_TRACE_ID: Final = b"\x0a\x10"
_SPAN_ID: Final = b"\x12\x08"
_TRACE_ID_END: Final = 18
_IDS_END: Final = 28


class Nested:
    """Both raise UnicodeDecodeError or DecodeError for what can not be read, and TooLarge."""

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes
        # What follows the time or the ids: its attributes' number, and its JSON.
        self._event_rests: dict[bytes, tuple[int, str]] = {}
        self._link_rests: dict[bytes, tuple[int, str]] = {}

    def events(self, raws: Sequence[bytes], budget: Budget) -> str:
        budget.elements(len(raws))
        parts = []
        for raw in raws:
            rest = self._event_rests.get(raw[_TIME_END:]) if raw[:1] == _TIME else None
            if rest is None:
                time, text = self._read_event(raw, budget)
            else:
                budget.elements(rest[0])
                time, text = int.from_bytes(raw[1:_TIME_END], "little"), rest[1]
            parts.append(f'{{"time_unix_nano":{time},{text}')
        return "[" + ",".join(parts) + "]"

    def links(self, raws: Sequence[bytes], budget: Budget) -> str:
        budget.elements(len(raws))
        parts = []
        for raw in raws:
            usual = raw[:2] == _TRACE_ID and raw[_TRACE_ID_END : _TRACE_ID_END + 2] == _SPAN_ID
            rest = self._link_rests.get(raw[_IDS_END:]) if usual else None
            if rest is None:
                trace_id, span_id, text = self._read_link(raw, budget)
            else:
                budget.elements(rest[0])
                trace_id, span_id, text = raw[2:18], raw[20:28], rest[1]
            parts.append(f'{{"trace_id":"{trace_id.hex()}","span_id":"{span_id.hex()}",{text}')
        return "[" + ",".join(parts) + "]"

    def _read_event(self, raw: bytes, budget: Budget) -> tuple[int, str]:
        event = reduced.Event.FromString(raw)
        text = (
            f'"name":{text_json(event.name.decode())},'
            f'"attributes":{self._attributes.object_json(event.attributes, budget)},'
            f'"dropped_attributes_count":{event.dropped_attributes_count}}}'
        )
        if raw[:1] == _TIME and _TIME_END <= len(raw) <= MEMO_BYTES:
            # With another time in front: whoever says it twice still says the first one.
            other = _TIME + _flipped(raw[1:_TIME_END])
            read = reduced.Event.FromString(other + raw[_TIME_END:]).time_unix_nano
            times = (event.time_unix_nano.to_bytes(8, "little"), read.to_bytes(8, "little"))
            if times == (raw[1:_TIME_END], other[1:]):
                remember(self._event_rests, raw[_TIME_END:], (len(event.attributes), text))
        return event.time_unix_nano, text

    def _read_link(self, raw: bytes, budget: Budget) -> tuple[bytes, bytes, str]:
        link = reduced.Link.FromString(raw)
        text = (
            f'"trace_state":{text_json(link.trace_state.decode())},'
            f'"attributes":{self._attributes.object_json(link.attributes, budget)},'
            f'"flags":{link.flags},'
            f'"dropped_attributes_count":{link.dropped_attributes_count}}}'
        )
        if (
            raw[:2] == _TRACE_ID
            and raw[_TRACE_ID_END : _TRACE_ID_END + 2] == _SPAN_ID
            and _IDS_END <= len(raw) <= MEMO_BYTES
        ):
            ids = _flipped(raw[2:18]), _flipped(raw[20:28])
            other = _TRACE_ID + ids[0] + _SPAN_ID + ids[1] + raw[_IDS_END:]
            read = reduced.Link.FromString(other)
            if (link.trace_id, link.span_id) == (raw[2:18], raw[20:28]) and (
                read.trace_id,
                read.span_id,
            ) == ids:
                remember(self._link_rests, raw[_IDS_END:], (len(link.attributes), text))
        return link.trace_id, link.span_id, text


def _flipped(value: bytes) -> bytes:
    return bytes(byte ^ 0xFF for byte in value)
