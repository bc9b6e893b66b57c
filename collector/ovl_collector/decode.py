"""OTLP trace requests to the columns of ``spans``; the one place where OTLP is taken apart.

A request that is not protobuf at all is refused whole. A span that breaks a rule (id lengths,
UTF-8, an attribute that can not be read) is rejected alone, with its reason counted, and its
neighbours are stored: that is OTLP's partial success.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from google.protobuf.message import DecodeError

from ovl_collector import reduced
from ovl_collector.attributes import Attributes
from ovl_collector.block import SpanBlocks
from ovl_collector.budget import Budget
from ovl_collector.decode_metrics import decode_metric_groups
from ovl_collector.decoded import Decoded, Limits, Row, Signal
from ovl_collector.errors import RequestRefused, Undecodable
from ovl_collector.headers import Headers
from ovl_collector.many_spans import ManySpans
from ovl_collector.nested import Nested
from ovl_collector.otlp_json import encoded, to_protobuf
from ovl_collector.promote import COLUMNS
from ovl_collector.wire import LARGE_GROUP_BYTES, ScopeGroup, find_groups, open_group

# The door for those who read files of OTLP: what they hand on is the same as what came by HTTP.
__all__ = ["MANY_SPANS", "Decoder", "Limits", "Rejected", "RequestRefused", "encoded"]

_NO_TRACE: Final = bytes(16)
_NO_SPAN: Final = bytes(8)
_NO_PROMOTED: Final[list[Any]] = [None] * len(COLUMNS)
_STATUS_MEMO_ENTRIES: Final = 1000
MANY_SPANS: Final = 48  # fewer are faster one by one
_BLOCK_SPANS: Final = 1024
_BLOCK_BYTES: Final = 512 * 1024


class Rejected(ValueError):
    """One span is not stored; the message is the reason's word in the ledger."""


