"""SQL over what is being written at this moment: a cursor of the live database, held on a short
lead.

Nobody else may open the live file, so live figures are asked here. One SELECT at a time, in a
read-only transaction, with bounded rows and time; a seal interrupts it. Files of this machine are
out of reach, since the live database is closed to anything but its own file.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Final

import duckdb
import orjson

from ovl_collector.segment_file import SegmentFile

MAX_ROWS: Final = 10_000
MAX_SECONDS: Final = 10.0
_MAX_TEXT: Final = 100_000


class QueryRefused(Exception):
    """The message is for whoever asked."""


@dataclass(frozen=True, slots=True)
class Question:
    sql: str
    max_rows: int = 1000
    max_seconds: float = 5.0


def read_question(body: bytes) -> Question:
    """From JSON: ``{"sql": text, "max_rows": int, "max_seconds": number}``. Raises QueryRefused."""
    try:
        content = orjson.loads(body)
        question = Question(
            sql=content["sql"],
            max_rows=min(MAX_ROWS, int(content.get("max_rows", 1000))),
            max_seconds=min(MAX_SECONDS, float(content.get("max_seconds", 5.0))),
        )
        statements = duckdb.extract_statements(question.sql[:_MAX_TEXT])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise QueryRefused(f'write {{"sql": "select ..."}}: {error}') from error
    except duckdb.Error as error:
        raise QueryRefused(str(error)) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise QueryRefused("one SELECT is wanted")
    if question.max_rows < 1 or question.max_seconds <= 0:
        raise QueryRefused("max_rows and max_seconds must be positive")
    return question


def answer(live: SegmentFile, question: Question) -> dict[str, Any]:
    """Columns and rows of the live segment. Runs in a thread of its own. Raises QueryRefused."""
    with live.reading() as cursor:
        if cursor is None:
            raise QueryRefused("the segment is being sealed; ask again")
        timer = threading.Timer(question.max_seconds, cursor.interrupt)
        timer.start()
        try:
            cursor.execute("begin transaction read only")
            cursor.execute(question.sql)
            columns = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchmany(question.max_rows + 1)
        except duckdb.InterruptException as error:
            raise QueryRefused(
                f"not done within {question.max_seconds:g} s, or a seal came between"
            ) from error
        except duckdb.Error as error:
            raise QueryRefused(str(error)) from error
        finally:
            timer.cancel()
    return {
        "file": live.path.name,
        "columns": columns,
        "rows": [[_plain(value) for value in row] for row in rows[: question.max_rows]],
        "truncated": len(rows) > question.max_rows,
    }


def _plain(value: Any) -> Any:
    """What JSON can hold; ids as hex, numbers beyond 64 bits and times as text."""
    if isinstance(value, bytes):
        return value.hex()
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**64 else str(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)
