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
        lines.append(
            f"  {str(verdict).upper() if verdict != 'ok' else 'ok':<5}{name:<14}"
            f"{subject!s:<{width}}  {_share(faulty, checked)}"
        )
        if verdict != "ok":
            lines.append(f"         {found}")
            if left_out != "nothing":
                lines.append(f"         left out: {left_out}")
        elif check == "joins":
            lines.append(f"         {found}")
    lines += ["", "next: ovl query doctor_NAME shows the query behind a line with --show"]
    return "\n".join(lines)


def _whole(rows: Sequence[Row]) -> str:
    counts = Counter(str(row[4]) for row in rows)
    if counts["fail"]:
        return f"{counts['fail']} of {len(rows)} checks failed; do not trust its components yet"
    if counts["warn"]:
        return f"{counts['warn']} of {len(rows)} checks have a remark"
    return f"all {len(rows)} checks are well"


def _share(faulty: object, checked: object) -> str:
    return f"{checked:,}" if faulty == 0 else f"{faulty:,} of {checked:,}"
