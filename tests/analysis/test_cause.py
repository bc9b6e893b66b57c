"""Causes by hand-made evidence: which one goes before which, and what is not enough for any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from otel_voiceload.analysis.cause import Grounds, Process, Work, explain, served_per_s

WELL, BENT = (0, 1), (2, 3)
CALLS = (10, 20, 40, 80)


def work(
    at_once: Sequence[tuple[float, int]],
    queue_s: Sequence[float | None] = (None,) * 4,
    busy_s: Sequence[float | None] = (None,) * 4,
) -> list[Work]:
    return [
        Work(n, CALLS[n], 60, 60, 0, queue_s[n], busy_s[n], *at_once[n]) for n in range(4)
    ]  # fmt: skip


def processes(
    cpu: Sequence[float | None], rss_bytes: Sequence[float | None] = (1e9,) * 4
) -> list[Process]:
    return [Process(n, CALLS[n], cpu[n], rss_bytes[n]) for n in range(4)]


GROWS = ((2.0, 4), (4.0, 8), (12.0, 18), (30.0, 44))
CAPPED = ((2.0, 4), (5.0, 9), (15.0, 15), (15.0, 15))
WAITS = (0.0, 0.01, 0.8, 2.5)


def told(grounds: Grounds) -> tuple[str, str]:
    cause, why = explain("llm", None, grounds, WELL, BENT)
    return cause, "; ".join(why)


def test_refusals_mean_the_providers_limit_and_say_how_often_it_was_asked() -> None:
    asked = work(CAPPED, queue_s=(0.0,) * 4)
    asked[3] = replace(asked[3], attempts=150, failed=90)
    cause, why = told(Grounds({"llm": {"rate_limited": 90, "timeout": 3}}, lambda name: asked))
    assert cause == "provider_limit"
    assert why == (
        "90 attempts of llm were refused (rate_limited);"
        " 2.5 attempts a turn at 80 calls, 60% of the attempts failed; hard cap near 15 at once"
    )


def test_refusals_speak_also_where_nothing_is_known_of_the_work() -> None:
    assert told(Grounds({"llm": {"HTTP 429": 12}})) == (
        "provider_limit",
        "12 attempts of llm were refused (HTTP 429)",
    )


def test_a_plateau_of_what_is_under_way_with_work_waiting_beside_it_is_a_pool() -> None:
    cause, why = told(Grounds(work=lambda name: work(CAPPED, WAITS)))
    assert cause == "pool"
    assert why.startswith(
        "hard cap near 15 at once, from 40 calls on; beside them llm waits 2.50 s"
    )


@pytest.mark.parametrize(
    ("at_once", "queue_s"),
    [
        (CAPPED, (None,) * 4),  # nobody says that anything waited
        (CAPPED, (0.0,) * 4),
        (GROWS, WAITS),
        (((2.0, 4), (4.0, 8), (5.0, 15), (6.0, 15)), WAITS),  # a moment's peak
    ],
)
def test_what_is_no_pool(
    at_once: Sequence[tuple[float, int]], queue_s: Sequence[float | None]
) -> None:
    assert told(Grounds(work=lambda name: work(at_once, queue_s)))[0] == "unknown"


def test_work_that_takes_longer_with_all_of_it_under_way_is_a_slow_provider() -> None:
    slow = work(GROWS, queue_s=(0.0,) * 4, busy_s=(0.4, 0.4, 0.9, 2.1))
    cause, why = told(Grounds(work=lambda name: slow))
    assert cause == "provider_slow"
    assert why == (
        "llm works 2.10 s on an answer where it took 0.40 s, with 44 under way at once and none"
        " refused"
    )


@pytest.mark.parametrize(
    ("cpu", "cores", "rss_bytes", "cause", "says"),
    [
        ((0.5, 1.0, 3.5, 3.8), 4, 1e9, "own_cpu", "took 3.8 of 4 cores at 80 calls"),
        ((0.3, 0.6, 1.0, 1.01), 4, 1e9, "own_cpu", "one thread is full"),
        ((0.3, 0.6, 1.0, 1.01), None, 1e9, "own_cpu", "one thread is full"),
        ((0.95, 1.0, 1.0, 1.01), 4, 1e9, "unknown", ""),  # as before: no reason
        ((0.3, 0.6, 1.2, 2.1), 4, 1e9, "unknown", ""),
        ((0.3, 0.6, 1.2, 2.1), 4, 15e9, "own_memory", "94% of the machine's memory"),
        ((None,) * 4, 4, None, "unknown", ""),
    ],
)
def test_a_machine_that_is_full_is_the_targets_own(
    cpu: Sequence[float | None], cores: int | None, rss_bytes: float | None, cause: str, says: str
) -> None:
    target = processes(cpu, (1e9, 1e9, 1e9, rss_bytes))
    grounds = Grounds(target=target, cores=cores, memory_bytes=16_000_000_000)
    found, why = told(grounds)
    assert found == cause
    assert says in why


def test_a_full_machine_goes_before_the_slowness_that_it_makes() -> None:
    slow = work(GROWS, busy_s=(0.4, 0.4, 0.9, 2.1))
    grounds = Grounds(work=lambda name: slow, target=processes((1, 1.5, 3.9, 4.0)), cores=4)
    assert told(grounds)[0] == "own_cpu"


def test_what_only_levels_that_came_back_show_is_no_evidence() -> None:
    back = [replace(each, level_no=9) for each in work(CAPPED, WAITS)]
    assert told(Grounds(work=lambda name: back)) == ("unknown", "")


@pytest.mark.parametrize(
    ("asked", "cause", "says"),
    [
        ({"llm": work(CAPPED)}, "pool", "llm: hard cap near 15 at once, from 40 calls on"),
        ({"llm": work(GROWS)}, "unknown", ""),
        ({}, "unknown", ""),
    ],
)
def test_time_that_no_span_explains_may_be_a_pool_in_front_of_a_component(
    asked: dict[str, list[Work]], cause: str, says: str
) -> None:
    grounds = Grounds(work=lambda name: asked.get(name, []))
    found, why = explain("unattributed", None, grounds, WELL, BENT)
    assert found == cause
    assert says in "; ".join(why)


@pytest.mark.parametrize(
    ("failures", "at_once", "per_s"),
    [
        ({"rate_limited": 9}, CAPPED, 30.0),  # 15 at once, half a second each
        ({"rate_limited": 9}, GROWS, None),
        ({"timeout": 9}, CAPPED, None),
        ({}, CAPPED, None),
    ],
)
def test_what_servers_that_refuse_can_do_is_told_by_how_many_there_are(
    failures: dict[str, int], at_once: Sequence[tuple[float, int]], per_s: float | None
) -> None:
    asked = work(at_once, busy_s=(0.5,) * 4)
    grounds = Grounds({"llm": failures}, lambda name: asked)
    assert served_per_s("llm", grounds, BENT) == per_s
