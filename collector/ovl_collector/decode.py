"""OTLP trace requests to the columns of ``spans``; the one place where OTLP is taken apart.

A request that is not protobuf at all is refused whole. A span that breaks a rule (id lengths,
UTF-8, an attribute that can not be read) is rejected alone, with its reason counted, and its
neighbours are stored: that is OTLP's partial success.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from ovl_collector import reduced
from ovl_collector.anyvalue import text_json
from ovl_collector.attributes import Attributes
from ovl_collector.columns import SPANS, from_columns
from ovl_collector.decode_metrics import decode_metric_groups
from ovl_collector.decoded import Decoded, Limits, Row, Signal
from ovl_collector.errors import Undecodable
from ovl_collector.headers import Headers
from ovl_collector.otlp_json import to_protobuf
from ovl_collector.promote import COLUMNS
from ovl_collector.wire import count_items

_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
_NO_PROMOTED: Final[list[Any]] = [None] * len(COLUMNS)
_STATUS_MEMO_ENTRIES: Final = 1000


class Rejected(Exception):
    """One span is not stored; the message is the reason's word in the ledger."""


class Decoder:
    """Keeps the memos from request to request. Safe from several threads: all shared state is
    dictionaries whose entries never change."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._attributes = Attributes()
        self._headers = Headers()
        self._status: dict[bytes, tuple[int, str | None]] = {b"": (0, None)}

    def decode(self, signal: Signal, body: bytes, batch_id: int, *, json: bool) -> Decoded:
        """Raises Undecodable or TooLarge; never touches the network or a file."""
        limits = self._limits
        if json:
            body = to_protobuf(signal, body, limits)
        count_items(body, signal, max_items=limits.items, max_elements=limits.elements)
        try:
            groups = _groups(body)
            if signal == "metrics":
                return decode_metric_groups(groups, batch_id, self._headers, limits)
            return self._traces(groups, batch_id)
        except DecodeError as error:
            raise Undecodable(
                f"the body is not an OTLP {signal} request ({error})", reason="undecodable"
            ) from error

    def _traces(self, groups: Iterator[tuple[bytes, bytes, Any]], batch_id: int) -> Decoded:
        rows: list[Row] = []
        promoted_rows: list[list[Any]] = []
        rest: list[tuple[str | None, str | None, str | None]] = []
        reasons: Counter[str] = Counter()
        resources: dict[int, Row] = {}
        scopes: dict[int, Row] = {}
        received = 0
        for resource_raw, resource_url, group in groups:
            received += len(group.members)
            try:
                resource_id, resource = self._headers.resource(resource_raw, resource_url)
                scope_id, scope = self._headers.scope(group.header, group.schema_url)
            except (UnicodeDecodeError, DecodeError):
                reasons["bad_header"] += len(group.members)
                continue
            stored_before = len(rows)
            for raw in group.members:
                try:
                    row, promoted, json_columns = self._span(raw, resource_id, scope_id, batch_id)
                except Rejected as reason:
                    reasons[str(reason)] += 1
                    continue
                rows.append(row)
                promoted_rows.append(promoted)
                rest.append(json_columns)
            if len(rows) > stored_before:
                resources[resource_id] = resource
                scopes[scope_id] = scope
        columns = _transpose(rows, promoted_rows, rest) or [()] * len(SPANS)
        return Decoded(
            signal="traces",
            batch_id=batch_id,
            rows=from_columns(SPANS, columns),
            received=received,
            reject_reasons=dict(reasons),
            resources=resources,
            scopes=scopes,
            span_keys=_span_keys(columns[0], columns[1]),
        )

    def _span(
        self, raw: bytes, resource_id: int, scope_id: int, batch_id: int
    ) -> tuple[Row, list[Any], tuple[str | None, str | None, str | None]]:
        span = reduced.Span.FromString(raw)
        trace_id, span_id, parent = span.trace_id, span.span_id, span.parent_span_id
        if len(trace_id) != 16 or trace_id == _NO_TRACE:
            raise Rejected("bad_trace_id")
        if len(span_id) != 8 or span_id == _NO_SPAN:
            raise Rejected("bad_span_id")
        if not parent or parent == _NO_SPAN:
            parent = None
        elif len(parent) != 8:
            raise Rejected("bad_parent_span_id")
        kind = span.kind
        if not 0 <= kind <= 255:
            raise Rejected("bad_kind")
        try:
            status = self._status.get(span.status)
            if status is None:
                status = self._read_status(span.status)
            row = (
                trace_id,
                span_id,
                parent,
                span.trace_state.decode() or None,
                span.flags,
                span.name.decode(),
                kind,
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                *status,
                span.dropped_attributes_count,
                span.dropped_events_count,
                span.dropped_links_count,
                resource_id,
                scope_id,
                batch_id,
            )
            promoted, attributes = self._split(span.attributes)
            events = self._events(span.events) if span.events else None
            links = self._links(span.links) if span.links else None
        except UnicodeDecodeError as error:
            raise Rejected("bad_utf8") from error
        except DecodeError as error:
            raise Rejected("bad_attribute") from error
        return row, promoted, (attributes, events, links)

    def _split(self, raws: Any) -> tuple[list[Any], str | None]:
        """The promoted values by slot, and the JSON of the rest."""
        memo, read = self._attributes.memo, self._attributes.read
        promoted = _NO_PROMOTED
        rest: dict[str, str] = {}
        for raw in raws:
            slot, key, fragment, value = memo.get(raw) or read(raw)
            if slot < 0:
                rest[key] = fragment
            else:
                if promoted is _NO_PROMOTED:
                    promoted = _NO_PROMOTED.copy()
                promoted[slot] = value
        return promoted, "{" + ",".join(rest.values()) + "}" if rest else None

    def _events(self, raws: Any) -> str:
        parts = []
        for raw in raws:
            event = reduced.Event.FromString(raw)
            parts.append(
                f'{{"time_unix_nano":{event.time_unix_nano},'
                f'"name":{text_json(event.name.decode())},'
                f'"attributes":{self._attributes.object_json(event.attributes)},'
                f'"dropped_attributes_count":{event.dropped_attributes_count}}}'
            )
        return "[" + ",".join(parts) + "]"

    def _links(self, raws: Any) -> str:
        parts = []
        for raw in raws:
            link = reduced.Link.FromString(raw)
            parts.append(
                f'{{"trace_id":"{link.trace_id.hex()}","span_id":"{link.span_id.hex()}",'
                f'"trace_state":{text_json(link.trace_state.decode())},'
                f'"attributes":{self._attributes.object_json(link.attributes)},'
                f'"flags":{link.flags},'
                f'"dropped_attributes_count":{link.dropped_attributes_count}}}'
            )
        return "[" + ",".join(parts) + "]"

    def _read_status(self, raw: bytes) -> tuple[int, str | None]:
        status = reduced.Status.FromString(raw)
        if not 0 <= status.code <= 255:
            raise Rejected("bad_status")
        found = (status.code, status.message.decode() or None)
        if len(self._status) < _STATUS_MEMO_ENTRIES and len(raw) < 256:
            self._status[raw] = found
        return found


def _groups(body: bytes) -> Iterator[tuple[bytes, bytes, Any]]:
    """(resource, resource's schema_url, scope group) of a request, in its order."""
    for raw in reduced.Request.FromString(body).resources:
        outer = reduced.Group.FromString(raw)
        for inner in outer.members:
            yield outer.header, outer.schema_url, reduced.Group.FromString(inner)


def _transpose(*blocks: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """The columns of row blocks that stand side by side; empty when there are no rows."""
    return [column for rows in blocks for column in zip(*rows, strict=True)]


def _span_keys(trace_ids: Any, span_ids: Any) -> npt.NDArray[np.uint64]:
    """One 64-bit fingerprint per span. Ids are random, so mixing them is hash enough."""
    traces = np.frombuffer(b"".join(trace_ids), "<u8").reshape(-1, 2)
    spans = np.frombuffer(b"".join(span_ids), "<u8")
    mixed: npt.NDArray[np.uint64] = spans ^ (traces[:, 0] * np.uint64(0x9E3779B97F4A7C15))
    return mixed ^ (traces[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F))
