"""A turn's work goes through stt, llm and tts, with retries, and can be given up."""

from typing import Any

import pytest

from otel_voiceload.capacity.config import AgentConfig, parse_agent_config
from otel_voiceload.capacity.pipeline import (
    AttemptOver,
    AudioReady,
    Pipeline,
    PipelineEvent,
    TextReady,
    TurnFailed,
    TurnKey,
)

MS = 1_000_000


def part(latency_ms: int, **settings: object) -> dict[str, object]:
    flat = {"median": f"{latency_ms}ms", "p95": f"{latency_ms}ms"}
    return {"latency": flat, "capacity": 10, **settings}


def agent(faults: list[object] | None = None, **parts: dict[str, object]) -> AgentConfig:
    components: dict[str, Any] = {"stt": part(100), "llm": part(200), "tts": part(50)}
    return parse_agent_config(
        {"components": {**components, **parts}, "faults": faults or []}, "test"
    )


def over(events: list[PipelineEvent]) -> list[tuple[str, int, int, int | None, int, str]]:
    """(component, attempt, start, first, end in ms, status) of each finished attempt."""
    return [
        (
            e.component,
            e.attempt,
            e.start_ns // MS,
            None if e.first_ns is None else e.first_ns // MS,
            e.end_ns // MS,
            e.status,
        )
        for e in events
        if isinstance(e, AttemptOver)
    ]


def test_each_component_begins_at_the_first_token_of_the_one_before() -> None:
    pipeline = Pipeline(agent(llm=part(200, hold=2.0)))
    key = TurnKey("a", 0)
    pipeline.begin(0, key)
    events = pipeline.advance(10**12)
    assert over(events) == [
        ("stt", 0, 0, 100, 100, "ok"),
        ("tts", 0, 300, 350, 350, "ok"),
        ("llm", 0, 100, 300, 500, "ok"),
    ]
    assert TextReady(key, 100 * MS) in events
    assert AudioReady(key, 350 * MS) in events
    assert not pipeline.busy


def test_a_greeting_only_needs_the_voice() -> None:
    pipeline = Pipeline(agent())
    pipeline.begin(0, TurnKey("a", -1), ("tts",))
    assert over(pipeline.advance(10**12)) == [("tts", 0, 0, 50, 50, "ok")]


def test_waiting_for_a_server_is_told_apart_from_its_work() -> None:
    pipeline = Pipeline(agent(llm=part(200, capacity=1)))
    for call in ("a", "b"):
        pipeline.begin(0, TurnKey(call, 0))
    told = pipeline.advance(10**12)
    second = next(
        e
        for e in told
        if isinstance(e, AttemptOver) and e.component == "llm" and e.key.call_id == "b"
    )
    assert second.queue_ns == 200 * MS
    assert second.busy_ns == 200 * MS
    assert second.latency_ns == 400 * MS


def test_a_refused_request_is_asked_again_after_its_wait() -> None:
    pipeline = Pipeline(agent(tts=part(50, capacity=1, over_capacity="reject", retry_after="1s")))
    for call in ("a", "b"):
        pipeline.begin(0, TurnKey(call, 0))
    mine = [e for e in pipeline.advance(10**12) if isinstance(e, AttemptOver)]
    refused, again = (e for e in mine if e.key.call_id == "b" and e.component == "tts")
    assert (refused.status, refused.attempt, refused.first_ns) == ("rate_limited", 0, None)
    assert (refused.busy_ns, refused.queue_ns, refused.latency_ns) == (0, 0, 0)
    assert (again.status, again.attempt) == ("ok", 1)
    assert again.start_ns - refused.end_ns == again.retry_wait_ns
    assert 1000 * MS <= again.retry_wait_ns <= 1250 * MS


def test_a_turn_fails_when_the_last_retry_is_refused() -> None:
    busy = part(60_000, capacity=1, over_capacity="reject", retries=1)
    pipeline = Pipeline(agent(llm=busy))
    pipeline.begin(0, TurnKey("a", 0))
    pipeline.begin(0, TurnKey("b", 0))
    events = pipeline.advance(10_000 * MS)
    failed = [e for e in events if isinstance(e, TurnFailed)]
    assert [(e.key.call_id, e.component, e.status) for e in failed] == [
        ("b", "llm", "rate_limited")
    ]
    assert [e[1] for e in over(events) if e[5] == "rate_limited"] == [0, 1]
    pipeline.cancel(10_000 * MS, TurnKey("a", 0))
    assert not pipeline.busy


def test_giving_up_a_queued_turn_frees_its_place_and_is_told_as_cancelled() -> None:
    pipeline = Pipeline(agent(stt=part(100, capacity=1)))
    for call in ("a", "b", "c"):
        pipeline.begin(0, TurnKey(call, 0))
    pipeline.cancel(10 * MS, TurnKey("b", 0))
    events = pipeline.advance(10**12)
    assert ("stt", 0, 0, None, 10, "cancelled") in over(events)
    assert ("stt", 0, 0, 200, 200, "ok") in over(events)  # c, right after a
    assert not [e for e in events if isinstance(e, AudioReady) and e.key.call_id == "b"]


