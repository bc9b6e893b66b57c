"""What of a run the store still has: what is lost, and what only cells tell of.

Both come before any figure. A file that lacks what was acknowledged makes every count doubtful, and
a run whose raw spans retention took must not look whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from otel_voiceload.store.reading import Loss

RESOLUTION = "2.2 %"  # of a percentile: the width of a cell's bucket, see docs/store.md


def losses(found: Sequence[Loss], ledger: Mapping[str, object]) -> list[str]:
    """What was acknowledged and is gone from the recordings in which this run lies.

    ``ledger`` is the row of the query run_ledger.
    """
    mine = cast("Sequence[str]", ledger["recordings"] or ())
    return [loss.sentence for loss in found if loss.recording_id in mine]


def notes(said: Sequence[str], found: Sequence[Loss], ledger: Mapping[str, object]) -> list[str]:
    """The reader's other notes, and what retention took from this run."""
    grave = losses(found, ledger)
    kept = [note for note in said if note not in grave]
    return [*removed(ledger), *kept]


def removed(ledger: Mapping[str, object]) -> list[str]:
    """One sentence when raw spans of the run were removed; none when it is whole."""
    turns, spans = cast(int, ledger["turns_removed"]), cast(int, ledger["spans_removed"])
    until_ns = cast("int | None", ledger["removed_until_ns"])
    if not spans:
        return []
    if not turns or not until_ns:
        return [f"retention removed {spans} raw spans of this run; none of them was a turn's"]
    when = datetime.fromtimestamp(until_ns // 10**9, UTC).isoformat().replace("+00:00", "Z")
    left = cast(int, ledger["turns"]) - turns
    if left:
        what = f"raw spans of {turns} turns before {when} were removed"
    else:
        what = "the raw spans of all turns were removed"
    return [f"{what} by retention: their figures come from cells, percentiles within {RESOLUTION}"]
