"""What is looked at and when; the processes are played."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.load.resources import Sampler
from otel_voiceload.model import NS_PER_S, MachineUsage
from otel_voiceload.profiles import Request
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.usage import STORE_EVERY, UsageWatch, target_pids

PLAN = RunPlan("ws://127.0.0.1:8765", "custom", Request(), Path("store"))


def test_it_is_asked_often_and_looks_once_a_second() -> None:
    watch = UsageWatch(Sampler(()), lambda: 77)
    looks = [
        (0.0, None),
        (0.4, None),
        (0.9, (9.0, 9.0)),
        (1.5, (2e3, 7e2)),
        (2.4, None),
        (3.0, (5.0, 0.0)),
    ]

    seen = [watch.due(round(at_s * NS_PER_S), traffic) for at_s, traffic in looks]

    assert [len(records) for records in seen] == [1, 0, 0, 1, 0, 1]
    (first,), (second,), (third,) = seen[0], seen[3], seen[5]
    assert first == MachineUsage(0, None, None, 77)
    assert second == MachineUsage(round(1.5 * NS_PER_S), 2e3, 7e2, None)
    assert third == MachineUsage(3 * NS_PER_S, 5.0, 0.0, None)


def test_the_store_is_measured_now_and_then() -> None:
    watch = UsageWatch(Sampler(()), lambda: 5, free=lambda: (9, None))

    seen = [watch.due(at_s * NS_PER_S)[-1] for at_s in range(2 * STORE_EVERY)]

    free = [(m.memory_free_bytes, m.disk_free_bytes) for m in seen if isinstance(m, MachineUsage)]
    assert free == [(9, None)] * 2 * STORE_EVERY
    sizes = [record.store_bytes for record in seen if isinstance(record, MachineUsage)]
    assert [index for index, size in enumerate(sizes) if size is not None] == [0, STORE_EVERY]


@pytest.mark.parametrize(
    ("target", "named", "listens", "found"),
    [
        ("ws://127.0.0.1:8765", (), 41, (41,)),
        ("ws://127.0.0.1:8765", (7, 8), 41, (7, 8)),
        ("ws://127.0.0.1:8765", (), None, ()),
        ("ws://127.0.0.1:8765", (), os.getpid(), ()),  # a target in this very process
        ("ws://203.0.113.5:8765", (), 41, ()),  # whoever listens here is somebody else
        ("ws://203.0.113.5:8765", (7,), 41, (7,)),
    ],
    ids=["found", "named", "nobody", "this process", "elsewhere", "elsewhere, named"],
)
def test_the_target_is_named_or_found_by_its_port_on_this_machine(
    target: str, named: tuple[int, ...], listens: int | None, found: tuple[int, ...]
) -> None:
    asked: list[int] = []

    def find(port: int) -> int | None:
        asked.append(port)
        return listens

    plan = replace(PLAN, target=target, target_pids=named)

    assert tuple(target_pids(plan, find)) == found
    assert set(asked) <= {8765}
