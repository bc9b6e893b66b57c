"""Keeping a store within a size and an age, by whole sealed files, the oldest first.

Deleting rows does not shrink a DuckDB file, so files go. Nothing of a running or tagged run goes,
nor what was received while it ran, since its target's spans carry no run id. What holds spans of an
untagged run is rolled up instead of removed, and removed only when everything else is gone. When
the marks of the store can not be read nothing goes at all.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import orjson

from ovl_collector.errors import CollectorError
from ovl_collector.locks import RecordingLock, is_locked
from ovl_collector.manifest import Manifest, SegmentEntry, read_manifest
from ovl_collector.rollup import Other, SegmentRuns, roll_up, runs_of
from ovl_collector.segment_file import remove_database
from ovl_collector.segments import Segments

MARKS_FILE: Final = "marks.json"
_FOREVER_NS: Final = 2**63
# Spans of one turn come from several exporters, which hold back and try again for so long.
_NEAR_NS: Final = 120 * 10**9


@dataclass(frozen=True, slots=True)
class Keep:
    """How much and how long; None is without end. Bytes are of the whole store."""

    max_bytes: int | None = None
    max_age_s: float | None = None

    @property
    def is_bounded(self) -> bool:
        return self.max_bytes is not None or self.max_age_s is not None

    def problems(self) -> list[str]:
        return [
            f"retention {name} must be positive, not {value}"
            for name, value in (("max_bytes", self.max_bytes), ("max_age_s", self.max_age_s))
            if value is not None and value <= 0
        ]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed segment as retention sees it. ``is_over``: its recording's collector is gone."""

    folder: Path
    entry: SegmentEntry
    runs: SegmentRuns
    is_over: bool

    @property
    def first_ns(self) -> int:
        return self.entry.first_unix_ns or 0

    @property
    def last_ns(self) -> int:
        return self.entry.last_unix_ns or self.first_ns


def protected_times(segments: Iterable[Sealed], marked: frozenset[str]) -> list[tuple[int, int]]:
    """From the first to the last batch of each tagged run; of a running one without end."""
    held: dict[str, list[Sealed]] = {}
    for segment in segments:
        for run in segment.runs.runs:
            held.setdefault(run, []).append(segment)
    found = []
    for run, places in held.items():
        ended = any(run in place.runs.ended for place in places)
        # A collector that died may have been followed by another: then the run goes on there.
        began = any(run in place.runs.began for place in places)
        runs_on = began and not ended and any(not place.is_over for place in places)
        if runs_on or run in marked or any(run in place.runs.tagged for place in places):
            last_ns = _FOREVER_NS if runs_on else max(place.last_ns for place in places)
            found.append((min(place.first_ns for place in places), last_ns))
    return found


def removable(
    segments: Sequence[Sealed], marked: frozenset[str], now_unix_ns: int, keep: Keep, size: int
) -> list[Sealed]:
    """What may go, in the order in which it should: oldest first, rolled-up files last of all."""
    times = protected_times(segments, marked)
    free = sorted(
        (
            segment
            for segment in segments
            if not any(
                segment.first_ns <= last_ns and segment.last_ns >= first_ns
                for first_ns, last_ns in times
            )
        ),
        key=lambda segment: (segment.entry.rolled_up, segment.last_ns),
    )
    too_big = keep.max_bytes is not None and size > keep.max_bytes
    limit_ns = None if keep.max_age_s is None else now_unix_ns - int(keep.max_age_s * 1e9)
    return [
        segment
        for segment in free
        if too_big
        or (limit_ns is not None and segment.last_ns < limit_ns and not segment.entry.rolled_up)
    ]


def other_of(other: Sealed, segment: Sealed) -> Other:
    """Another file as the roll-up of ``segment`` sees it."""
    is_near = (
        other.first_ns - _NEAR_NS <= segment.last_ns
        and other.last_ns + _NEAR_NS >= segment.first_ns
    )
    return Other(other.folder / other.entry.file, other.runs.runs, is_near)


