"""How many rounds to play: few in ``make test``, all of them in ``make faults``."""

from __future__ import annotations

import os

FULL = 200
KILL_ROUNDS = int(os.environ.get("FAULT_ROUNDS", "6"))
DAMAGE_CASES = 2 * KILL_ROUNDS
IS_FULL = KILL_ROUNDS >= FULL
