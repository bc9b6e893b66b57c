"""A file of somebody's traces into the store: the requests of the file, sent to a collector.

OTLP is the only door into the store, for files as for networks, so the file's requests go to a
collector of our own, into a recording of their own. Traces that name no run belong to the run that
the file is made into: a ``run`` span with the name of the file stands in the same recording, and
``trace_runs`` takes it as said of all of them. The run's id follows from the content, and so does
whether a file is in the store already.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from otel_voiceload import __version__
from otel_voiceload import conventions as names
from otel_voiceload.errors import UsageError
from otel_voiceload.interop import source
from otel_voiceload.interop.requests import Broken, Part, batches
from otel_voiceload.model import ClockAnchor
from otel_voiceload.reports.marks import read_marks, write_marks
from otel_voiceload.runner import earlier_import
from otel_voiceload.runner.earlier_import import Earlier
from otel_voiceload.runner.import_sender import Sender
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.context import new_run_id, run_span_id, run_trace_id, span_id
from otel_voiceload.telemetry.otlp import RunScope, attributes, make_span
from otel_voiceload.telemetry.spool import make_store

SHOWN: Final = 20  # broken places that are kept with their words
_KNOWN = """
select runs.run_id, s.recording_id
from raw_spans s
left join runs on runs.run_id = s.attributes ->> '$."voiceload.run.id"'
where s.name in ('run', 'import') and s.attributes ->> '$."voiceload.import.content"' = $digest
"""
_RUNS = """
select t.run_id, t.joined_by, count(*) as spans, count(distinct trace_id) as traces
from raw_spans s join trace_runs t using (trace_id) join known_resources r using (resource_id)
where s.recording_id = $recording and r.service_name is distinct from 'ovl-import'
group by all order by spans desc
"""


@dataclass(frozen=True, slots=True)
class Joined:
    """Spans and traces of the file that belong to a run, and by which way; no run: to none."""

    run_id: str | None
    joined_by: str | None
    spans: int
    traces: int


@dataclass(slots=True)
class Imported:
    """What became of a file."""

    name: str
    content: source.Print
    run_id: str | None = None  # the run that the file was made into; None: others hold it, or none
    known: bool = False  # all of it is in the store already: nothing was stored
    earlier: Earlier | None = None  # the import whose run it goes on with
    also_tagged: str = ""  # what a run that was there before is called as well
    lost_before: dict[str, int] = field(default_factory=dict)  # that counts against that run still
    requests: int = 0
    spans: int = 0
    metrics: int = 0
    rejected: Counter[str] = field(default_factory=Counter)  # items by reason
    broken: Counter[str] = field(default_factory=Counter)  # pieces of the file by kind
    first_broken: list[Broken] = field(default_factory=list)
    joined: list[Joined] = field(default_factory=list)
    seconds: float = 0.0
    first_unix_ns: int | None = None
    last_unix_ns: int | None = None

    @property
    def taken_nothing(self) -> bool:
        """Whether the collector rejected every span and every metric."""
        return not self.known and self.rejected.total() >= self.spans + self.metrics

    @property
    def lost(self) -> dict[str, int]:
        """What of the file is not in the store though it should be, by reason."""
        unread = self.broken["unreadable"]
        return {**self.rejected, **({"unreadable": unread} if unread else {})}


def import_file(
    name: str, store: Path, tag: str, stdin: BinaryIO, note: Callable[[str], None]
) -> Imported:
    """Stores a file of OTLP and says what became of it. ``note`` hears of broken places.

    Raises:
        UsageError: there is no such file, nothing in it is OTLP, or the folder is no store.
        CollectorError: the collector failed; what it acknowledged is in the store.
    """
    if name == source.STDIN:
        _make_store(store)
    store.mkdir(parents=True, exist_ok=True)
    with source.on_disk(name, stdin, store) as path:
        result = Imported(name, source.fingerprint(path))
        if (store / "recordings").is_dir():
            with open_store(store) as reading:
                _look_back(reading, path, result)
        _tag(store, tag, result)
        if result.known and not result.earlier:
            return result
        parts = _Parts(path, result, note)
        first = next(parts, None)
        if first is None:
            raise UsageError(f"{_nothing(result)}; {source.WHAT_IS_READ}")
        if result.known:
            for _ in parts:
                pass  # counts them, and names what is broken
            return result
        begun_s = time.monotonic()
        # Parsed JSON has no cycles, and looking for them takes longer than parsing it.
        gc_was_on = gc.isenabled()
        gc.disable()
        try:
            with Sender(store, result.rejected) as sender:
                _send(sender, first, parts, result, tag)
        finally:
            if gc_was_on:
                gc.enable()
        result.seconds = time.monotonic() - begun_s
    with open_store(store) as reading:
        result.joined = _joined(reading, sender.recording)
    if result.earlier is None and all(each.run_id != result.run_id for each in result.joined):
        result.run_id = None  # as the view `runs` sees it
    return result


def _joined(reading: Reading, recording: str) -> list[Joined]:
    rows = reading.sql(_RUNS, recording=recording).dicts()
    return [Joined(**row) for row in rows]  # type: ignore[arg-type]  # its columns


def _make_store(store: Path) -> None:
    """The store before what a pipe brings is kept in its folder: a collector takes a folder that
    holds anything else for somebody's own and refuses it."""
    try:
        make_store(store)
    except OSError as error:
        raise UsageError(
            f"{store} can not be a store: {error}; name a new folder with --store"
        ) from error


