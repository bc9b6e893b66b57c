from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.errors import ExitCode
from otel_voiceload.model import Stage
from otel_voiceload.profiles import Request
from otel_voiceload.runner import dry_run
from otel_voiceload.runner.dry_run import Decidable, forecast
from otel_voiceload.runner.plan import RunPlan

PLAN = RunPlan("ws://127.0.0.1:9", "custom", Request(calls=10, duration_s=600), Path("store"))


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> object:
        raise AssertionError("a dry run asks nobody")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    monkeypatch.setattr(socket.socket, "connect", asked)


def decided(plan: RunPlan) -> dict[str, Decidable]:
    return {each.threshold: each for each in forecast(plan).thresholds}


def test_a_held_load_is_turned_into_calls_turns_and_bytes() -> None:
    told = forecast(PLAN)

    cycle_s, per_call = told.turn_cycle_s, told.turns_per_call
    assert told.duration_s == 600
    assert told.peak_calls == 10
    assert told.turns == pytest.approx(10 * 600 / cycle_s, rel=0.01)
    assert told.calls == pytest.approx(10 + 10 * 600 / (cycle_s * per_call), rel=0.01)
    assert told.kbit_s_per_call == 280  # 256 of audio, the rest is headers
    assert told.send_mbit_s == 2.8
    assert told.traced_calls == told.calls, "on loopback every call is traced"
    assert told.own_spans > 7 * told.turns
    assert (told.refusals, told.exit_code) == ((), ExitCode.OK)


def test_elsewhere_a_tenth_of_the_calls_is_traced_by_the_target() -> None:
    near, far = forecast(PLAN), forecast(replace(PLAN, target="ws://198.51.100.7"))

    assert far.traced_calls == pytest.approx(near.calls / 10, rel=0.01)
    assert far.target_spans == pytest.approx(near.target_spans / 10, rel=0.01)


def test_mu_law_in_json_costs_its_base64_and_its_braces() -> None:
    told = forecast(replace(PLAN, target="twilio+ws://127.0.0.1:9"))

    assert 64 * 4 / 3 < told.kbit_s_per_call < 160


def test_a_ramp_begins_only_the_calls_that_are_new_at_each_level() -> None:
    told = forecast(replace(PLAN, profile_name="ramp", request=Request(calls=20)))

    assert [stage.load for stage in told.stages][:3] == ["1 call", "2 calls", "3 calls"]
    assert told.calls == pytest.approx(sum(stage.calls_begun for stage in told.stages), abs=1)
    call_s = told.turn_cycle_s * told.turns_per_call
    top = next(stage for stage in told.stages if stage.calls == 20)
    before = told.stages[told.stages.index(top) - 1]
    ended = 20 * top.duration_s / call_s
    assert top.calls_begun == pytest.approx(20 - before.calls + ended, abs=0.2)


def test_arrivals_hold_what_begins_while_one_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(0, "steady", 0.0, 600.0, 0.0, 0.0, arrivals="poisson", per_s_from=2, per_s_to=2)
    monkeypatch.setattr(dry_run, "planned", lambda profile: (stage,))

    told = forecast(replace(PLAN, max_calls=1000))

    (only,) = told.stages
    assert (only.load, only.calls_begun) == ("2/s", 1200)
    assert only.calls == pytest.approx(2 * told.turn_cycle_s * told.turns_per_call, rel=0.01)


@pytest.mark.parametrize(
    ("calls", "seconds", "p95", "p99"),
    [(2, 60, "no", "no"), (10, 60, "perhaps", "no"), (10, 600, "yes", "perhaps")],
)
def test_whether_a_percentile_can_be_decided_follows_from_its_turns(
    calls: int, seconds: float, p95: str, p99: str
) -> None:
    found = decided(replace(PLAN, request=Request(calls=calls, duration_s=seconds)))

    assert found["turn_latency: p95<2s"].can == p95
    assert found["turn_latency: p99<4s"].can == p99
    assert found["turn_latency: p95<2s"].needs == 59
    assert found["turn_latency: p99<4s"].needs == 299


def test_a_search_is_asked_about_its_highest_level() -> None:
    found = decided(replace(PLAN, profile_name="ramp", request=Request(calls=20)))

    assert found["turn_latency: p95<2s"].expected.endswith("at 20 calls")


def test_the_users_thresholds_come_first_and_replace_the_methods_own() -> None:
    plan = replace(PLAN, thresholds={"turn_latency": ["p95<3s"], "target_cpu": ["avg<80%"]})
    told = forecast(plan).thresholds

    assert [(each.threshold, each.written) for each in told][:2] == [
        ("turn_latency: p95<3s", True),
        ("target_cpu: avg<80%", True),
    ]
    assert "turn_latency: p95<2s" not in {each.threshold for each in told}


@pytest.mark.parametrize(
    ("threshold", "can", "needs"),
    [
        ("call_completion: rate>95%", "yes", 52),
        ("call_completion: rate>99.9%", "no", 2703),
        ("error_rate: rate<1%", "yes", 268),
        ("packet_loss: p95<0.5%", "no", None),
        ("turn_latency: avg<2s", "yes", None),
        ("turn_latency: p5>100ms", "yes", 59),
    ],
)
def test_rates_and_other_statistics_have_their_own_need(
    threshold: str, can: str, needs: int | None
) -> None:
    metric, _, test = threshold.partition(": ")
    request = Request(calls=50, duration_s=600)

    found = decided(replace(PLAN, request=request, thresholds={metric: [test]}))[threshold]

    assert (found.can, found.needs) == (can, needs)


@pytest.mark.parametrize(
    ("target", "allow", "refused"),
    [
        ("ws://198.51.100.7", (), True),
        ("ws://198.51.100.7", ("198.51.100.0/24",), False),
        ("ws://198.51.100.7", ("203.0.113.0/24",), True),
        ("ws://voice.test", (), True),
        ("ws://voice.test", ("voice.test",), False),
        ("ws://voice.test", ("203.0.113.0/24",), False),  # known only when it is resolved
        ("ws://localhost", (), False),
        ("ws://[::1]", (), False),
    ],
)
def test_what_would_be_refused_is_told_as_far_as_nobody_need_be_asked(
    target: str, allow: tuple[str, ...], refused: bool
) -> None:
    told = forecast(
        replace(PLAN, target=target, allow=allow, request=Request(calls=50, duration_s=60))
    )

    assert bool(told.refusals) is refused
    assert told.exit_code == (ExitCode.TARGET if refused else ExitCode.OK)


def test_a_plan_over_its_own_limit_leaves_as_the_run_would() -> None:
    told = forecast(replace(PLAN, max_calls=5))

    assert told.exit_code == ExitCode.USAGE
    assert "--max-calls 10" in told.refusals[0]
