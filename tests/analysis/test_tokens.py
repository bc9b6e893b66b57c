from __future__ import annotations

from dataclasses import replace

from otel_voiceload.analysis.tokens import Talk, tokens_of_call

TALK = Talk(system_prompt=1000, user=30, reply=60)


def test_the_input_grows_with_what_was_said() -> None:
    # 1,030, then with 90 more of history each: 1,120 and 1,210.
    found = tokens_of_call(TALK, 3)

    assert (found.input, found.output, found.longest_request) == (3360, 180, 1210)
    assert found.both == 3540


def test_a_cut_history_stops_growing() -> None:
    found = tokens_of_call(replace(TALK, history_turns=1), 3)
    none = tokens_of_call(replace(TALK, history_turns=0), 3)

    assert found.input == 1030 + 1120 + 1120
    assert found.longest_request == 1120
    assert none.input == 3 * 1030


def test_the_sum_is_that_of_the_requests_one_by_one() -> None:
    for turns in range(1, 40):
        by_hand = sum(1000 + 30 + 90 * before for before in range(turns))
        cut = sum(1000 + 30 + 90 * min(before, 5) for before in range(turns))
        assert tokens_of_call(TALK, turns).input == by_hand
        assert tokens_of_call(replace(TALK, history_turns=5), turns).input == cut


def test_a_mean_of_turns_lies_between_two_whole_numbers() -> None:
    assert tokens_of_call(TALK, 2.5).input == (2150 + 3360) / 2
    assert tokens_of_call(TALK, 2.5).output == 150


def test_tools_ask_more_than_once() -> None:
    twice = tokens_of_call(replace(TALK, requests_per_turn=2), 3)

    assert (twice.input, twice.output) == (6720, 360)
