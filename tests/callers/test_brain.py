"""The caller's mind: which edge it takes, and that a seed makes it say the same again."""

from __future__ import annotations

import pytest

from otel_voiceload.callers.brain import Brain, Hangup, Heard, Say
from otel_voiceload.callers.scenario import Scenario
from tests.callers.fakes import PACK, scenario

SAY = {"say": {"intent": "open"}}
NODES = {
    "open": SAY
    | {
        "edges": [
            {"heard": "transfer", "go": "gone"},
            {"heard": r"which (day|time)", "go": "open"},
            {"longer": 4, "go": "later"},
            {"silence": 3, "go": "later"},
            {"go": "done"},
        ]
    },
    "gone": {"end": "transfer"},
    "later": {"end": "callback"},
    "done": {"end": "resolution"},
}


def branching(**changes: object) -> Scenario:
    return scenario(nodes=NODES, **changes)


def brain(call_index: int = 0, seed: int = 1, of: Scenario | None = None) -> Brain:
    return Brain(of or branching(), PACK, seed, call_index)


@pytest.mark.parametrize(
    ("heard", "end_reason"),
    [
        (Heard("I will Transfer you"), "transfer"),
        (Heard("all set"), "resolution"),
        (Heard(""), "resolution"),
        (Heard("", reply_s=4.0), "callback"),
        (Heard("transfer", reply_s=9.0), "transfer"),  # the first edge that fits
        (Heard("", answered=False, silence_s=3.0), "callback"),
        (Heard("transfer", answered=False, silence_s=2.0), "resolution"),  # text of before
        (Heard("x" * 5000 + "transfer"), "transfer"),
        (Heard("transfer" + "x" * 5000), "resolution"),  # only the end of endless text is read
    ],
)
def test_the_first_edge_that_fits_is_taken(heard: Heard, end_reason: str) -> None:
    caller = brain()
    caller.first()
    assert caller.next(heard) == Hangup(end_reason)


def test_a_node_may_come_again_until_the_turns_are_used_up() -> None:
    caller = brain(of=branching(max_turns=2))
    assert isinstance(caller.first(), Say)
    assert isinstance(caller.next(Heard("Which day?")), Say)
    assert caller.next(Heard("Which day?")) == Hangup("hang_up")


def words(caller: Brain) -> list[object]:
    said: list[object] = [caller.first()]
    for _ in range(5):
        said += [caller.think_s(), caller.next(Heard("which day"))]
    return said


def test_the_same_seed_and_call_say_the_same_words() -> None:
    assert words(brain(7)) == words(brain(7))


def test_other_calls_and_other_seeds_say_others() -> None:
    assert len({str(words(brain(call))) for call in range(20)}) > 10
    assert len({str(words(brain(7, seed))) for seed in range(20)}) > 10


def test_a_caller_keeps_one_of_the_scenarios_voices() -> None:
    for call in range(10):
        caller = brain(call, of=branching(voices=("bob",)))
        said = [caller.first(), caller.next(Heard("which day"))]
        assert {s.clip.voice for s in said if isinstance(s, Say)} == {"bob"}
    voices = set()
    for call in range(20):
        first = brain(call).first()
        voices.add(first.clip.voice)
    assert voices == {"ann", "bob"}


@pytest.mark.parametrize(("patience", "waits_s", "speaks"), [(4, 3.0, True), (2, 2.0, False)])
def test_patience_ends_at_the_silence_edge_if_that_comes_first(
    patience: float, waits_s: float, speaks: bool
) -> None:
    caller = brain(of=branching(patience=patience))
    assert caller.patience_s == waits_s
    assert caller.has_words_for_silence is speaks


def test_think_times_have_the_scenarios_median() -> None:
    caller = brain(of=branching(think={"median": 0.5, "p95": 1.0}))
    drawn = sorted(caller.think_s() for _ in range(1001))
    assert drawn[500] == pytest.approx(0.5, rel=0.1)
    assert drawn[950] == pytest.approx(1.0, rel=0.2)