def test_a_cancellation_is_something_to_tell_even_when_no_other_work_is_left() -> None:
    pipeline = Pipeline(agent())
    pipeline.begin(0, TurnKey("a", 0))
    pipeline.advance(10 * MS)
    pipeline.cancel(20 * MS, TurnKey("a", 0))
    assert pipeline.next_event_ns == 20 * MS
    assert over(pipeline.advance(20 * MS)) == [("stt", 0, 0, None, 20, "cancelled")]
    assert pipeline.next_event_ns is None


def test_work_that_gave_its_first_token_before_it_was_given_up_did_succeed() -> None:
    pipeline = Pipeline(agent(llm=part(200, hold=10.0)))
    pipeline.begin(0, TurnKey("a", 0))
    pipeline.advance(400 * MS)
    pipeline.cancel(500 * MS, TurnKey("a", 0))
    assert over(pipeline.advance(500 * MS)) == [("llm", 0, 100, 300, 500, "ok")]


def test_giving_up_during_a_retry_wait_asks_no_more() -> None:
    pipeline = Pipeline(agent(stt=part(1000, capacity=1, over_capacity="reject")))
    pipeline.begin(0, TurnKey("a", 0))
    pipeline.begin(0, TurnKey("b", 0))
    pipeline.advance(10 * MS)
    pipeline.cancel(20 * MS, TurnKey("b", 0))
    assert all(e[1] == 0 for e in over(pipeline.advance(10**12)))


def test_a_turn_that_is_begun_again_numbers_its_attempts_on() -> None:
    refusing = part(60_000, capacity=1, over_capacity="reject", retries=1)
    pipeline = Pipeline(agent(llm=refusing))
    pipeline.begin(0, TurnKey("busy", 0))
    pipeline.begin(0, TurnKey("a", 0))
    pipeline.advance(50 * MS)
    pipeline.cancel(50 * MS, TurnKey("a", 0))
    pipeline.begin(60 * MS, TurnKey("a", 0), first_attempt=1)
    mine = [
        (e.component, e.attempt, e.status)
        for e in pipeline.advance(10_000 * MS)
        if isinstance(e, AttemptOver) and e.key.call_id == "a"
    ]
    assert mine == [
        ("stt", 0, "cancelled"),
        ("stt", 1, "ok"),
        ("llm", 1, "rate_limited"),
        ("llm", 2, "rate_limited"),
    ]


def test_giving_up_twice_or_after_the_end_is_nothing() -> None:
    pipeline = Pipeline(agent())
    pipeline.begin(0, TurnKey("a", 0))
    pipeline.advance(10**12)
    pipeline.cancel(10**12, TurnKey("a", 0))
    assert pipeline.advance(10**12 + 1) == []


def test_a_leak_makes_a_component_slower_by_the_minute() -> None:
    pipeline = Pipeline(agent([{"name": "leak", "component": "stt", "per_minute": 0.5}]))
    latencies = []
    for minute in (0, 1, 2):
        start_ns = minute * 60_000 * MS
        pipeline.begin(start_ns, TurnKey("a", minute), ("stt",))
        (attempt,) = over(pipeline.advance(start_ns + 1000 * MS))
        latencies.append(attempt[4] - attempt[2])
    assert latencies == [100, 150, 200]


@pytest.mark.parametrize("step_ms", [1, 37, 5000])
def test_how_often_the_clock_looks_does_not_change_what_happened(step_ms: int) -> None:
    def told(step: int) -> list[object]:
        pipeline = Pipeline(agent(llm=part(200, capacity=2), stt=part(100, hold=3.0)))
        for number in range(6):
            pipeline.begin(0, TurnKey(f"call {number}", 0))
        events: list[object] = []
        for at_ms in range(0, 5001, step):
            events += pipeline.advance(at_ms * MS)
        return events + list(pipeline.advance(5001 * MS))

    assert told(step_ms) == told(5001)


def test_a_shared_quota_is_one_queue_for_two_components() -> None:
    """One server for both, and whoever asked first is served first."""
    quota = {"name": "shared_quota", "component": "llm", "other": "tts"}
    pipeline = Pipeline(agent([quota], llm=part(200, capacity=1)))
    for call in ("a", "b"):
        pipeline.begin(0, TurnKey(call, 0))
    told = [e for e in pipeline.advance(10**12) if isinstance(e, AttemptOver)]
    served = sorted((e.served_ns or 0) // MS for e in told if e.component in ("llm", "tts"))
    assert served == [100, 300, 500, 550]
    assert max(e.queue_ns for e in told if e.component == "tts") == 200 * MS
