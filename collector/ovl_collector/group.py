"""One transaction in the making: decoded requests to the tables that are inserted together.

Here it is decided what is a resend, what may be a duplicate, and which resources and scopes the
live file does not have yet. No file is touched, so a failed commit leaves nothing to undo.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import orjson
import pyarrow as pa

from ovl_collector.columns import BATCHES, LOSSES, RESOURCES, SCOPES, from_rows
from ovl_collector.decoded import Decoded, Row
from ovl_collector.duplicates import SeenRequests, SeenSpans


@dataclass(frozen=True, slots=True)
class Pending:
    """A decoded request on its way into the store; the future is done once it is durable."""

    decoded: Decoded
    request_hash: int
    peer: str
    received_unix_ns: int
    body_bytes: int
    future: Future[None] = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Group:
    """``requests`` are the pending ones in order, each with whether it is a resend."""

    requests: tuple[tuple[Pending, bool], ...]
    tables: Mapping[str, pa.Table]

    @property
    def body_bytes(self) -> int:
        return sum(item.body_bytes for item, is_resend in self.requests if not is_resend)


class Live(Protocol):
    """What the live segment already holds."""

    resource_ids: set[int]
    scope_ids: set[int]


def build_group(
    pending: Sequence[Pending],
    losses: Sequence[Row],
    *,
    live: Live,
    seen_requests: SeenRequests,
    seen_spans: SeenSpans,
    suspect_until_unix_ns: int,
) -> Group:
    """Adds to ``seen_spans``, which may only err towards having seen; changes nothing else."""
    requests: list[tuple[Pending, bool]] = []
    batches: list[Row] = []
    rows: dict[str, list[pa.Table]] = {"spans": [], "metric_points": []}
    resources: dict[int, Row] = {}
    scopes: dict[int, Row] = {}
    hashes: set[int] = set()
    for item in pending:
        decoded = item.decoded
        is_resend = item.request_hash in seen_requests or item.request_hash in hashes
        suspect = False
        if not is_resend:
            hashes.add(item.request_hash)
            suspect = item.received_unix_ns < suspect_until_unix_ns
            if decoded.span_keys is not None:
                suspect = seen_spans.add(decoded.span_keys) or suspect
            if decoded.stored:
                table = "spans" if decoded.signal == "traces" else "metric_points"
                rows[table].append(decoded.rows)
            resources |= decoded.resources
            scopes |= decoded.scopes
        requests.append((item, is_resend))
        batches.append(_batch_row(item, is_resend=is_resend, suspect=suspect))
    new_resources = [row for key, row in resources.items() if key not in live.resource_ids]
    new_scopes = [row for key, row in scopes.items() if key not in live.scope_ids]
    tables = {
        "resources": from_rows(RESOURCES, new_resources),
        "scopes": from_rows(SCOPES, new_scopes),
        "batches": from_rows(BATCHES, batches),
        "losses": from_rows(LOSSES, losses),
        # As one piece: DuckDB would take every request's few rows as a vector of their own.
        **{n: pa.concat_tables(parts).combine_chunks() for n, parts in rows.items() if parts},
    }
    filled = {name: table for name, table in tables.items() if table.num_rows}
    return Group(requests=tuple(requests), tables=filled)


def _batch_row(item: Pending, *, is_resend: bool, suspect: bool) -> Row:
    decoded = item.decoded
    reasons = decoded.reject_reasons
    return (
        decoded.batch_id,
        item.received_unix_ns,
        decoded.signal,
        item.request_hash,
        item.peer,
        decoded.received,
        0 if is_resend else decoded.stored,
        decoded.rejected,
        orjson.dumps(reasons).decode() if reasons else None,
        is_resend,
        suspect,
    )
