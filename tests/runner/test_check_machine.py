from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.errors import OvlError
from otel_voiceload.load.clock import Discipline, Steps
from otel_voiceload.profiles import Request
from otel_voiceload.runner.check_machine import (
    Machine,
    clock_check,
    machine_checks,
    pacing_check,
)
from otel_voiceload.runner.dry_run import Forecast, forecast
from otel_voiceload.runner.pacing_trial import Paced
from otel_voiceload.runner.plan import RunPlan

STORE = Path("store")
PACED = Paced(25, 0.002, 0.0, 0.004, 0.1, 0.003, ())


@pytest.fixture(scope="module")
def expected() -> Forecast:
    return forecast(RunPlan("ws://127.0.0.1:8765", "custom", Request(calls=90), STORE))


def machine(
    *, files: int = 100_000, ports: int = 28_000, memory: float = 8e9, disk: float = 9e9
) -> Machine:
    return Machine(
        limits=lambda: (min(1024, files), files),
        ports=lambda: ports,
        memory_bytes=lambda: int(memory),
        disk_bytes=lambda place: int(disk),
        discipline=lambda: None,
        pace=lambda wire, calls: PACED,
    )


def states(expected: Forecast, machine: Machine) -> dict[str, str]:
    return {check.name: check.state for check in machine_checks(expected, STORE, machine)}


def test_a_machine_that_has_it_all_can_bear_the_plan(expected: Forecast) -> None:
    found = machine_checks(expected, STORE, machine())

    assert [(check.name, check.state) for check in found] == [
        ("open files", "done"),
        ("local ports", "done"),
        ("memory", "done"),
        ("disk", "done"),
    ]
    assert found[0].found == "213 needed per process, 100,000 are permitted"


@pytest.mark.parametrize(
    ("short", "name", "next_"),
    [
        (machine(files=150), "open files", "ulimit -n 213"),
        (machine(ports=80), "local ports", "ip_local_port_range"),
        (machine(memory=1e8), "memory", "use fewer calls"),
        (machine(disk=100), "disk", "another --store"),
    ],
)
def test_every_shortage_is_told_with_what_would_help(
    short: Machine, name: str, next_: str, expected: Forecast
) -> None:
    found = machine_checks(expected, STORE, short)
    (failed,) = [check for check in found if check.state == "failed"]

    assert failed.name == name
    assert next_ in failed.next


def test_several_shortages_do_not_hide_each_other(expected: Forecast) -> None:
    found = states(expected, machine(files=150, ports=80))

    assert [name for name, state in found.items() if state == "failed"] == [
        "open files",
        "local ports",
    ]


def moved(by_s: float) -> Steps:
    now = [0]
    steps = Steps(lambda: now[0] + round((now[0] > 0) * by_s * 1e9), lambda: now[0])
    now[0] = 9_000_000_000
    return steps


@pytest.mark.parametrize(
    ("steps", "said", "answer", "state", "found"),
    [
        (moved(0), Discipline(True, 0.0, 0.02), "", "done", "synchronised within 20.0 ms"),
        (moved(0), Discipline(False, 0.0, 16.0), "", "missing", "not synchronised"),
        (moved(0), None, "", "ask", "the kernel does not say"),
        (moved(0), None, "the host sets it", "done", "the host sets it; moved 0.0 ms in 9 s"),
        (moved(-0.25), Discipline(True, 0.0, 0.02), "it is fine", "missing", "moved -250.0 ms"),
    ],
)
def test_a_clock_is_right_when_somebody_keeps_it_so_and_it_did_not_jump(
    steps: Steps, said: Discipline | None, answer: str, state: str, found: str
) -> None:
    check = clock_check(steps, said, answer)

    assert check.state == state
    assert found in check.found


def pacing(pace: Callable[[str, int], Paced]) -> tuple[str, str]:
    check = pacing_check("plain", 45, replace(machine(), pace=pace))
    return check.state, check.found


def test_a_machine_that_paces_its_own_calls_is_told_how_well() -> None:
    assert pacing(lambda wire, calls: PACED) == (
        "done",
        "25 calls: frames p99 2.0 ms late, loop lag 4.0 ms, kept from running 10%,"
        " hearing 3.0 ms late",
    )


def test_a_machine_that_is_too_busy_for_a_few_calls_fails() -> None:
    busy = replace(PACED, limited_by=("pacing_error", "loop_lag"))

    state, found = pacing(lambda wire, calls: busy)

    assert state == "failed"
    assert found.startswith("too busy (pacing error, loop lag)")


def test_a_test_that_could_not_be_made_is_missing_and_stops_nothing() -> None:
    def nothing(wire: str, calls: int) -> Paced:
        raise OvlError("the pacing test did not start")

    assert pacing(nothing) == ("missing", "the pacing test did not start")