class Retention:
    """Sweeps a store now and then; used by one thread at a time, beside the writer."""

    def __init__(
        self, store: Path, own: Segments, keep: Keep, *, unix_ns: Callable[[], int]
    ) -> None:
        self._store = store
        self._own = own
        self._keep = keep
        self._unix_ns = unix_ns
        self._known: dict[tuple[Path, int], SegmentRuns] = {}  # by file and size
        self._told: set[str] = set()

    def sweep(self) -> list[str]:
        """Removes or rolls up what is over the limits; the files' names."""
        try:
            return self._sweep()
        except (OSError, CollectorError, duckdb.Error) as error:
            self._tell(f"retention stopped: {error}")
            return []

    def _sweep(self) -> list[str]:
        keep, now_unix_ns = self._keep, self._unix_ns()
        size = self._size()
        manifests = list(self._manifests())
        if (keep.max_bytes is None or size <= keep.max_bytes) and not self._any_too_old(
            manifests, now_unix_ns
        ):
            return []
        marked = marked_runs(self._store)
        done = []
        sealed = list(self._sealed(manifests))
        for segment in removable(sealed, marked, now_unix_ns, keep, size):
            too_old = keep.max_age_s is not None and (
                segment.last_ns < now_unix_ns - int(keep.max_age_s * 1e9)
            )
            if not too_old and (keep.max_bytes is None or size <= keep.max_bytes):
                break
            others = [
                other_of(each, segment)
                for each in sealed
                if each is not segment and (each.folder / each.entry.file).exists()
            ]
            freed = self._let_go(segment, now_unix_ns, others)
            if freed is not None:
                size -= freed
                done.append(f"{segment.folder.name}/{segment.entry.file}")
        if keep.max_bytes is not None and size > keep.max_bytes:
            self._tell(
                f"the store is {size - keep.max_bytes} bytes over --max-size; the rest is being "
                "written or belongs to running or tagged runs"
            )
        return done

    def _size(self) -> int:
        size = 0
        for path in (self._store / "recordings").glob("*/segment-*.duckdb*"):
            with contextlib.suppress(FileNotFoundError):  # renamed or sealed meanwhile
                size += path.stat().st_size  # opens nothing: the live file may be asked too
        return size

    def _manifests(self) -> Iterable[tuple[Path, Manifest]]:
        for folder in sorted((self._store / "recordings").iterdir()):
            if folder == self._own.folder:
                yield folder, self._own.manifest
            elif folder.is_dir():
                try:
                    yield folder, read_manifest(folder)
                except CollectorError:
                    continue  # being made, or damaged: not ours to judge

    def _any_too_old(self, manifests: Iterable[tuple[Path, Manifest]], now_unix_ns: int) -> bool:
        if self._keep.max_age_s is None:
            return False
        limit_ns = now_unix_ns - int(self._keep.max_age_s * 1e9)
        return any(
            entry.state == "sealed"
            and not entry.rolled_up
            and (entry.last_unix_ns or limit_ns) < limit_ns
            for _, manifest in manifests
            for entry in manifest.segments
        )

    def _sealed(self, manifests: Iterable[tuple[Path, Manifest]]) -> Iterable[Sealed]:
        for folder, manifest in manifests:
            is_over = folder != self._own.folder and not is_locked(folder)
            for entry in manifest.segments:
                path = folder / entry.file
                if entry.state != "sealed" or not path.exists():
                    continue
                key = (path, entry.bytes)
                try:
                    if key not in self._known:
                        self._known[key] = runs_of(path)
                except duckdb.Error as error:
                    reason = str(error).splitlines()[0]
                    self._tell(f"{path} can not be read and is kept: {reason}", str(path))
                    continue
                if self._known[key].number != entry.number:
                    self._tell(
                        f"{path} is not the file that its manifest lists and is kept", str(path)
                    )
                    continue
                yield Sealed(folder, entry, self._known[key], is_over)

    def _let_go(self, segment: Sealed, now_unix_ns: int, others: Sequence[Other]) -> int | None:
        """Bytes freed; None when somebody else has the recording."""
        if segment.folder == self._own.folder:
            return self._change(segment, self._own.update, now_unix_ns, others)
        try:
            lock = RecordingLock.acquire(segment.folder)
        except CollectorError:
            return None

        def update(change: Callable[[Manifest], Manifest]) -> None:
            change(read_manifest(segment.folder)).write(segment.folder)

        try:
            return self._change(segment, update, now_unix_ns, others)
        finally:
            lock.release()

    def _change(
        self,
        segment: Sealed,
        update: Callable[[Callable[[Manifest], Manifest]], None],
        now_unix_ns: int,
        others: Sequence[Other],
    ) -> int:
        path, entry = segment.folder / segment.entry.file, segment.entry
        before = path.stat().st_size
        # Without a run id it may hold spans of a target all the same: the roll-up finds out.
        near_a_run = segment.runs.runs or any(other.is_near and other.runs for other in others)
        if near_a_run and not entry.rolled_up:
            rolled = roll_up(path, entry, now_unix_ns, others)
            if rolled is not None:
                update(lambda known: known.with_segment(rolled))
                return before - rolled.bytes
        # The manifest first: readers never look for a file that is gone.
        update(lambda known: known.without_segment(entry.number))
        remove_database(path)
        return before

    def _tell(self, message: str, subject: str = "") -> None:
        """Once for each subject: a sweep comes every few seconds and meets the same again."""
        subject = subject or message.split(";")[0][:20]
        if subject not in self._told:
            self._told.add(subject)
            print(f"ovl-collector: {message}", file=sys.stderr)


def marked_runs(store: Path) -> frozenset[str]:
    """Runs that carry a tag or are a baseline. Raises CollectorError when that can not be read."""
    path = store / MARKS_FILE
    try:
        content = orjson.loads(path.read_bytes())
        return frozenset([*content["tags"].values(), *content["baselines"]])
    except FileNotFoundError:
        return frozenset()
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise CollectorError(
            f"{path} can not be read ({error}), so nothing is removed; correct it"
        ) from error
