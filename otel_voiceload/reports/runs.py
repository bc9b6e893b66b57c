"""The runs of a store and the recordings they lie in: what is there, how large, and what can go.

A recording belongs to one collector and may hold several runs, and a run may lie in two recordings
when its collector was restarted. Files are removed by recording, never by row: raw spans are not
altered, so a run goes only together with everything that shares its recordings.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, Protocol

from otel_voiceload.errors import StoreError
from otel_voiceload.reports.marks import Marks, read_marks
from otel_voiceload.reports.render.rows import WIDTH, cut
from otel_voiceload.reports.soundness import Soundness
from otel_voiceload.store.locate import Recording, find_recordings
from otel_voiceload.store.open import open_run, open_store
from otel_voiceload.store.reading import Reading, Table

_LIST = """
select run_id, tag, started, ended, target, wire, profile, seed, validity, shut_down
from runs order by started desc, run_id
"""
# By resource where that names the run, which is nearly always: ten million spans in 0.1 s.
_SPANS = """
select run_id, sum(spans)::bigint as spans
from (
    select r.run_id, n.spans
    from (select resource_id, count(*) as spans from raw_spans group by resource_id) n
    join known_resources r using (resource_id)
    union all
    select t.run_id, count(*)
    from raw_spans s
    join (select resource_id from known_resources where run_id is null) r using (resource_id)
    join trace_runs t using (trace_id)
    group by t.run_id
)
where run_id is not null
group by run_id
"""
_SHOW = "select * exclude (started_ns, last_ns) from runs where run_id = $run_id"
_STAGES = """
select stage_index, phase, started, duration_s, calls_asked, round(calls_held, 1) as calls_held
from stages where run_id = $run_id order by stage_index
"""
_PLACES = """
select coalesce(runs.run_id, '') as run_id, s.recording_id, count(*) as spans, 0 as points
from raw_spans s
left join trace_runs t using (trace_id)
left join runs on runs.run_id = t.run_id
left join known_resources r using (resource_id)
-- What `ovl import` says of a file that brought nothing is nothing to keep either.
where runs.run_id is not null or r.service_name is distinct from 'ovl-import'
group by all
union all
select '', m.recording_id, 0, count(*)
from raw_metric_points m
left join known_resources r using (resource_id)
where r.service_name is distinct from 'ovl-collector'  -- what it says of itself is nothing to keep
group by all
order by all
"""
# A list is to stand there at once, and to judge a run means to read its spans a few times: so the
# newest are judged, up to so many spans in all.
JUDGED_BY_READING: Final = 400_000
BEING_WRITTEN, CLOSED, NO_SHUTDOWN = "being written", "closed", "no shutdown"


class Sql(Protocol):
    """What of an open store is needed here."""

    def sql(self, text: str, **parameters: object) -> Table: ...


@dataclass(frozen=True, slots=True)
class RecordingSize:
    recording_id: str
    folder: Path
    bytes: int
    spans: int
    runs: tuple[str, ...]
    state: str  # BEING_WRITTEN, CLOSED, or NO_SHUTDOWN: its collector was killed
    holds_anything: bool = True  # False: no span and no metric point

    @property
    def alive(self) -> bool:
        return self.state == BEING_WRITTEN


def open_selected(store: Path, selector: str) -> tuple[Reading, str]:
    """The Reading and run id of RUN as users type it, marks included."""
    return open_run(read_marks(store).resolve(selector), store)


def open_to_ask(store: Path, selector: str) -> tuple[Reading, str]:
    """As ``open_selected``; the run id is empty where ``latest`` is meant and nothing but spans of
    others was collected: those can be asked for all the same."""
    if selector != "latest":
        return open_selected(store, selector)
    reading = open_store(store)
    try:
        if not reading.sql("select run_id from runs limit 1").rows:
            return reading, ""
        return reading, reading.run_id(selector)
    except BaseException:
        reading.close()
        raise


def judged(reading: Reading, table: Table, only: Collection[str] | None = None) -> Table:
    """Rows of the view `runs` with the validity of each run's report in place of its own word.

    Of runs that are not among ``only`` it is None: their own word knows nothing of their turns.
    """
    of_run, place = table.columns.index("run_id"), table.columns.index("validity")
    wanted = [str(row[of_run]) for row in table.rows if only is None or row[of_run] in only]
    reading.prepare(*wanted)
    said = {run_id: _validity(reading, run_id) for run_id in wanted}
    rows = tuple(
        (*row[:place], said.get(str(row[of_run])), *row[place + 1 :]) for row in table.rows
    )
    return Table(table.columns, table.types, rows)


def _soon_judged(reading: Reading, newest_first: Sequence[str]) -> list[str]:
    """The newest of these runs, as many as can be judged while somebody waits for a list."""
    spans = {str(run_id): _whole(count) for run_id, count in reading.sql(_SPANS).rows}
    found: list[str] = []
    left = JUDGED_BY_READING
    for run_id in newest_first:
        left -= spans.get(run_id, 0)
        if left < 0:
            break
        found.append(run_id)
    return found


def listed(reading: Reading, marks: Marks) -> Table:
    """All runs, the newest first, with the tags from both places and the validity of a report.

    The validity is None where it would take long to tell.
    """
    table = reading.sql(_LIST)
    table = judged(reading, table, _soon_judged(reading, [str(row[0]) for row in table.rows]))
    where = table.columns.index("tag")
    rows = []
    for row in table.rows:
        run_id = str(row[0])
        tags = dict.fromkeys([str(row[where] or ""), *marks.tags_of(run_id)])
        if run_id in marks.baselines:
            tags["baseline"] = None
        named = ", ".join(tag for tag in tags if tag)
        rows.append((*row[:where], named, *row[where + 1 :]))
    return Table(table.columns, table.types, tuple(rows))


def _validity(reading: Reading, run_id: str) -> str:
    """As its report says it: what a run says of itself knows nothing of its turns."""
    facts = reading.query("run_facts", run_id=run_id)[0]
    return Soundness(reading, run_id, facts).judged()[0]


def brief(table: Table) -> Table:
    """What of ``listed`` fits a terminal; what does not is cut, and whole in JSON."""
    rows = [
        [str(row[name] or "") for name in ("run_id", "profile", "validity", "target", "tag")]
        for row in (each | {"validity": each["validity"] or "?"} for each in table.dicts())
    ]
    columns = ("run_id", "profile", "validity", "target", "tag")
    taken = sum(2 + max([len(columns[i]), *(len(row[i]) for row in rows)]) for i in range(3))
    room = WIDTH - taken - 2
    longest_tag = max([len("tag"), *(len(row[4]) for row in rows)])
    for row in rows:
        place = row[3].partition("://")[2] or row[3]
        row[3] = cut(place, max(room // 2, room - longest_tag))
    longest = max([len("target"), *(len(row[3]) for row in rows)])
    for row in rows:
        row[4] = cut(row[4], room - longest)
    return Table(columns, ("VARCHAR",) * len(columns), tuple(tuple(row) for row in rows))


def shown(reading: Reading, run_id: str) -> Table:
    """One run with all that it says of itself, and the validity of its report."""
    return judged(reading, reading.sql(_SHOW, run_id=run_id))


def stages_of(reading: Sql, run_id: str) -> Table:
    return reading.sql(_STAGES, run_id=run_id)


def sizes(store: Path) -> list[RecordingSize]:
    """Every recording with its bytes on disk, oldest first."""
    with open_store(store) as reading:
        places = reading.sql(_PLACES).rows
        damaged = {loss.recording_id for loss in reading.losses}
    found = []
    for recording in find_recordings(store):
        inside = [row for row in places if row[1] == recording.recording_id]
        found.append(
            RecordingSize(
                recording_id=recording.recording_id,
                folder=recording.folder,
                bytes=sum(
                    file.stat().st_size for file in recording.folder.rglob("*") if file.is_file()
                ),
                spans=sum(_whole(row[2]) for row in inside),
                runs=tuple(str(row[0]) for row in inside if row[0]),
                state=_state(recording),
                # What can not be read may be missed by somebody, so it is not nothing.
                holds_anything=recording.alive or bool(inside) or recording.recording_id in damaged,
            )
        )
    return found


def sized(found: list[RecordingSize]) -> Table:
    return Table(
        ("recording", "bytes", "spans", "runs", "state"),
        ("VARCHAR", "BIGINT", "BIGINT", "VARCHAR", "VARCHAR"),
        tuple(
            (each.recording_id, each.bytes, each.spans, ", ".join(each.runs) or "none", each.state)
            for each in found
        ),
    )


def brief_sizes(found: list[RecordingSize]) -> Table:
    """As a terminal has room for it: megabytes, and of several runs only how many."""
    rows = []
    for each in found:
        runs = f"{len(each.runs)} runs (-f json)" if len(each.runs) > 1 else "".join(each.runs)
        size = Decimal(each.bytes / 1e6).quantize(Decimal("0.1"))
        rows.append((each.recording_id, size, each.spans, each.state, runs or "none"))
    columns = ("recording", "MB", "spans", "state", "runs")
    return Table(columns, ("VARCHAR", "DECIMAL", "BIGINT", "VARCHAR", "VARCHAR"), tuple(rows))


def _state(recording: Recording) -> str:
    if recording.alive:
        return BEING_WRITTEN
    return CLOSED if recording.ended else NO_SHUTDOWN


def to_remove(
    store: Path, selectors: list[str], empty: bool = False
) -> tuple[set[str], list[RecordingSize]]:
    """The runs named and the recordings that go: theirs, those without any run that are named by
    their own id, and with ``empty`` those that hold nothing.

    Raises:
        StoreError: there is no such run, or others would go with it.
    """
    named = {each.recording_id: each for each in sizes(store)}
    doomed = [each for each in named.values() if empty and not each.holds_anything]
    run_ids: set[str] = set()
    for selector in selectors:
        recording = named.get(selector)
        if recording is None:
            reading, run_id = open_selected(store, selector)
            reading.close()
            run_ids.add(run_id)
        elif recording.runs:
            raise StoreError(
                f"the recording {selector} holds {', '.join(recording.runs)}: name those runs"
            )
        else:
            doomed.append(recording)
    _refuse_living(doomed)
    return run_ids, list(dict.fromkeys([*doomed, *removable(store, run_ids)]))


def removable(store: Path, run_ids: set[str]) -> list[RecordingSize]:
    """The recordings to delete for these runs; StoreError when others would go with them."""
    doomed = [each for each in sizes(store) if run_ids & set(each.runs)]
    _refuse_living(doomed)
    for each in doomed:
        others = set(each.runs) - run_ids
        if others:
            raise StoreError(
                f"the recording {each.recording_id} also holds {', '.join(sorted(others))}:"
                " name those runs too, or `ovl export` what should stay"
            )
    return doomed


def _refuse_living(doomed: list[RecordingSize]) -> None:
    for each in doomed:
        if each.alive:
            raise StoreError(
                f"the recording {each.recording_id} is being written: stop its collector first"
            )


def remove(doomed: list[RecordingSize]) -> None:
    """Deletes the folders; each is moved aside first, so that no reader meets half a recording."""
    for each in doomed:
        aside = each.folder.with_name(f".{each.folder.name}.removed")
        try:
            each.folder.rename(aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise StoreError(
                f"can not remove {each.folder}: {error.strerror or error}; remove it by hand"
            ) from error


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
