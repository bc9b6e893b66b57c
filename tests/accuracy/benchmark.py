"""How often the analysis is right, on simulated runs whose truth is known. Run by `make accuracy`.

Every run goes through the same views, queries and analysis as `ovl analyze`; beside it the rivals
judge the same run. `--seeds release` scores the block of this release, which no change of the
analysis may have looked at, and writes the table of docs/accuracy.md; without it the development
seeds are scored and what went wrong is listed. How often names of each standing were right goes
into the table that the certainty of a report is read from.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from otel_voiceload.analysis import certainty
from otel_voiceload.analysis.inflection import Finding, Inflections
from otel_voiceload.capacity.simulate import SimulatedRun
from tests.accuracy import families
from tests.accuracy.demo_statistics import inflections
from tests.accuracy.families import EITHER, FREE, LIMITED, PROFILES, TWO_ALLOWED, Scene
from tests.accuracy.quick_store import QuickStore
from tests.accuracy.rivals import RIVALS, climb

RELEASE_SEED: Final = 70_000  # the first of this release's block; every release takes a fresh one
LIMITED_RUNS = 300
FREE_RUNS = 400
RUN = "scored"
PAIRED_WITH: Final = "median self time > 3x, persistent"  # the best of the rivals
PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
_BEGIN, _END = "<!-- accuracy -->", "<!-- /accuracy -->"
Job = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Score:
    """One detector on one run. ``verdict``: right, wrong, missed, abstained; quiet, false_alarm."""

    verdict: str
    named: tuple[str, ...] = ()
    error: float | None = None  # |N* found / N* true - 1|, where the name is right
    covered: bool | None = None
    width: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Naming:
    """One name that was given: of a component or of the whole turn, and whether rightly."""

    of: str
    standing: certainty.Standing
    right: bool


@dataclass(frozen=True, slots=True)
class Scored:
    family: str
    profile: str
    seed: int
    calls: float | None
    ours: Score
    rivals: dict[str, Score] = field(default_factory=dict)
    namings: tuple[Naming, ...] = ()


@cache
def _store() -> QuickStore:
    return QuickStore()


def run(job: Job) -> Scored:
    """Simulate one scene, analyse it, and compare with what was planted."""
    scene = families.draw(*job)
    played = SimulatedRun(run_id=RUN, planted=scene.component or "none")
    with _store().open(scene.play(played), RUN) as reading:
        found = inflections(reading, RUN)
        seen = climb(reading, RUN)
    rivals = {name: _score_rival(scene, rival(seen)) for name, rival in RIVALS.items()}
    return Scored(*job, scene.calls, score(scene, found.components), rivals, namings(scene, found))


def score(scene: Scene, finding: Finding) -> Score:
    named = tuple(each.component for each in finding.candidates)
    speaks = finding.status in ("found", "at_most", "ambiguous")
    if scene.component is None:
        return Score("false_alarm" if speaks else "quiet", named, note=finding.status)
    if not speaks:
        missed = finding.status == "not_reached"
        return Score("missed" if missed else "abstained", named, note=finding.status)
    first = next((c for c in finding.candidates if c.component == scene.component), None)
    allowed = {scene.component, scene.also}
    if scene.family in EITHER and first is None:
        first = next((c for c in finding.candidates if c.component == scene.also), None)
    if first is None:
        return Score("wrong", named, note=finding.status)
    if len(named) > 1 and not (scene.family in TWO_ALLOWED and set(named) <= allowed):
        return Score("abstained", named, note="ambiguous")
    error = covered = width = None
    if first.calls is not None and first.ci is not None and finding.status != "at_most":
        assert scene.calls is not None
        error = abs(first.calls / scene.calls - 1)
        covered = first.ci[0] <= scene.calls <= first.ci[1]
        width = first.ci[1] / first.ci[0]
    return Score("right", named, error, covered, width, finding.status)


def namings(scene: Scene, found: Inflections) -> tuple[Naming, ...]:
    """What the certainty of a name is counted from; a limit anywhere makes the turn's right."""
    faulty = {scene.component, scene.also if scene.family in EITHER else scene.component}
    speaking = ("found", "at_most", "ambiguous")
    return tuple(
        Naming(
            of,
            each.standing,
            scene.component is not None and (of == "turn" or each.component in faulty),
        )
        for of, finding in (("component", found.components), ("turn", found.turn))
        if finding.status in speaking
        for each in finding.candidates
    )


