"""Tags and baselines that people give to runs after the fact, kept in one small file of the store.

Recordings are never altered, so a tag given later can not go into one. ``marks.json`` stands beside
them: names that point to runs, and the runs that others are compared with. A run's own tag, given
when it was started, is in its recording and needs no entry here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import orjson

from otel_voiceload.errors import StoreError, UsageError

FILE: Final = "marks.json"
FORMAT: Final = 1
RESERVED: Final = ("latest", "baseline", "all", "-")


@dataclass(frozen=True, slots=True)
class Marks:
    """Tag -> run id, and the runs marked as baselines, the newest mark last."""

    tags: dict[str, str]
    baselines: tuple[str, ...]

    def resolve(self, selector: str) -> str:
        """The run id behind a tag or ``baseline``; any other selector comes back as it is."""
        if selector == "baseline" and self.baselines:
            return self.baselines[-1]
        return self.tags.get(selector, selector)

    def tags_of(self, run_id: str) -> list[str]:
        return sorted(tag for tag, run in self.tags.items() if run == run_id)

    def tagged(self, tag: str, run_id: str) -> Marks:
        """With ``tag`` on ``run_id``, and on no other run."""
        if tag in RESERVED or not tag.strip() or tag != tag.strip():
            raise UsageError(
                f"{tag!r} can not be a tag: choose a word other than {', '.join(RESERVED)}"
            )
        return replace(self, tags={**self.tags, tag: run_id})

    def untagged(self, tag: str) -> Marks:
        if tag not in self.tags:
            raise UsageError(f"no run carries the tag {tag!r}; `ovl runs` shows the tags")
        return replace(self, tags={name: run for name, run in self.tags.items() if name != tag})

    def with_baseline(self, run_id: str) -> Marks:
        others = tuple(each for each in self.baselines if each != run_id)
        return replace(self, baselines=(*others, run_id))

    def without(self, run_ids: set[str]) -> Marks:
        """After these runs were removed."""
        return Marks(
            tags={tag: run for tag, run in self.tags.items() if run not in run_ids},
            baselines=tuple(run for run in self.baselines if run not in run_ids),
        )


def read_marks(store: Path) -> Marks:
    """The marks of a store; none when nobody has given any, or for a single exported file."""
    path = store / FILE
    try:
        content = orjson.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise StoreError(
                f"{path} has format {content['format']}, this version reads {FORMAT}:"
                " use the version of otel-voiceload that wrote it"
            )
        return Marks(
            tags={str(tag): str(run) for tag, run in content["tags"].items()},
            baselines=tuple(str(run) for run in content["baselines"]),
        )
    except (FileNotFoundError, NotADirectoryError):
        return Marks({}, ())
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{path} can not be read ({error}): correct it, or remove it to lose the tags"
        ) from error


def write_marks(store: Path, marks: Marks) -> None:
    """Replaces the file in one step, so that nobody ever reads half of it."""
    path = store / FILE
    part = path.with_suffix(f".{os.getpid()}.part")
    content = {"format": FORMAT, "tags": marks.tags, "baselines": list(marks.baselines)}
    try:
        part.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
        part.replace(path)
    except OSError as error:
        raise StoreError(f"can not write {path}: {error.strerror or error}") from error
