"""Questions as users type them: the name of a query, the name of a view, or SQL of their own."""

from __future__ import annotations

import re
from typing import Final

import duckdb

from otel_voiceload.errors import UsageError
from otel_voiceload.reports.runs import judged
from otel_voiceload.store import catalogue
from otel_voiceload.store.reading import Reading, Table

# Views that people ask whole: they list runs, or belong to none.
WHOLE_VIEWS: Final = ("runs", "ledger")
RUN_VIEWS: Final = tuple(v for v in catalogue.PUBLIC_VIEWS if v not in WHOLE_VIEWS)
# Parameters that may be left out: NULL then means no window, no bend, no marked baselines.
MAY_BE_NULL: Final = ("since_ns", "until_ns", "knee_calls", "marked", "share")
# The small views as one reads them; to sort turns and spans would cost more than it helps.
IN_ORDER: Final = {
    "stages": "stage_index",
    "concurrency": '"at"',  # a word of SQL
    "levels": "started",
    "curve": "component, concurrency, level_no",
}
_NAME: Final = re.compile(r"^\w+$")
_NUMBER: Final = re.compile(r"^-?\d+(\.\d+)?$")


def ask(reading: Reading, question: str, run_id: str, parameters: dict[str, object]) -> Table:
    """The answer of a question; a query's or view's is about one run, SQL sees the whole store.

    Without a run (``run_id`` empty) a view is asked whole. SQL may say ``$run_id``, and every name
    of ``parameters``.
    """
    question = question.strip().rstrip(";").strip()
    if any("\ud800" <= sign <= "\udfff" for sign in question):  # bytes that no encoding explains
        raise UsageError("the question is not UTF-8 text; write it in UTF-8")
    if not question:
        raise UsageError("what is the question? give SQL or a name; `ovl query --list` shows names")
    bound = {"run_id": run_id, "of_run": run_id, **parameters}  # both names mean the asked run
    if not _NAME.match(question):
        return reading.sql(question, **_used(question, bound))
    if question in WHOLE_VIEWS:
        table = reading.sql(f"from {question}")
        return judged(reading, table) if question == "runs" else table
    if question in RUN_VIEWS and question not in catalogue.catalogue():
        if not run_id:
            return reading.sql(f"from {question}")
        order = IN_ORDER.get(question)
        text = f"from {question} where run_id = $run_id" + (f" order by {order}" if order else "")
        return reading.sql(text, run_id=run_id)
    names = set(_names(_code(catalogue.find(question).sql)))
    if not run_id:
        reading.run_id("latest")  # says that there is none, and how to make one
    unknown = set(parameters) - names
    if unknown:
        raise UsageError(f"the query {question} has no parameter {', '.join(sorted(unknown))}")
    missing = sorted(names - set(bound) - set(MAY_BE_NULL))
    if missing:
        raise UsageError(
            f"the query {question} lacks its parameter {', '.join(missing)}:"
            f" give {' '.join(f'--param {name}=VALUE' for name in missing)}"
        )
    try:
        return reading.table(question, **bound)
    except duckdb.ConversionException as error:
        if not parameters:
            raise
        why = str(error).splitlines()[0]
        raise UsageError(f"the query {question} can not take a --param: {why}") from error


def parameters_of(words: list[str]) -> dict[str, object]:
    """``knee_calls=46`` as a parameter; what looks like a number is one."""
    found: dict[str, object] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"{word!r} is no parameter: write NAME=VALUE")
        found[name] = float(value) if _NUMBER.match(value) else value
    return found


def listed() -> Table:
    """The catalogue: what can be asked by name."""
    rows = [(query.name, query.question) for query in catalogue.catalogue().values()]
    rows += [(view, f"the view {view}") for view in (*WHOLE_VIEWS, *RUN_VIEWS)]
    return Table(("name", "answers"), ("VARCHAR", "VARCHAR"), tuple(rows))


def text_of(name: str) -> str:
    """The SQL of a named query or view, as it stands in its file."""
    if name in (*WHOLE_VIEWS, *RUN_VIEWS) and name not in catalogue.catalogue():
        return (catalogue.queries_folder() / "views" / f"{name}.sql").read_text(encoding="utf-8")
    return catalogue.find(name).sql


def _used(sql: str, bound: dict[str, object]) -> dict[str, object]:
    """DuckDB refuses a parameter that the text does not name."""
    names = _names(sql)
    return {name: value for name, value in bound.items() if name in names}


def _code(sql: str) -> str:
    """The text without its comments: a header may name a parameter in words."""
    return re.sub(r"--.*", "", sql)


def _names(sql: str) -> list[str]:
    return re.findall(r"\$(\w+)", sql)
