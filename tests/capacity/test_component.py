"""Components tell who is served when, by the clock they are given."""

import pytest

from otel_voiceload.capacity.component import Component, Done, First, Rejected, Started
from otel_voiceload.capacity.config import ComponentConfig
from otel_voiceload.capacity.faults import Autoscale
from otel_voiceload.model import NS_PER_S


def component(autoscale: Autoscale | None = None, **settings: object) -> Component:
    config = ComponentConfig.model_validate(
        {"latency": {"median": 1, "p95": 1}, "capacity": 2, **settings}
    )
    return Component("llm", config, autoscale)


def story(part: Component, until_ns: int = 10**9) -> list[tuple[str, object, int]]:
    return [(type(item).__name__, item.request_id, item.at_ns) for item in part.advance(until_ns)]


def test_a_free_server_takes_a_request_at_once_and_holds_it_for_its_hold() -> None:
    part = component(hold=2.0)
    part.submit(100, "a", 1000)
    assert story(part) == [("Started", "a", 100), ("First", "a", 1100), ("Done", "a", 2100)]


def test_a_queue_is_served_in_order_of_arrival_as_servers_come_free() -> None:
    part = component(capacity=1)
    for name in ("a", "b", "c"):
        part.submit(0, name, 100)
    starts = [item for item in part.advance(10**6) if isinstance(item, Started)]
    assert [(s.request_id, s.at_ns) for s in starts] == [("a", 0), ("b", 100), ("c", 200)]


def test_a_full_queue_refuses_with_its_retry_after() -> None:
    part = component(capacity=1, queue_limit=1, retry_after="250ms")
    for name in ("a", "b", "c"):
        part.submit(5, name, 100)
    assert part.waiting == 1
    assert part.advance(5)[-1] == Rejected("c", 5, 250_000_000)


def test_reject_never_lets_anyone_wait() -> None:
    part = component(over_capacity="reject")
    for name in ("a", "b", "c"):
        part.submit(0, name, 100)
    assert part.waiting == 0
    assert [type(item) for item in part.advance(0)] == [Started, Started, Rejected]


def test_a_rate_is_a_limit_of_its_own_and_refills_with_time() -> None:
    part = component(capacity=100, rate=2.0)
    for name in ("a", "b", "c"):
        part.submit(0, name, 100)
    assert [type(item) for item in part.advance(0)] == [Started, Started, Rejected]
    part.submit(NS_PER_S // 2, "d", 100)
    part.submit(NS_PER_S // 2, "e", 100)
    kinds = [type(item) for item in part.advance(NS_PER_S // 2)]
    assert kinds[-2:] == [Started, Rejected]


def test_cancelling_a_waiting_request_frees_its_place_in_the_queue() -> None:
    part = component(capacity=1, queue_limit=1)
    part.submit(0, "a", 100)
    part.submit(0, "b", 100)
    part.cancel(10, "b")
    part.submit(10, "c", 100)
    assert ("Started", "c", 100) in story(part)
    assert part.serving == 0


def test_cancelling_a_running_request_hands_its_server_to_the_next() -> None:
    part = component(capacity=1)
    part.submit(0, "a", 100)
    part.submit(0, "b", 100)
    part.advance(10)
    part.cancel(40, "a")
    assert story(part) == [("Started", "b", 40), ("First", "b", 140), ("Done", "b", 140)]


def test_cancelling_something_unknown_changes_nothing() -> None:
    part = component()
    part.submit(0, "a", 100)
    part.cancel(50, "never asked")
    assert [name for name, *_ in story(part)] == ["Started", "First", "Done"]


@pytest.mark.parametrize(
    ("behaviour", "requests", "latency_ns", "done_ns"),
    [
        ("share", 2, 100, 100),  # within capacity nobody feels the other
        ("share", 4, 100, 200),  # twice the capacity: half the speed
        ("share", 6, 100, 300),
        ("cliff", 2, 100, 100),
        ("cliff", 4, 100, 800),  # twice the capacity: an eighth of the speed each
    ],
)
def test_beyond_capacity_everybody_slows(
    behaviour: str, requests: int, latency_ns: int, done_ns: int
) -> None:
    part = component(over_capacity=behaviour)
    for name in range(requests):
        part.submit(0, name, latency_ns)
    ends = [item.at_ns for item in part.advance(10**6) if isinstance(item, Done)]
    assert ends == [done_ns] * requests


def test_shared_work_speeds_up_when_somebody_leaves() -> None:
    part = component(capacity=1, over_capacity="share")
    part.submit(0, "a", 100)
    part.submit(0, "b", 100)
    part.cancel(100, "a")  # both are half done
    assert ("Done", "b", 150) in story(part)


def test_a_queue_limit_also_bounds_what_is_squeezed_in() -> None:
    part = component(over_capacity="share", queue_limit=1)
    for name in range(4):
        part.submit(0, name, 100)
    assert [type(item) for item in part.advance(0)] == [Started, Started, Started, Rejected]


@pytest.mark.parametrize("behaviour", ["queue", "share", "cliff"])
def test_a_late_clock_changes_no_event(behaviour: str) -> None:
    """Told all at once or step by step, the same things happen at the same times."""

    def told(step_ns: int) -> list[object]:
        part = component(over_capacity=behaviour, hold=1.5)
        seen: list[object] = []
        for number in range(8):
            part.submit(number * 30, number, 100 + number)
            seen += part.advance(number * 30)
        for at_ns in range(240, 20_000, step_ns):
            seen += part.advance(at_ns)
        return [*seen, *part.advance(20_000)]

    assert told(7) == told(19_000)


def test_the_next_event_is_when_advance_has_something_to_tell() -> None:
    part = component(hold=2.0)
    assert part.next_event_ns is None
    part.submit(10, "a", 100)
    assert part.next_event_ns == 10
    part.advance(10)
    assert part.next_event_ns == 110
    assert part.advance(109) == []
    assert part.advance(110) == [First("a", 110)]
    part.advance(210)
    assert part.next_event_ns is None


def test_an_autoscaler_adds_servers_after_its_lag_and_stops_at_its_maximum() -> None:
    scale = Autoscale(component="llm", add=2, lag=1.0, max_capacity=5)
    part = component(scale)
    for name in range(8):
        part.submit(0, name, 10 * 10**9)
    starts = [item.at_ns for item in part.advance(9 * 10**9) if isinstance(item, Started)]
    assert starts == [0, 0, 10**9, 10**9, 2 * 10**9]
    assert part.capacity == 5


def test_an_autoscaler_forgets_an_overload_that_went_away() -> None:
    part = component(Autoscale(component="llm", add=2, lag=1.0))
    part.submit(0, "a", 9 * 10**8)
    part.submit(0, "b", 9 * 10**8)
    part.advance(5 * 10**9)
    assert part.capacity == 2
