from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from otel_voiceload.analysis.validity import Facts, assess

SOUND = Facts(
    turns=500,
    calls=100,
    levels=5,
    levels_limited=0,
    levels_thin=0,
    shut_down=True,
    stop_reason="duration",
    spans_ended=3000,
    spans_stored=3000,
    spans_lost={},
    impossible_turns=0,
    impossible_calls=0,
    sources={"llm": ["target_trace"]},
    notes=(),
)


def test_a_sound_run_is_valid_without_a_word() -> None:
    assert assess(SOUND) == ("valid", [])


@pytest.mark.parametrize(
    ("change", "validity", "says"),
    [
        ({"calls": 0, "turns": 0}, "inconclusive", "no call was recorded"),
        ({"turns": 0}, "inconclusive", "no turn was recorded"),
        ({"turns": 12}, "degraded", "only 12 turns recorded"),
        ({"turns": 12, "window": "it holds none"}, "degraded", "only 12 turns in the window"),
        ({"turns": 0, "window": "it holds none"}, "inconclusive", "it holds none"),
        ({"levels_limited": 1}, "degraded", "limit in 1 of 5 levels"),
        ({"levels_limited": 3}, "inconclusive", "limit in 3 of 5 levels"),
        ({"stop_reason": "generator_limit"}, "inconclusive", "stopped because the generator"),
        ({"shut_down": False}, "degraded", "ended without a shutdown"),
        ({"spans_stored": 2999}, "inconclusive", "1 of 3000 spans are not stored"),
        ({"losses": ("The file x is gone.",)}, "degraded", "The file x is gone"),
        (
            {"losses": ("The file x is gone.",), "spans_ended": None},
            "inconclusive",
            "The file x is gone",
        ),
        ({"spans_lost": {"queue_full": 5}}, "degraded", "5 queue_full"),
        ({"spans_lost": {"queue_full": 900}}, "inconclusive", "900 queue_full"),
        (
            {"spans_stored": 2980, "spans_lost": {"spool_full": 15}},
            "inconclusive",
            "5 of 3000 spans are not stored",
        ),
        ({"spans_stored": 2990, "spans_waiting": 10}, "degraded", "10 spans wait in the spool"),
        ({"spans_ended": None, "spans_waiting": 900}, "inconclusive", "900 spans wait"),
        ({"calls_failed_here": 3}, "degraded", "3 calls of 100 failed on this machine's side"),
        ({"impossible_turns": 2}, "degraded", "2 turns with a negative latency"),
        ({"impossible_turns": 400, "turns": 400}, "inconclusive", "every turn has a negative"),
        ({"impossible_calls": 2}, "degraded", "2 calls ended before they began"),
        ({"notes": ("The file x is gone.",)}, "degraded", "The file x is gone"),
        ({"untimed": {"llm": 0.4}}, "valid", "answered turns without timing: llm in 40% of them"),
        ({"hearing_unknown": True}, "valid", "hearing not calibrated"),
        ({"levels_thin": 1}, "valid", "1 level left out for too few turns"),
        ({"sources": {"llm": ["in_band", "target_trace"]}}, "valid", "llm is known from several"),
    ],
)
def test_what_speaks_against_a_run(change: dict[str, Any], validity: str, says: str) -> None:
    found, reasons = assess(replace(SOUND, **change))
    assert found == validity
    assert any(says in reason for reason in reasons), reasons


def test_a_ledger_that_closes_is_not_said_to_be_open() -> None:
    facts = replace(SOUND, spans_stored=2970, spans_lost={"spool_full": 20}, spans_waiting=10)
    _, reasons = assess(facts)
    assert [reason.partition(":")[0] for reason in reasons] == [
        "spans were lost",
        "10 spans wait in the spool",
    ]


def test_the_gravest_reason_comes_first() -> None:
    _, reasons = assess(replace(SOUND, turns=0, shut_down=False))
    assert reasons[0] == "no turn was recorded"


def test_lost_workers_are_named_with_what_was_offered_without_them() -> None:
    lost = replace(SOUND, shards=8, shards_lost=((2, 83.2), (0, 90.0)))

    validity, reasons = assess(lost)

    assert validity == "degraded"
    assert reasons[:2] == [
        "worker 3 of 8 lost 83 s into the load: 87.5 % of it was offered from then on",
        "worker 1 of 8 lost 90 s into the load: 75.0 % of it was offered from then on",
    ]
