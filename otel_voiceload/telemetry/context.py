"""Ids: of a run, of a call's trace, of every span in it.

All ids are hashes of the run id and what they stand for. A record that is sent twice, or a run
whose telemetry process was restarted, therefore yields the same ids, and the reader of the store
can de-duplicate by (trace_id, span_id) alone.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from hashlib import blake2b

from otel_voiceload.conventions import BAGGAGE, SPAN_CALL, SPAN_RUN
from otel_voiceload.model import NS_PER_S, CallIdentity

_HALF_TRACE_ID = 1 << 64


def new_run_id(unix_ns: int | None = None, token: str | None = None) -> str:
    """A run id that sorts by its start: UTC time to the second, then random hex digits."""
    at_ns = time.time_ns() if unix_ns is None else unix_ns
    at = datetime.fromtimestamp(at_ns // NS_PER_S, tz=UTC)
    return f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(3) if token is None else token}"


def trace_id(run_id: str, call_index: int) -> str:
    """32 hex digits of one call of one run."""
    return _hex(16, "call", run_id, call_index)


def run_trace_id(run_id: str) -> str:
    """32 hex digits of the trace that holds the run span and its stages."""
    return _hex(16, "run", run_id)


def span_id(trace: str, kind: str, *index: object) -> str:
    """16 hex digits; ``kind`` is the span's name, ``index`` tells its siblings apart."""
    return _hex(8, trace, kind, *index)


def run_span_id(run_id: str) -> str:
    return span_id(run_trace_id(run_id), SPAN_RUN)


def call_identity(run_id: str, call_index: int, scenario: str, sampled: bool) -> CallIdentity:
    """The ids of one call; the call id begins with the trace id, as the contract asks."""
    trace = trace_id(run_id, call_index)
    return CallIdentity(
        call_index=call_index,
        call_id=f"{trace}-{call_index}",
        trace_id=trace,
        span_id=span_id(trace, SPAN_CALL),
        scenario=scenario,
        sampled=sampled,
    )


def in_ratio(trace: str, ratio: float) -> bool:
    """Whether a trace falls into a ratio, by the low 64 bits of its id as in OpenTelemetry.

    One rule for the flag that the target sees and for the user's own copy: with equal ratios both
    back ends keep the same calls.
    """
    return int(trace[16:], 16) < round(ratio * _HALF_TRACE_ID)


def traceparent(call: CallIdentity) -> str:
    """W3C trace context of the call span, level 1."""
    return f"00-{call.trace_id}-{call.span_id}-{'01' if call.sampled else '00'}"


def headers(call: CallIdentity) -> dict[str, str]:
    """What a handshake over HTTP carries: the target joins our trace and can mark our traffic."""
    return {"traceparent": traceparent(call), "baggage": BAGGAGE}


def _hex(size: int, *parts: object) -> str:
    # 0x1f keeps ("a", 11) and ("a1", 1) apart.
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=size).hexdigest()
