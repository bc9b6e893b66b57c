"""The doctor's findings: the rows of every ``doctor_*`` query, the gravest first within a check.

A check that had nothing to look at has found nothing wrong either, and is still not well: it is
``unknown``, so that nobody takes a target without spans for one whose spans are sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from otel_voiceload.store import catalogue
from otel_voiceload.store.reading import Table

PREFIX: Final = "doctor_"
VERDICTS: Final = ("fail", "warn", "ok", "unknown")
NOTHING: Final = ("anything", 0, 0, "unknown", "nothing to look at", "nothing")


class Asked(Protocol):
    """What of an open store is needed here."""

    def table(self, name: str, **parameters: object) -> Table: ...


@dataclass(frozen=True, slots=True)
class Examined:
    """``rows`` are check, subject, checked, faulty, verdict, found, left_out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    @property
    def failed(self) -> bool:
        return any(row[self.columns.index("verdict")] == "fail" for row in self.rows)


def checks() -> tuple[str, ...]:
    """The names of the checks, without their prefix."""
    found = (name for name in catalogue.catalogue() if name.startswith(PREFIX))
    return tuple(name.removeprefix(PREFIX) for name in found)


def examined(reading: Asked, run_id: str) -> Examined:
    columns: tuple[str, ...] = ()
    rows: list[tuple[object, ...]] = []
    for check in checks():
        table = reading.table(PREFIX + check, run_id=run_id)
        columns = ("check", *table.columns)
        verdict = table.columns.index("verdict")
        ordered = sorted(table.rows, key=lambda row: VERDICTS.index(str(row[verdict])))
        rows += [(check, *row) for row in ordered or [NOTHING]]
    return Examined(columns, tuple(rows))
