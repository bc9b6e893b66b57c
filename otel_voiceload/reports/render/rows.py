"""Rows of a query: a table for people, JSON for scripts, CSV for sheets, Markdown for pages."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Literal

import orjson

from otel_voiceload.reports.render.markdown_parts import escape, table

Form = Literal["text", "json", "csv", "md"]
WIDTH: Final = 80  # of a terminal
NOTHING: Final = "-"  # a query's NULL may mean unknown, none or not applicable
_NUMBERS: Final = (int, float, Decimal)


def render(form: Form, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if form == "json":
        return to_json(columns, rows)
    if form == "csv":
        return to_csv(columns, rows)
    if form == "md":
        body = [[escape(shown(value)) for value in row] for row in rows]
        return table([escape(name) for name in columns], body)
    return to_text(columns, rows)


def to_json(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """An array of row objects; times in ISO 8601, blobs in hex, unknown is null."""
    objects = [dict(zip(columns, row, strict=True)) for row in rows]
    options = orjson.OPT_INDENT_2 | orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
    return orjson.dumps(objects, default=_for_json, option=options).decode()


def to_csv(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([["" if value is None else _plain(value) for value in row] for row in rows])
    return out.getvalue()


def to_text(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their content, numbers to the right; never cut, since figures matter."""
    cells = [[shown(value) for value in row] for row in rows]
    widths = [
        max(len(name), *(len(row[place]) for row in cells)) if cells else len(name)
        for place, name in enumerate(columns)
    ]
    right = [
        bool(rows) and all(isinstance(row[place], _NUMBERS) or row[place] is None for row in rows)
        for place in range(len(columns))
    ]

    def line(row: Sequence[str]) -> str:
        padded = (
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        )
        return "  ".join(padded).rstrip()

    count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([line(columns), rule, *map(line, cells), f"({count})"])


def in_words(rows: Sequence[Sequence[object]]) -> str:
    """Names with a sentence each, wrapped beside them to the width of a terminal."""
    margin = 2 + max([0, *(len(str(name)) for name, _ in rows)])
    return "\n".join(
        textwrap.fill(
            str(sentence),
            WIDTH,
            initial_indent=f"{name!s:<{margin}}",
            subsequent_indent=" " * margin,
            break_on_hyphens=False,
        )
        for name, sentence in rows
    )


def cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def shown(value: object) -> str:
    """A value for a person's eye; NULL is a dash."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e6 else f"{value:.0f}"
    return str(_plain(value)).replace("\n", " ")


def _plain(value: object) -> object:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat() + ("Z" if value.tzinfo is None else "")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=_for_json).decode()
    return value


def _for_json(value: object) -> object:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        return float(value)
    return str(value)
