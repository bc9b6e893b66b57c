"""How sure a name is: how often such a naming was right on the accuracy benchmark.

Namings are told apart by what can be seen of them, and the share of each kind that was right is
counted by `make accuracy` on runs whose truth is known; `certainty.json` beside this file holds the
counts. It is about the name, and about its being load at all, not about where the knee lies.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final, Literal

Standing = Literal["strong", "fair", "weak", "shared"]
STANDINGS: Final[tuple[Standing, ...]] = ("strong", "fair", "weak", "shared")
TABLE: Final = Path(__file__).with_suffix(".json")
_WORDS: Final = ((0.95, "very likely"), (0.85, "likely"), (0.6, "rather likely"))
FEWEST: Final = 10  # namings of a kind: fewer are no share of anything


def standing(*, saturated: bool, recovered: bool, alone: bool) -> Standing:
    """``saturated``: extra calls do wait in it; ``recovered``: well again at a lower load.

    ``alone`` is false for one of several names.
    """
    if not alone:
        return "shared"
    if saturated and recovered:
        return "strong"
    return "fair" if saturated or recovered else "weak"


def wording(kind: Standing, *, whole_turn: bool) -> str:
    """For people: ``very likely (0.98: 301 of 307 such namings in simulation were right)``."""
    right, named = _counts()["turn" if whole_turn else "component"].get(kind, (0, 0))
    if named < FEWEST:
        return "unknown (such a naming is too rare in simulation)"
    share = right / named
    word = next((word for least, word in _WORDS if share >= least), "doubtful")
    return f"{word} ({share:.2f}: {right} of {named} such namings in simulation were right)"


def write(counts: dict[str, dict[str, tuple[int, int]]]) -> None:
    """Replaces the table; ``counts`` are (right, named) by what was named and by standing."""
    TABLE.write_text(json.dumps(counts, indent=1) + "\n", encoding="utf-8")


@cache
def _counts() -> dict[str, dict[str, tuple[int, int]]]:
    found: dict[str, dict[str, tuple[int, int]]] = json.loads(TABLE.read_text(encoding="utf-8"))
    return found
