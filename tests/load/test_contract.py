"""What a shard is told, and when it must not begin: no processes, no clock."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.load.contract import (
    CUT_S,
    UNTOLD_S,
    ShardContract,
    contracts,
    deadline_unix_ns,
)
from otel_voiceload.model import NS_PER_S, ClockAnchor, Stage

HOLD = (Stage(0, "steady", 0.0, 60.0, 5.0, 5.0), Stage(1, "steady", 60.0, 30.0, 8.0, 8.0))
NOW = 1_790_000_000 * NS_PER_S
ONE = contracts("run-1", 4, HOLD, NOW + 10 * NS_PER_S, "http://10.0.0.1:4318")[1]


def test_every_call_belongs_to_one_shard() -> None:
    shards = contracts("run-1", 4, HOLD, NOW, "http://10.0.0.1:4318")

    owners = [[each.shard_index for each in shards if each.owns(call)] for call in range(8)]

    assert owners == [[0], [1], [2], [3], [0], [1], [2], [3]]


def test_the_deadline_lies_behind_the_last_stage_and_the_time_to_hang_up() -> None:
    assert deadline_unix_ns(NOW, HOLD) == NOW + round((90 + UNTOLD_S + CUT_S) * NS_PER_S)
    assert ONE.deadline_unix_ns > ONE.start_unix_ns


def test_three_heartbeats_may_be_missed_and_the_loss_is_seen_within_five_seconds() -> None:
    assert 3 * ONE.heartbeat_s < ONE.lost_after_s < 5


@pytest.mark.parametrize("offset_ms", [0, 40, -40])
def test_the_start_is_turned_into_the_shards_own_clock_once(offset_ms: int) -> None:
    here = replace(ONE, clock_offset_ns=offset_ms * 1_000_000)
    # This machine's wall clock shows NOW + offset when the runner's shows NOW.
    anchor = ClockAnchor(mono_ns=777, unix_ns=NOW + here.clock_offset_ns)

    assert here.start_mono_ns(anchor) == 777 + 10 * NS_PER_S
    assert here.deadline_mono_ns(anchor) - here.start_mono_ns(anchor) == 105 * NS_PER_S


@pytest.mark.parametrize(
    ("offset_ms", "notice_s", "said"),
    [
        (0, 10, None),
        (50, 10, None),
        (-50, 5, None),
        (51, 10, "off by +51 ms"),
        (-51, 10, "off by -51 ms"),
        (0, 4.9, "4.9 s and needs 5 s of notice"),
        (0, -1, "-1.0 s and needs 5 s of notice"),
    ],
)
def test_a_shard_elsewhere_does_not_begin_with_another_clock_or_without_notice(
    offset_ms: int, notice_s: float, said: str | None
) -> None:
    start_ns = NOW + round(notice_s * NS_PER_S)
    one = replace(
        ONE,
        clock_offset_ns=offset_ms * 1_000_000,
        start_unix_ns=start_ns,
        deadline_unix_ns=deadline_unix_ns(start_ns, HOLD),
    )

    refusals = one.refusals(NOW)

    assert (refusals == []) if said is None else (said in "; ".join(refusals))


def test_it_travels_as_json_and_comes_back_the_same() -> None:
    assert ShardContract.from_json(ONE.to_json()) == ONE
    assert json.loads(ONE.to_json())["shard_count"] == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not a shard contract"),
        ("[]", "not a shard contract"),
        ('{"run": 1}', "it has run_id, shard_index"),
        (replace(ONE, shard_index=4).to_json(), "shard 4 of 4 does not exist"),
        (replace(ONE, deadline_unix_ns=0).to_json(), "deadline lies before"),
        (replace(ONE, collector="").to_json(), "a collector"),
        (replace(ONE, heartbeat_s=0).to_json(), "heartbeat"),
    ],
)
def test_what_is_no_contract_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        ShardContract.from_json(text)
    assert "\n" not in str(caught.value)
