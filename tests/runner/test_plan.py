"""What a run was asked to be."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_voiceload.errors import UsageError
from otel_voiceload.profiles import Request
from otel_voiceload.runner.plan import RunPlan, parse_header, parse_param, parse_spool_size


def plan(target: str = "ws://127.0.0.1:8765", **given: Any) -> RunPlan:
    return RunPlan(target, "custom", Request(calls=5), Path("store"), **given)


@pytest.mark.parametrize(
    ("target", "local"),
    [
        ("ws://127.0.0.1:8765", True),
        ("ws://localhost/voice", True),
        ("twilio+ws://127.0.0.1:8765/ws", True),
        ("ws://[::1]:8765", True),
        ("wss://agent.example.com", False),
        ("ws://127.example.com", False),
    ],
)
def test_a_target_on_loopback_shares_this_host(target: str, local: bool) -> None:
    assert plan(target).local is local


def test_all_calls_are_sampled_on_loopback_and_a_tenth_elsewhere_unless_told() -> None:
    assert plan().sample_ratio == 1.0
    assert plan("wss://agent.example.com").sample_ratio == 0.1
    assert plan("wss://agent.example.com", trace_sample=0.5).sample_ratio == 0.5


@pytest.mark.parametrize(
    ("target", "peak", "cores", "workers"),
    [
        ("ws://127.0.0.1:1", 96, 2, 1),
        ("ws://127.0.0.1:1", 2000, 8, 5),
        ("ws://127.0.0.1:1", 20_000, 8, 7),  # the target needs a core
        ("ws://127.0.0.1:1", 2000, 1, 1),
        ("wss://agent.example.com", 20_000, 8, 8),
    ],
)
def test_as_many_workers_as_the_calls_need_and_the_cores_allow(
    target: str, peak: int, cores: int, workers: int
) -> None:
    assert plan(target).worker_count(peak, cores) == workers


def test_asked_for_processes_win() -> None:
    assert plan(processes=3).worker_count(10, 2) == 3


def test_a_header_is_split_and_may_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AGENT_KEY", "s3cret")

    assert parse_header("X-Team: sre") == ("X-Team", "sre")
    assert parse_header("Authorization: env:AGENT_KEY") == ("Authorization", "s3cret")


@pytest.mark.parametrize("text", ["no colon s3cret", ": s3cret"])
def test_a_wrong_header_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_header(text)

    assert "s3cret" not in str(refused.value)


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(UsageError, match="no OVL_NOT_THERE"):
        parse_header("Authorization: env:OVL_NOT_THERE")


@pytest.mark.parametrize(
    ("text", "size"),
    [("1GiB", 2**30), ("512mib", 2**29), ("2GB", 2 * 10**9), ("1.5 GB", 1.5e9), ("2000000", 2e6)],
)
def test_a_spools_size_is_written_as_people_write_sizes(text: str, size: float) -> None:
    assert parse_spool_size(text) == size


@pytest.mark.parametrize("text", ["", "many", "-1GiB", "1 PiB", "1MiB2", "900kB"])
def test_what_is_no_size_or_too_small_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--spool-size"):
        parse_spool_size(text)


def test_a_param_is_name_and_value() -> None:
    assert parse_param("room=a=b") == ("room", "a=b")
    with pytest.raises(UsageError, match="NAME=VALUE"):
        parse_param("room")


def test_the_printed_plan_is_yaml_without_secrets() -> None:
    secret = plan(headers={"Authorization": "s3cret"}, params={"key": "s3cret"})

    text = secret.text()

    shown = yaml.safe_load(text)
    assert shown["target"] == "ws://127.0.0.1:8765"
    assert shown["request"]["calls"] == 5
    assert shown["headers"] == {"Authorization": "***"}
    assert "s3cret" not in text
    assert "s3cret" not in repr(secret)