def _tag(store: Path, tag: str, result: Imported) -> None:
    """What a run of before is called from now on: a mark, since recordings are never altered."""
    own = result.earlier.tag if result.earlier else ""
    if tag and result.run_id and tag != own and (result.known or own):
        write_marks(store, read_marks(store).tagged(tag, result.run_id))
        result.also_tagged = tag


def _look_back(reading: Reading, path: Path, result: Imported) -> None:
    """Whether the store has this content, or the run that it goes on with."""
    rows = reading.sql(_KNOWN, digest=result.content.digest).rows
    if rows:
        run_id, recording = rows[0]
        result.run_id, result.known = str(run_id) if run_id else None, True
        result.joined = _joined(reading, str(recording))
        return
    if result.content.names_run:
        return
    result.earlier = earlier = earlier_import.find(reading, path)
    if earlier is None:
        return
    result.run_id = earlier.run_id
    if not earlier.is_beginning_of(path, result.content):
        result.lost_before = earlier.lost
        # An import that was cut off may still want its end, with nothing else to add.
        result.known = earlier.whole and earlier_import.holds_all(reading, path)


def _nothing(result: Imported) -> str:
    if result.first_broken:
        said = result.first_broken[0]
        return f"nothing in {result.name} could be read as OTLP: {said.where}: {said.why}"
    return f"{result.name} holds requests of OTLP, but no span and no metric"


class _Parts(Iterator[Part]):
    """The parts of a file that hold anything; what is broken is counted on the way.

    It is named once there is something that can be read: until then the file may be of quite
    another kind, and then one line says so.
    """

    def __init__(self, path: Path, result: Imported, note: Callable[[str], None]) -> None:
        self._found = source.requests(path)
        self._result = result
        self._note = note
        self._found_some = False

    def __next__(self) -> Part:
        result = self._result
        for found in self._found:
            if isinstance(found, Part):
                result.requests += 1
                if not found.items:
                    continue
                if not self._found_some:
                    self._found_some = True
                    for broken in result.first_broken:
                        self._say(broken)
                if found.signal == "metrics":
                    result.metrics += found.items
                    return found
                result.spans += found.items
                result.first_unix_ns = _either(min, result.first_unix_ns, found.first_unix_ns)
                result.last_unix_ns = _either(max, result.last_unix_ns, found.last_unix_ns)
                return found
            result.broken[found.kind] += 1
            if len(result.first_broken) < SHOWN:
                result.first_broken.append(found)
                if self._found_some:
                    self._say(found)
        raise StopIteration

    def _say(self, broken: Broken) -> None:
        self._note(f"{broken.where}: {broken.why}")


def _either(choose: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _send(sender: Sender, first: Part, rest: Iterator[Part], result: Imported, tag: str) -> None:
    def all_parts() -> Iterator[Part]:
        yield first
        yield from rest

    if not result.content.names_run:
        if result.earlier is None:
            result.run_id = new_run_id(first.first_unix_ns or 0, result.content.digest[:6])
        # Before the spans: an import that is cut off leaves a run that can be read.
        sender.send(_said_of(result, names.SPAN_RUN_START, tag))
    for batch in batches(all_parts()):
        sender.send(batch)
    sender.drain()
    if result.taken_nothing:
        return  # no word of it either: the next time the same is to be said again
    sender.send(_said_of(result, names.SPAN_RUN if result.run_id else names.SPAN_IMPORT, tag))
    sender.drain()


def _said_of(result: Imported, name: str, tag: str) -> Batch:
    """One span: the run that the file is made into, or only that the file was stored."""
    run_id = result.run_id
    trace = run_trace_id(run_id or result.content.digest)
    own = run_span_id(run_id) if run_id and name == names.SPAN_RUN else span_id(trace, name)
    whole = name != names.SPAN_RUN_START
    from_ns = result.first_unix_ns or 0
    to_ns = result.last_unix_ns or from_ns
    lost = Counter(result.lost)
    if (earlier := result.earlier) is not None:
        lost.update(result.lost_before)
        tag = earlier.tag or tag
        from_ns = min(from_ns, earlier.start_ns)
        # Another span than the one before, and it ends later: the last word is read.
        to_ns = max(to_ns, earlier.end_ns + 1)
        if whole and earlier.whole:
            own = span_id(trace, name, result.content.digest)
    values: dict[str, str | int | None] = {
        names.IMPORT_FILE: "stdin" if result.name == source.STDIN else Path(result.name).name,
        names.IMPORT_CONTENT: result.content.digest if whole else None,
        names.IMPORT_BYTES: result.content.content_bytes if whole else None,
    }
    if run_id is not None:
        values |= {
            names.RUN_ID: run_id,
            names.RUN_TARGET: values[names.IMPORT_FILE],
            names.RUN_WIRE: "import",
            names.RUN_PROFILE: "import",
            names.RUN_TAG: tag,
            names.RUN_SPANS_LOST: orjson.dumps(dict(lost)).decode() if whole else None,
        }
    span = make_span(
        RunScope(run_id or "", ClockAnchor(0, 0)),  # times are unix times already
        name,
        (trace, own, None),
        (from_ns, to_ns if whole else from_ns),
        values,
    )
    resource = Resource(
        attributes=attributes(
            {
                "service.name": names.SERVICE_IMPORT,
                "service.version": __version__,
                names.RUN_ID: run_id,
            }
        )
    )
    scope = InstrumentationScope(name=names.SCOPE, version=__version__)
    request = ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(resource=resource, scope_spans=[ScopeSpans(scope=scope, spans=[span])])
        ]
    )
    return Batch("traces", request.SerializeToString(), 1)