class Decoder:
    """Keeps the memos from request to request. Safe from several threads: all shared state is
    dictionaries whose entries never change."""

    def __init__(self, limits: Limits | None = None, *, many_spans: int = MANY_SPANS) -> None:
        """``many_spans`` of one scope and more are decoded at once, fewer one by one."""
        self._many_spans = many_spans
        self._limits = limits or Limits()
        self._attributes = Attributes()
        self._nested = Nested(self._attributes)
        self._headers = Headers()
        self._status: dict[bytes, tuple[int, str | None]] = {b"": (0, None)}
        self._many = ManySpans(self._attributes, self._status_of, self._nested)

    def decode(self, signal: Signal, body: bytes, batch_id: int, *, json: bool) -> Decoded:
        """Raises Undecodable or TooLarge; never touches the network or a file."""
        limits = self._limits
        if json:
            body = to_protobuf(signal, body, limits)
        found = find_groups(body, signal, max_items=limits.items, max_elements=limits.elements)
        try:
            groups = _parsed(body, found)
            if signal == "metrics":
                return decode_metric_groups(groups, batch_id, self._headers, limits)
            return self._traces(groups, batch_id)
        except DecodeError as error:
            raise Undecodable(
                f"the body is not an OTLP {signal} request ({error})", reason="undecodable"
            ) from error

    def _traces(self, groups: Iterator[tuple[ScopeGroup, Any]], batch_id: int) -> Decoded:
        budget = Budget(self._limits)
        item_bytes, read_span = self._limits.item_bytes, self._span
        blocks = SpanBlocks()
        reasons: Counter[str] = Counter()
        resources: dict[int, Row] = {}
        scopes: dict[int, Row] = {}
        received = 0
        for place, group in groups:
            received += place.items
            try:
                resource_id, resource = self._headers.resource(place.resource, place.resource_url)
                scope_id, scope = self._headers.scope(group.header, group.schema_url)
            except (UnicodeDecodeError, DecodeError):
                if place.items:
                    reasons["bad_header"] += place.items
                continue
            places = (resource_id, scope_id, batch_id)
            any_stored = False
            for raws in _blocks(group.members, place.items):
                if len(raws) >= self._many_spans:
                    rows, keys, strange = self._many.decode(raws, places, budget)
                    blocks.add(rows, keys)
                    any_stored = any_stored or len(strange) < len(raws)
                    raws = [raws[number] for number in strange]
                for raw in raws:
                    try:
                        if len(raw) > item_bytes:
                            raise Rejected("too_large")
                        read_span(raw, places, budget, blocks)
                        any_stored = True
                    except Rejected as reason:
                        reasons[str(reason)] += 1
            if any_stored:
                if resource_id not in resources:
                    budget.characters(len(resource[1]))
                resources[resource_id] = resource
                scopes[scope_id] = scope
        rows, keys = blocks.finish()
        return Decoded(
            signal="traces",
            batch_id=batch_id,
            rows=rows,
            received=received,
            reject_reasons=dict(reasons),
            resources=resources,
            scopes=scopes,
            span_keys=keys,
        )

    def _span(
        self, raw: bytes, places: tuple[int, int, int], budget: Budget, blocks: SpanBlocks
    ) -> None:
        """Adds one span to the blocks, or raises Rejected with nothing added."""
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
        promoted = _NO_PROMOTED.copy()
        attributes = events = links = None
        characters = 0
        try:
            status = self._status_of(span.status)
            name, state = span.name.decode(), span.trace_state.decode() or None
            raws = span.attributes
            if raws:
                # The hot loop: eight times a span. Its names are local for that reason.
                budget.elements(len(raws))
                known, read = self._attributes.memo.get, self._attributes.read
                rest: dict[str, str] = {}
                for item in raws:
                    slot, key, fragment, value = known(item) or read(item, budget)
                    if slot < 0:
                        rest[key] = fragment
                    else:
                        promoted[slot] = value
                if rest:
                    attributes = "{" + ",".join(rest.values()) + "}"
                    characters = len(attributes)
            raws = span.events
            if raws:
                events = self._nested.events(raws, budget)
                characters += len(events)
            raws = span.links
            if raws:
                links = self._nested.links(raws, budget)
                characters += len(links)
        except UnicodeDecodeError as error:
            raise Rejected("bad_utf8") from error
        except DecodeError as error:
            raise Rejected("bad_attribute") from error
        budget.characters(characters)
        blocks.append(
            (
                trace_id,
                span_id,
                parent,
                state,
                span.flags,
                name,
                kind,
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                *status,
                span.dropped_attributes_count,
                span.dropped_events_count,
                span.dropped_links_count,
                *places,
                *promoted,
                attributes,
                events,
                links,
            ),
            characters,
        )

    def _status_of(self, raw: bytes) -> tuple[int, str | None]:
        known = self._status.get(raw)
        if known is not None:
            return known
        status = reduced.Status.FromString(raw)
        if not 0 <= status.code <= 255:
            raise Rejected("bad_status")
        found = (status.code, status.message.decode() or None)
        if len(self._status) < _STATUS_MEMO_ENTRIES and len(raw) < 256:
            self._status[raw] = found
        return found


def _blocks(members: Iterable[bytes], count: int) -> Iterator[list[bytes]]:
    """Spans for one go; a block's bytes bound what it takes in memory on its way."""
    if count <= _BLOCK_SPANS and isinstance(members, Sequence):  # of a group that is not large
        yield list(members)
        return
    block: list[bytes] = []
    size = 0
    for raw in members:
        block.append(raw)
        size += len(raw)
        if len(block) == _BLOCK_SPANS or size > _BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def _parsed(body: bytes, found: list[ScopeGroup]) -> Iterator[tuple[ScopeGroup, Any]]:
    """Each group with what is in it. Protobuf would copy a large one twice; those are walked."""
    for group in found:
        if group.end - group.start > LARGE_GROUP_BYTES:
            yield group, open_group(body, group)
        else:
            yield group, reduced.Group.FromString(body[group.start : group.end])
