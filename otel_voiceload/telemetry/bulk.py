"""Records into a collector as fast as it takes them: for runs that nobody has to wait for.

A live run may not wait for its collector, so it has a process, a spool and a deadline. A simulated
one can: each batch is sent and its answer heard before the next is made.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable

from otel_voiceload.errors import CollectorError
from otel_voiceload.model import ClockAnchor, Health, Record, RunRecord
from otel_voiceload.telemetry.batches import Batch, Batcher, resource
from otel_voiceload.telemetry.exporter import Totals
from otel_voiceload.telemetry.metrics import metrics_of
from otel_voiceload.telemetry.otlp import RunScope
from otel_voiceload.telemetry.posting import Answer, Poster
from otel_voiceload.telemetry.run_spans import SpanCounts
from otel_voiceload.telemetry.spans import spans_of

BATCH_SPANS = 4_000  # well below what a collector takes in one request
TRIES = 8
_TIMEOUT_S = 60.0
_BACKOFF_S = 0.25
_LONGEST_BACKOFF_S = 10.0


class Bulk:
    """One run's way out. ``send`` may wait for the collector, at most ``TRIES`` times per batch."""

    def __init__(
        self,
        run_id: str,
        anchor: ClockAnchor,
        poster: Poster,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._scope = RunScope(run_id, anchor)
        self._batcher = Batcher([resource(run_id, 0, 1, {})], BATCH_SPANS, float("inf"))
        self._poster = poster
        self._sleep = sleep
        self._ended = self._acknowledged = 0
        self._lost: Counter[str] = Counter()

    def send(self, records: Iterable[Record]) -> None:
        """Raises CollectorError when a batch is not taken however often it is tried."""
        for record in records:
            self._add(record, None)
        if self._batcher.wait_s(0.0) == 0.0:
            self.flush()

    def flush(self) -> None:
        """Send what is held; when it returns, the collector has committed it."""
        for batch in self._batcher.take():
            answer = self._post(batch)
            if batch.signal == "traces":
                self._acknowledged += batch.items - answer.rejected
                if answer.rejected:
                    self._lost[answer.reason] += answer.rejected

    def finish(self, record: RunRecord) -> Totals:
        """The run's last word, with the counts of all spans before it; nothing can follow."""
        self.flush()
        self._add(record, SpanCounts(self._ended + 1, dict(self._lost)))
        self.flush()
        self._poster.close()
        return Totals(self._ended, self._acknowledged, dict(self._lost))

    def _add(self, record: Record, counts: SpanCounts | None) -> None:
        spans = spans_of(record, self._scope, counts)
        metrics = metrics_of(record, self._scope.anchor) if isinstance(record, Health) else []
        self._ended += len(spans)
        self._batcher.add(0, spans, metrics, 0.0)

    def _post(self, batch: Batch) -> Answer:
        why = ""
        for attempt in range(TRIES):
            try:
                answer = self._poster.post(batch, _TIMEOUT_S)
            except OSError as error:
                answer, why = None, str(error)
            if answer is not None and not answer.retry:
                return answer
            if answer is not None:
                why = answer.reason
            asked_s = None if answer is None else answer.retry_after_s
            self._sleep(min(_LONGEST_BACKOFF_S, asked_s or _BACKOFF_S * 2**attempt))
        raise CollectorError(
            f"the collector did not take the run's spans in {TRIES} tries ({why}); what it took is"
            " in the store, look at its log and run again"
        )
