"""The catalogue of named queries: SQL files with a header that says what each one answers.

The files are the interface: ``ovl query NAME`` runs exactly what the report ran. They live outside
the package in a checkout and travel inside it in a wheel, so both places are looked at.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from otel_voiceload.errors import UsageError

HEADER_FIELDS = ("title", "question", "columns", "reads")
_PARAMETER = re.compile(r"\$([a-z]\w*)")  # a path into JSON has a quote there
# The views that people's own SQL may rely on, in the order in which one meets them.
RUN_VIEWS = (  # each has a run_id, so that it can be cut to one run
    "runs",
    "stages",
    "concurrency",
    "levels",
    "calls",
    "turns",
    "component_spans",
    "component_observations",
    "curve",
    "otel_spans",
    "metric_points",
    "resource_usage",
)
PUBLIC_VIEWS = (*RUN_VIEWS, "ledger")


@dataclass(frozen=True, slots=True)
class Query:
    name: str
    title: str
    question: str
    columns: tuple[str, ...]
    reads: tuple[str, ...]
    parameters: frozenset[str]
    sql: str


@cache
def queries_folder() -> Path:
    """Where the SQL is: inside an installed wheel, else beside the package in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "queries", package.parent / "queries"):
        if (folder / "views" / "_order").is_file():
            return folder
    raise UsageError(
        f"The SQL files of otel-voiceload are missing beside {package}: reinstall the package."
    )


@cache
def catalogue() -> dict[str, Query]:
    """Every named query by name, in alphabetical order."""
    return {
        path.stem: parse(path.stem, path.read_text())
        for path in sorted(queries_folder().glob("*.sql"))
    }


def find(name: str) -> Query:
    """The query of that name; UsageError naming the nearest ones, views too, when there is none."""
    known = catalogue()
    if name in known:
        return known[name]
    names = dict.fromkeys([*known, *PUBLIC_VIEWS])
    near = difflib.get_close_matches(name, names, n=3)
    near = near or [each for each in names if name in each][:3]  # `health` of generator_health
    hint = f" Did you mean {', '.join(near)}?" if near else ""
    raise UsageError(f"There is no query named {name!r}.{hint} `ovl query --list` shows all.")


def view_files() -> tuple[Path, ...]:
    """The view files in creation order: DuckDB binds what a view reads when it is created."""
    folder = queries_folder() / "views"
    names = [line.strip() for line in (folder / "_order").read_text().splitlines()]
    return tuple(folder / name for name in names if name and not name.startswith("#"))


def mapping_files() -> tuple[Path, ...]:
    """The mappings from somebody's spans to the canonical columns, one file each."""
    return tuple(sorted((queries_folder() / "mappings").glob("*.sql")))


@cache
def _reads() -> dict[str, frozenset[str]]:
    """Each view, and each mapping, with those that its SQL names."""
    texts = {path.stem: path.read_text() for path in view_files() if path.is_file()}
    mappings = {f"mapping_{path.stem}": path.read_text() for path in mapping_files()}
    texts |= mappings | {"mapped": "mapped_spans", "mapped_spans": " ".join(mappings)}
    return {
        name: frozenset(re.findall(r"\w+", re.sub("--.*", "", text))) & frozenset(texts) - {name}
        for name, text in texts.items()
    }


def needed(names: Iterable[str]) -> frozenset[str]:
    """Every view that is read, at any depth, when these are asked; other names count nothing."""
    found: set[str] = set()
    pending = set(names) & set(_reads())
    while pending:
        found |= pending
        pending = {each for name in pending for each in _reads()[name]} - found
    return frozenset(found)


def parse(name: str, text: str) -> Query:
    """Reads the header comments; a missing field is an error of the file, named."""
    fields: dict[str, str] = {}
    last: str | None = None
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        body = line[2:].strip()
        key, colon, value = body.partition(":")
        if colon and key in HEADER_FIELDS:
            last = key
            fields[key] = value.strip()
        elif last is not None and line.startswith("--   "):  # indented: the field goes on
            fields[last] = f"{fields[last]} {body}".strip()
    missing = [field for field in HEADER_FIELDS if not fields.get(field)]
    if missing:
        raise UsageError(f"The query file {name}.sql lacks the header {', '.join(missing)}.")
    return Query(
        name=name,
        title=fields["title"],
        question=fields["question"],
        columns=_words(fields["columns"]),
        reads=_words(fields["reads"]),
        parameters=frozenset(_PARAMETER.findall(re.sub("--.*", "", text))),
        sql=text,
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.replace(",", " ").split() if word)
