"""An earlier import that a file goes on with: the file grew since, or is another piece of the same.

Collectors write on and on into one file, and somebody looks at it more than once. Traces are bound
to the recording that saw them first, so a second run for them would hold nothing. A file that
begins with a span of an earlier import, or all of whose first traces are that import's, therefore
belongs to the run that was made then.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_voiceload.interop import source
from otel_voiceload.interop.requests import Part, batches
from otel_voiceload.store.reading import Reading
from otel_voiceload.telemetry.batches import Batch

_IMPORTS: Final = "select 1 from known_resources where service_name = 'ovl-import' limit 1"
_ASKED: Final = "with asked as (select unnest($traces) as trace_id, unnest($spans) as span_id)"
# By run, none first: whether the first span is there, and how many of the traces are the run's.
_RUNS: Final = f"""
{_ASKED},
there as (select distinct trace_id, span_id from raw_spans semi join asked using (trace_id))
select
    t.run_id,
    count(*) filter (
        there.span_id is not null and asked.trace_id = $traces[1] and asked.span_id = $spans[1]
    ) > 0 as begins,
    count(distinct asked.trace_id) as traces
from asked
left join (select trace_id, run_id from trace_runs where joined_by = 'import') t using (trace_id)
left join there using (trace_id, span_id)
group by t.run_id
order by t.run_id nulls first
"""
_NEW: Final = f"{_ASKED} select count(*) from asked anti join raw_spans using (trace_id, span_id)"
_SAID: Final = """
select
    s.name = 'run' as whole,
    s.start_time_unix_nano as start_ns,
    s.end_time_unix_nano as end_ns,
    coalesce(s.attributes ->> '$."voiceload.run.tag"', '') as tag,
    coalesce(s.attributes ->> '$."voiceload.import.content"', '') as digest,
    coalesce(try_cast(s.attributes ->> '$."voiceload.import.bytes"' as bigint), 0) as content_bytes,
    coalesce(s.attributes ->> '$."voiceload.run.spans_lost"', '{}') as lost
from raw_spans s
join known_resources r using (resource_id)
where r.service_name = 'ovl-import' and r.run_id = $run_id and s.name in ('run', 'run.start')
order by whole desc, start_ns, end_ns desc
limit 1
"""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The run of an earlier import, and what was said of it last; times are of its spans, in ns."""

    run_id: str
    whole: bool  # that import came to its end
    start_ns: int
    end_ns: int
    tag: str = ""
    digest: str = ""  # of the file that was imported last
    content_bytes: int = 0
    lost: dict[str, int] = field(default_factory=dict)

    def is_beginning_of(self, path: Path, content: source.Print) -> bool:
        """Whether the file is that one and more: then all that was lost of it was read again."""
        if not 0 < self.content_bytes <= content.content_bytes:
            return False
        return source.fingerprint(path, self.content_bytes).digest == self.digest


def find(reading: Reading, path: Path) -> Earlier | None:
    """The run that the file goes on with, by the spans that it begins with."""
    if not reading.sql(_IMPORTS).rows:
        return None
    head = next(_batches(path), None)
    ids = _ids(head) if head is not None else None
    if ids is None:
        return None
    rows = reading.sql(_RUNS, **ids).dicts()
    runs = [row for row in rows if row["run_id"] is not None and row["begins"]]
    if not runs and all(row["run_id"] is not None for row in rows):
        runs = sorted(rows, key=lambda row: -int(str(row["traces"])))
    if not runs:
        return None
    run_id = str(runs[0]["run_id"])
    (said,) = reading.sql(_SAID, run_id=run_id).dicts()
    lost = orjson.loads(str(said.pop("lost")))
    return Earlier(run_id, lost=lost, **said)  # type: ignore[arg-type]  # its columns


def holds_all(reading: Reading, path: Path) -> bool:
    """Whether every span of the file is in the store already. Reads on until one is not."""
    for batch in _batches(path):
        ids = _ids(batch)
        if ids is None or reading.sql(_NEW, **ids).rows != ((0,),):
            return False
    return True


def _batches(path: Path) -> Iterator[Batch]:
    found = source.requests(path)
    return batches(part for part in found if isinstance(part, Part) and part.items)


def _ids(batch: Batch) -> dict[str, list[bytes]] | None:
    """Ids of its spans in their order; None of metrics, which can not be told apart."""
    if batch.signal == "metrics":
        return None
    request = ExportTraceServiceRequest.FromString(batch.body)
    spans = [span for r in request.resource_spans for s in r.scope_spans for span in s.spans]
    return {
        "traces": [span.trace_id for span in spans],
        "spans": [span.span_id for span in spans],
    }
