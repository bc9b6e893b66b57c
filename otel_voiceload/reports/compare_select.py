"""The runs that one side of a comparison means: ids, files, a tag that several share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from otel_voiceload.errors import StoreError, UsageError
from otel_voiceload.reports.compare_read import RunFigures, read_run
from otel_voiceload.reports.marks import Marks, read_marks
from otel_voiceload.store.open import open_run, open_store
from otel_voiceload.store.reading import Reading

NEWEST: Final = 10  # of the runs that share a tag
_TAGGED: Final = """
select run_id from runs where tag = $tag order by started_ns desc, run_id
"""
_BASELINES: Final = """
select other.run_id
from runs this
join runs other
    on other.run_id <> this.run_id
    and other.target is not distinct from this.target
    and other.wire is not distinct from this.wire
    and other.scenario_hash is not distinct from this.scenario_hash
    and other.clip_pack is not distinct from this.clip_pack
where this.run_id = $run_id and (other.tag = 'baseline' or list_contains($marked, other.run_id))
order by other.started_ns desc, other.run_id
"""


@dataclass(frozen=True, slots=True)
class Sides:
    base: list[RunFigures]
    run: list[RunFigures]
    notes: list[str]


def read_sides(store: Path, base: str, run: str) -> Sides:
    """Both sides read. UsageError when a run is on both, StoreError when one is not there."""
    marks = read_marks(store)
    notes: list[str] = []
    with ExitStack() as opened:
        files: dict[str, tuple[Reading, str]] = {}
        for part in _parts(base) + _parts(run):
            if part.endswith(".duckdb") and part not in files:
                reading, run_id = open_run(part, store)
                files[part] = (opened.enter_context(reading), run_id)
        stored: Reading | None = None
        if any(part not in files for part in _parts(base) + _parts(run)):
            stored = opened.enter_context(open_store(store))
            notes += stored.notes
        found: dict[str, list[tuple[Reading, str]]] = {}
        for side in (run, base):  # RUN first: a baseline is one of the same target as RUN
            chosen: list[tuple[Reading, str]] = []
            for part in _parts(side):
                if part in files:
                    chosen.append(files[part])
                elif stored is not None:
                    of = found.get(run, [])
                    ids = _ids(stored, marks, part, of[0][1] if of else None, notes)
                    chosen += [(stored, run_id) for run_id in ids]
            found[side] = list(dict.fromkeys(chosen))
        both = {run_id for _, run_id in found[base]} & {run_id for _, run_id in found[run]}
        if both:
            raise UsageError(
                f"The run {sorted(both)[0]} is on both sides: name other runs as BASE or as RUN."
            )
        read = {
            run_id: read_run(reading, run_id, marks.baselines)
            for side in (base, run)
            for reading, run_id in found[side]
        }
        return Sides(
            [read[run_id] for _, run_id in found[base]],
            [read[run_id] for _, run_id in found[run]],
            notes,
        )


def _parts(side: str) -> list[str]:
    parts = [part.strip() for part in side.split(",") if part.strip()]
    if not parts:
        raise UsageError("One side of the comparison names no run.")
    return parts


def _ids(
    reading: Reading, marks: Marks, part: str, run_id: str | None, notes: list[str]
) -> Sequence[str]:
    if part == "baseline" and run_id is not None:
        rows = reading.sql(_BASELINES, run_id=run_id, marked=list(marks.baselines)).rows
        if not rows:
            raise StoreError(
                f"No run is marked as a baseline of the same target, wire, scenarios and clips as"
                f" {run_id}: mark one with `ovl runs baseline RUN`."
            )
    else:
        rows = reading.sql(_TAGGED, tag=part).rows
    tagged = [str(row[0]) for row in rows]
    if part in marks.tags and marks.tags[part] not in tagged:
        tagged.append(marks.tags[part])
    if len(tagged) > NEWEST:
        notes.append(f"{len(tagged)} runs share {part!r}: the newest {NEWEST} are compared")
    return tagged[:NEWEST] or [reading.run_id(part)]
