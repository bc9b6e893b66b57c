"""The list of a recording's segment files: what the collector writes and every reader starts from.

Replaced atomically as a whole. A segment is ``live`` until its file is closed and checkpointed;
only ``sealed`` ones may be opened by others while the recording's collector lives.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from ovl_collector.errors import CollectorError
from ovl_collector.files import replace_file

MANIFEST_FILE: Final = "manifest.json"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """Counts of a live segment are zero until it is sealed. Times are when it was received."""

    file: str
    number: int
    state: Literal["live", "sealed"] = "live"
    batches: int = 0
    spans: int = 0
    metric_points: int = 0
    bytes: int = 0
    first_unix_ns: int | None = None
    last_unix_ns: int | None = None
    may_hold_duplicates: bool = False
    rolled_up: bool = False  # retention took its raw spans and left their cells


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file that could not be opened; it is kept under its new name, never deleted."""

    file: str
    error: str


@dataclass(frozen=True, slots=True)
class Shortened:
    """A segment that holds less than was acknowledged into it (its write-ahead log was cut)."""

    file: str
    batches_missing: int
    spans_missing: int
    metric_points_missing: int


@dataclass(frozen=True, slots=True)
class Manifest:
    recording: str
    created_unix_ns: int
    ended: bool = False
    segments: tuple[SegmentEntry, ...] = ()
    damaged: tuple[Damaged, ...] = ()
    shortened: tuple[Shortened, ...] = ()

    def with_segment(self, entry: SegmentEntry) -> Manifest:
        """Adds the entry or puts it in the place of the one with its number."""
        others = [known for known in self.segments if known.number != entry.number]
        segments = tuple(sorted([*others, entry], key=lambda known: known.number))
        return replace(self, segments=segments)

    def without_segment(self, number: int) -> Manifest:
        return replace(
            self, segments=tuple(known for known in self.segments if known.number != number)
        )

    def write(self, folder: Path) -> None:
        content = orjson.dumps({"format": FORMAT, **asdict(self)}, option=orjson.OPT_INDENT_2)
        replace_file(folder / MANIFEST_FILE, content + b"\n")


def read_manifest(folder: Path) -> Manifest:
    """Raises CollectorError when there is none or it is of another format."""
    path = folder / MANIFEST_FILE
    try:
        raw: dict[str, Any] = orjson.loads(path.read_bytes())
        if raw["format"] != FORMAT:
            raise CollectorError(
                f"{path} has format {raw['format']}, this version reads {FORMAT}; "
                "use a newer ovl-collector"
            )
        return Manifest(
            recording=raw["recording"],
            created_unix_ns=raw["created_unix_ns"],
            ended=raw["ended"],
            segments=tuple(SegmentEntry(**entry) for entry in raw["segments"]),
            damaged=tuple(Damaged(**entry) for entry in raw.get("damaged", ())),
            shortened=tuple(Shortened(**entry) for entry in raw.get("shortened", ())),
        )
    except FileNotFoundError:
        raise CollectorError(f"{folder} holds no {MANIFEST_FILE}; it is not a recording") from None
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise CollectorError(f"{path} can not be read ({error}); restore or remove it") from error
