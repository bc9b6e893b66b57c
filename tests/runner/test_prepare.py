"""What can be known to be wrong before anything is started."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.audio.encoding import MULAW_8K, PCM16_16K
from otel_voiceload.errors import ConfigError, OvlError, TargetRefused, UsageError
from otel_voiceload.profiles import Request
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.prepare import prepare, refuse_unmeasurable, stages

PLAN = RunPlan("ws://127.0.0.1:8765", "custom", Request(calls=5, duration_s=60), Path("store"))


def test_a_plan_becomes_what_the_workers_need() -> None:
    prepared = prepare(PLAN)

    assert prepared.wire == "plain"
    assert prepared.profile.peak_calls == 5
    assert prepared.worker.run_id == prepared.run_id
    assert [scenario.name for scenario, _ in prepared.scenarios] == ["booking"]
    assert 3 < prepared.worker.turn_cycle_s < 12


def test_the_wire_decides_what_the_calls_sound_like() -> None:
    assert prepare(PLAN).worker.encoding == PCM16_16K
    over_the_phone = replace(PLAN, target="twilio+ws://127.0.0.1:8765/media")
    prepared = prepare(over_the_phone)
    assert (prepared.wire, prepared.worker.encoding) == ("twilio", MULAW_8K)
    assert prepared.clip_pack == prepare(PLAN).clip_pack
    assert stages(over_the_phone) == stages(PLAN)


def test_the_same_scenarios_have_the_same_hash_and_others_another() -> None:
    assert prepare(PLAN).scenario_hash == prepare(PLAN).scenario_hash
    mixed = replace(PLAN, scenarios=("booking=3", "demo"))
    assert prepare(mixed).scenario_hash != prepare(PLAN).scenario_hash
    assert [weight for _, weight in prepare(mixed).scenarios] == [3.0, 1.0]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"target": "127.0.0.1:8765"}, UsageError, "no scheme"),
        ({"target": "carrier+pigeon://x"}, UsageError, "no transport speaks"),
        ({"scenarios": ("nowhere.yaml",)}, ConfigError, "no such scenario"),
        ({"scenarios": ("booking=often",)}, UsageError, "no weight"),
        ({"profile_name": "moon"}, UsageError, "no profile 'moon'"),
        ({"request": Request(calls=500)}, UsageError, "--max-calls 500"),
        ({"max_connect_rate": 0.0}, UsageError, "--max-connect-rate"),
        ({"headers": {"Bad Name": "x"}}, UsageError, "not 'Name: value'"),
        ({"tls_ca": Path("nowhere.pem")}, UsageError, "--tls-ca"),
    ],
)
def test_what_can_not_be_is_said_at_once(
    change: dict[str, Any], error: type[OvlError], words: str
) -> None:
    with pytest.raises(error, match=words):
        prepare(replace(PLAN, **change))


def test_the_stages_are_those_that_will_be_offered_without_a_look_at_the_target() -> None:
    unknown = replace(PLAN, target="ws://no-such-host.invalid", request=Request(calls=500))

    assert [(s.duration_s, s.calls_to) for s in stages(unknown)] == [(60, 500)]
    with pytest.raises(UsageError, match="no profile"):
        stages(replace(PLAN, profile_name="moon"))


def test_packets_are_promised_only_where_there_are_any() -> None:
    promises = (*parse("turn_latency: p95<2s"), *parse("jitter{phase:ramp}: p95<30ms"))

    refuse_unmeasurable(promises, "memory://agent")
    refuse_unmeasurable(promises[:1], "ws://127.0.0.1")
    with pytest.raises(UsageError, match=r"jitter\{phase:ramp\}: p95<30ms .* use audio_gap"):
        refuse_unmeasurable(promises, "wss://127.0.0.1")
    with pytest.raises(UsageError, match="use audio_gap"):
        refuse_unmeasurable(promises, "twilio+wss://127.0.0.1")


def test_a_simulated_agent_has_no_components_of_other_names() -> None:
    promises = parse("rag: p95<1s")

    refuse_unmeasurable(promises, "ws://127.0.0.1")
    with pytest.raises(UsageError, match=r"metric 'rag': sim:a\.yaml is simulated, and has no"):
        refuse_unmeasurable(promises, "sim:a.yaml")


def test_another_host_gets_at_most_ten_calls_unless_it_was_allowed() -> None:
    remote = replace(PLAN, target="ws://192.0.2.1:8765")

    assert prepare(remote).profile.peak_calls == 5
    with pytest.raises(TargetRefused, match=r"--allow 192\.0\.2\.1"):
        prepare(replace(remote, request=Request(calls=11)))
    allowed = replace(remote, request=Request(calls=11), allow=("192.0.2.1",))
    assert prepare(allowed).profile.peak_calls == 11
