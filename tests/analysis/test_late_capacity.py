from __future__ import annotations

from collections.abc import Sequence

import pytest

from otel_voiceload.analysis.late_capacity import Hold, Late, Piece, find, holds_of

PIECE_S = 10.0
NOW_NS = 1_800_000_000 * 10**9


def hold(
    means_s: Sequence[float],
    calls: float,
    *,
    component: str = "llm",
    spike: bool = False,
    turns: int = 40,
    cycle_s: float = 6.0,
) -> Hold:
    """A level whose pieces had these means, each turn a tenth off its mean."""
    return Hold(
        component=component,
        level_no=int(calls),
        calls=calls,
        spike=spike,
        hold_s=PIECE_S * len(means_s),
        cycle_s=cycle_s,
        piece_s=PIECE_S,
        started_ns=NOW_NS + int(calls),
        pieces=tuple(
            Piece(number * PIECE_S, turns, turns * mean_s, turns * mean_s**2 * 1.01)
            for number, mean_s in enumerate(means_s)
        ),
    )


LOW = hold([0.3] * 12, 40)
LATE = [1.2, 1.5, 1.6, 1.4, 0.9] + [0.31] * 7


def found(*holds: Hold) -> Late | None:
    late = find([LOW, *holds])
    assert len(late) <= 1
    return late[0] if late else None


def test_slow_from_the_begin_and_well_to_the_end_is_capacity_that_came_late() -> None:
    late = found(hold(LATE, 160))

    assert late is not None
    assert (late.component, late.calls) == ("llm", 160)
    assert (late.recovered_after_s, late.resolution_s) == (50.0, PIECE_S)
    assert late.usual_s == pytest.approx(0.3)
    assert late.worse_s == pytest.approx(1.425), "the piece in which it got well is left out"
    assert late.after_s == pytest.approx(0.31)


@pytest.mark.parametrize(
    ("means_s", "why"),
    [
        ([0.3] * 12, "nothing happened"),
        ([1.5] * 12, "it stayed slow: that is a limit"),
        ([0.3, 0.3, 0.3, 0.3, 1.5, 1.5, 1.5, 0.3, 0.3, 0.3, 0.3, 0.3], "an incident in between"),
        ([1.5, 1.5, 0.3, 0.3, 1.4, 0.3, 0.3, 1.3, 0.3, 0.3, 0.3, 0.3], "slow and well by turns"),
        ([1.5] * 10 + [0.3] * 2, "well for too short at the end"),
        ([1.5] + [0.3] * 11, "the stir of the step itself"),
        ([0.42, 0.42, 0.41, 0.4] + [0.3] * 8, "too little to be noticed"),
        ([1.5] * 6 + [0.55] * 6, "better, and not well"),
    ],
)
def test_other_stories_are_not_told_as_this_one(means_s: Sequence[float], why: str) -> None:
    assert found(hold(means_s, 160)) is None, why


def test_a_few_turns_are_no_evidence() -> None:
    assert found(hold(LATE, 160, turns=40)) is not None
    shaky = [2.0, 0.5, 2.5, 0.6, 0.5] + [0.31] * 7
    assert found(hold(shaky, 160, turns=2)) is None


def test_what_a_jump_stirs_up_needs_longer_to_count() -> None:
    early = [1.5, 1.5] + [0.3] * 10

    assert found(hold(early, 160)) is not None
    assert found(hold(early, 160, spike=True)) is None
    assert found(hold(LATE, 160, spike=True)) is not None


def test_the_first_level_is_held_against_its_own_end() -> None:
    (late,) = find([hold(LATE, 160)])

    assert late.usual_s == late.after_s == pytest.approx(0.31)


def test_of_one_level_the_component_that_explains_most_is_told_and_the_turn_only_alone() -> None:
    turn, own = hold(LATE, 160, component="turn"), hold(LATE, 160)
    more = hold([2 * each for each in LATE], 160, component="tts")
    low = [hold([0.3] * 12, 40, component=name) for name in ("turn", "llm", "tts")]
    rest = hold([3 * each for each in LATE], 160, component="unattributed")

    def named(*holds: Hold) -> list[str]:
        return [late.component for late in find([*low, *holds])]

    assert named(turn) == ["turn"]
    assert named(turn, own) == ["llm"]
    assert named(turn, rest, own) == ["llm"]
    assert named(turn, rest) == ["unattributed"]
    assert named(hold([1.8] * 5 + [0.35] * 7, 160, component="tts"), own) == ["tts"]
    assert named(more) == []  # its end is not well


def test_rows_of_the_query_become_holds() -> None:
    row = {
        "component": "llm", "level_no": 3, "level": 160.0, "spike": False, "hold_s": 120.0,
        "cycle_s": 6.0, "piece_s": 5.0, "started_ns": NOW_NS, "from_s": 0.0, "turns": 9,
        "sum_s": 2.7, "sum_squares": 0.9,
    }  # fmt: skip

    (made,) = holds_of([row, {**row, "from_s": 5.0}])

    assert (made.level_no, made.calls, len(made.pieces)) == (3, 160.0, 2)
    assert made.pieces[1] == Piece(5.0, 9, 2.7, 0.9)
