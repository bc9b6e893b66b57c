"""How the load was offered: did the generator hold up, and were its callers like people?

Not what the target did with it. A generator that was the limit measures itself; callers who speak
in step make bursts that no steady stream has; and a target that hears the same words again and
again may answer from memory. The first can make a run worthless, the second leans the knee to the
low side, the third is only said: what a target keeps is its own affair.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Final

LIMITED_SHARE: Final = 0.5  # of the generator's time: more, and what is left is not the run
# Of turn starts in bins of half a second; independent callers give 1. With the fewest bins that are
# judged, chance alone takes it over this in less than one run of a thousand.
DISPERSION: Final = 2.0
FEWEST_BINS: Final = 40
# The index grows with the load where the waves stay the same: at 400 calls it sees waves of an
# eighth, at 10,000 of a fortieth. Those of a fifth ask at their crest what a fifth more calls would
# ask all the time, as much as the interval of a knee is wide.
WAVES: Final = 0.2  # standard deviation beyond chance, of the mean
REPEATS: Final = 0.75  # of the turns: the same sounds, after the same ones since the call began
_WORDS: Final = {
    "pacing_error": "frames left late",
    "late_frames": "frames were dropped",
    "loop_lag": "its event loop lagged",
    "run_delay": "it waited for a core",
    "no_heartbeat": "a worker said nothing",
}


@dataclass(frozen=True, slots=True)
class Offered:
    """None is "not recorded". Shares and seconds are of all workers together."""

    limited_s: float = 0.0
    limited_share: float | None = None
    limited_by: str = ""  # reasons, the most frequent first
    told: bool = True  # whether the generator said at all when it was the limit
    dispersion: float | None = None
    bins: int = 0
    turns: int = 0  # that began in the bins
    prompt_repeat_ratio: float | None = None

    @property
    def waves(self) -> float | None:
        """How far turn starts swing beyond chance, as a share of their mean."""
        if self.dispersion is None or not self.turns:
            return None
        return sqrt(max(0.0, self.dispersion - 1) * self.bins / self.turns)

    @property
    def reasons(self) -> str:
        """In words, such as ``frames left late, its event loop lagged``."""
        return ", ".join(_WORDS.get(each, each) for each in self.limited_by.split(", ") if each)


def against(offered: Offered) -> tuple[list[str], list[str], list[str]]:
    """What makes a run worthless, what limits it, and what is only to be known."""
    grave: list[str] = []
    light: list[str] = []
    known: list[str] = []
    share = offered.limited_share or 0.0
    if share > LIMITED_SHARE:
        grave.append(f"the generator was the limit for {share * 100:.0f} % of the time")
    elif offered.limited_s > 0:
        seconds = f"{max(1.0, offered.limited_s):.0f} s"
        known.append(f"{seconds} left out in which the generator was the limit: {offered.reasons}")
    if not offered.told:
        light.append("this run does not say when its generator was the limit: an older version's")
    dispersion, waves = offered.dispersion, offered.waves
    if (
        dispersion is not None
        and waves is not None
        and dispersion > DISPERSION
        and offered.bins >= FEWEST_BINS
    ):
        varies = f"turn starts vary {dispersion:.1f} times as much as those of independent callers"
        if waves > WAVES:
            light.append(
                f"callers spoke in step: {varies}, so the target met waves of {waves * 100:.0f} %"
            )
        else:
            known.append(f"{varies}: waves of {waves * 100:.0f} %, which move no knee by much")
    repeats = offered.prompt_repeat_ratio
    if repeats is not None and repeats > REPEATS:
        known.append(
            f"{repeats * 100:.0f} % of the turns repeat a conversation of this run word for word:"
            " a target that keeps its answers looks faster than it is"
        )
    return grave, light, known
