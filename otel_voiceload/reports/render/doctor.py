"""The findings of the doctor for a terminal: a line for each thing looked at, faults counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

Row = Sequence[object]


def render(run_id: str, rows: Sequence[Row]) -> str:
    """``rows`` are check, subject, checked, faulty, verdict, found, left_out."""
    lines = [f"run {run_id}: {_whole(rows)}", ""]
    width = max([0, *(len(str(row[1])) for row in rows)])
    before = ""
    for check, subject, checked, faulty, verdict, found, left_out in map(tuple, rows):
        name = str(check) if check != before else ""
        before = str(check)
        is_fault = verdict in ("fail", "warn")
        lines.append(
            f"  {str(verdict).upper() if is_fault else verdict!s:<9}{name:<14}"
            f"{subject!s:<{width}}  {_share(faulty, checked)}"
        )
        if verdict != "ok" or check == "joins":
            lines.append(f"             {found}")
        if is_fault and left_out != "nothing":
            lines.append(f"             left out: {left_out}")
    lines += ["", "next: ovl query doctor_NAME shows the query behind a line with --show"]
    return "\n".join(lines)


def _whole(rows: Sequence[Row]) -> str:
    counts = Counter(str(row[4]) for row in rows)
    empty = counts["unknown"]
    rest = f", {empty} had nothing to look at" if empty else ""
    if counts["fail"]:
        return f"{counts['fail']} of {len(rows)} checks failed; do not trust its components yet"
    if counts["warn"]:
        return f"{counts['warn']} of {len(rows)} checks have a remark{rest}"
    if empty:
        return f"{len(rows) - empty} of {len(rows)} checks are well{rest}"
    return f"all {len(rows)} checks are well"


def _share(faulty: object, checked: object) -> str:
    return f"{checked:,}" if faulty == 0 else f"{faulty:,} of {checked:,}"