def certainties(scored: Iterable[Scored]) -> dict[str, dict[str, tuple[int, int]]]:
    """(right, named) by what was named and by standing."""
    given = [naming for each in scored for naming in each.namings]
    return {
        of: {
            kind: (sum(naming.right for naming in those), len(those))
            for kind in certainty.STANDINGS
            if (those := [n for n in given if n.of == of and n.standing == kind])
        }
        for of in ("component", "turn")
    }


def _score_rival(scene: Scene, answer: tuple[str, float] | None) -> Score:
    if scene.component is None:
        return Score("quiet" if answer is None else "false_alarm")
    if answer is None:
        return Score("missed")
    right = answer[0] == scene.component or (scene.family in EITHER and answer[0] == scene.also)
    if not right:
        return Score("wrong", (answer[0],))
    assert scene.calls is not None
    return Score("right", (answer[0],), abs(answer[1] / scene.calls - 1))


def jobs(first_seed: int, limited: int, free: int) -> list[Job]:
    """At least so many runs of each kind, the same number for each family and profile."""
    wanted: list[Job] = []
    for names, most in ((LIMITED, limited), (FREE, free)):
        cells = list(itertools.product(names, PROFILES))
        each = -(-most // len(cells))
        wanted += [(*cell, first_seed + n) for n in range(each) for cell in cells]
    return wanted


# --- the table ----------------------------------------------------------------------------------


def table(scored: Sequence[Scored]) -> list[str]:
    """Markdown: all detectors, then ours by family and by profile."""
    limited = [each for each in scored if each.calls is not None]
    free = [each for each in scored if each.calls is None]
    lines = [
        f"{len(limited)} runs with a bottleneck, {len(free)} without.",
        "",
        "| detector | right component | abstained | false alarms | N* error median / p90 "
        "| 95 % interval covers | width |",
        "|---|---|---|---|---|---|---|",
        _row("**otel-voiceload**", limited, free, lambda each: each.ours),
    ]
    for name in RIVALS:
        lines.append(_row(name, limited, free, lambda each, rival=name: each.rivals[rival]))
    noisy = [each for each in limited if each.family == "noisy"]
    named = sum(_culprit_named(each) for each in noisy)
    lines += ["", f"Noisy neighbour: the culprit is among the named in {_share(named, noisy)}.", ""]
    lines += [_paired(scored, PAIRED_WITH), ""]
    lines += _certainty_table(scored)
    for title, key, names in (
        ("family", lambda each: each.family, (*LIMITED, *FREE)),
        ("profile", lambda each: each.profile, PROFILES),
    ):
        lines += [
            f"| {title} | right component | abstained | false alarms | N* error median / p90 "
            "| 95 % interval covers | width |",
            "|---|---|---|---|---|---|---|",
        ]
        for name in names:
            mine = [each for each in limited if key(each) == name]
            none = [each for each in free if key(each) == name]
            if mine or none:
                lines.append(_row(name, mine, none, lambda each: each.ours))
        lines.append("")
    return lines


def _paired(scored: Sequence[Scored], rival: str) -> str:
    """Sign test on the runs that one of the two judged rightly and the other did not."""
    rightly = ("right", "quiet")
    ours = [each.ours.verdict in rightly for each in scored]
    theirs = [each.rivals[rival].verdict in rightly for each in scored]
    more = sum(a and not b for a, b in zip(ours, theirs, strict=True))
    less = sum(b and not a for a, b in zip(ours, theirs, strict=True))
    tail = sum(math.comb(more + less, k) for k in range(min(more, less) + 1)) / 2 ** (more + less)
    return (
        f"Run by run against `{rival}`: ours alone judged rightly {more} times, the rival alone "
        f"{less} times (sign test, p = {min(1.0, 2 * tail):.2g})."
    )


def _certainty_table(scored: Sequence[Scored]) -> list[str]:
    counts = certainties(scored)
    lines = ["| standing of a name | component right | whole turn right |", "|---|---|---|"]
    for kind in certainty.STANDINGS:
        cells = []
        for of in ("component", "turn"):
            right, given = counts[of].get(kind, (0, 0))
            cells.append(f"{right / given:.1%} ({right}/{given})" if given else "-")
        lines.append(f"| {kind} | {' | '.join(cells)} |")
    return [*lines, ""]


def _culprit_named(each: Scored) -> bool:
    return families.draw(each.family, each.profile, each.seed).component in each.ours.named


def _row(
    name: str,
    limited: Sequence[Scored],
    free: Sequence[Scored],
    of: Callable[[Scored], Score],
) -> str:
    verdicts = Counter(of(each).verdict for each in limited)
    alarms = sum(of(each).verdict == "false_alarm" for each in free)
    errors = [error for each in limited if (error := of(each).error) is not None]
    covered = [inside for each in limited if (inside := of(each).covered) is not None]
    widths = [width for each in limited if (width := of(each).width) is not None]
    error = covers = width = "-"
    if errors:
        error = " / ".join(f"{value:.1%}" for value in np.quantile(errors, (0.5, 0.9)))
    if covered:
        covers, width = f"{np.mean(covered):.2f}", f"x{np.median(widths):.2f}"
    cells = (
        name,
        _share(verdicts["right"], limited),
        _share(verdicts["abstained"], limited),
        _share(alarms, free),
        error,
        covers,
        width,
    )
    return f"| {' | '.join(cells)} |"


def _share(count: int, of: Sequence[object]) -> str:
    return f"{count / len(of):.1%} ({count}/{len(of)})" if of else "-"


def mistakes(scored: Iterable[Scored]) -> list[str]:
    lines = []
    for each in scored:
        ours = each.ours
        far = ours.error is not None and ours.error > 0.15
        if ours.verdict in ("right", "quiet") and not far:
            continue
        truth = "nothing" if each.calls is None else f"{each.calls:.0f} calls"
        off = "" if ours.error is None else f", N* off by {ours.error:.0%}"
        lines.append(
            f"{each.family} {each.profile} {each.seed}: {ours.verdict} ({ours.note}) "
            f"{'+'.join(ours.named)}; true {truth}{off}"
        )
    return lines


def write_page(lines: Sequence[str], command: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    body = "\n".join((f"`{command}`", "", *lines)).strip()
    PAGE.write_text(f"{before}{_BEGIN}\n{body}\n{_END}{after}", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, help="about so many in all, instead of 700")
    parser.add_argument("--seeds", choices=("dev", "release"), default="dev")
    parser.add_argument("--first-seed", type=int, default=0, help="of the development seeds")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    share = 1.0 if asked.runs is None else asked.runs / (LIMITED_RUNS + FREE_RUNS)
    release = asked.seeds == "release"
    first = RELEASE_SEED if release else asked.first_seed
    wanted = jobs(first, round(share * LIMITED_RUNS) or 1, round(share * FREE_RUNS) or 1)
    began, scored = time.monotonic(), []
    with ProcessPoolExecutor(asked.processes) as pool:
        for number, each in enumerate(pool.map(run, wanted, chunksize=4), 1):
            scored.append(each)
            if number % 50 == 0:
                print(f"{number} of {len(wanted)} runs", file=sys.stderr, flush=True)
    lines = table(scored)
    print("\n".join(lines))
    if release:
        less = "" if asked.runs is None else f" --runs {asked.runs}"
        write_page(lines, f"python -m tests.accuracy.benchmark --seeds release{less}")
        certainty.write(certainties(scored))
    else:
        print("\n".join(mistakes(scored)))
    print(f"{len(wanted)} runs in {time.monotonic() - began:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
