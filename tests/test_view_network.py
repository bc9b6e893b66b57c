"""The network's latency is that of both ways; of a turn that nobody answered one is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.store import records
from tests.store.records import component, identity, turn
from tests.test_views import ask, stored


@pytest.mark.parametrize(("answered_s", "latency_s"), [(4.0, [(0.2,)]), (None, [])])
def test_of_an_unanswered_turn_the_way_up_alone_is_no_latency(
    tmp_path: Path, answered_s: float | None, latency_s: list[tuple[float]]
) -> None:
    ways = [component("network", 3.0, 3.1, 3.1)]
    if answered_s is not None:
        ways.append(component("network", 3.9, answered_s, answered_s, attempt=1))
    run = [
        *records.small_run()[:2],
        records.call_start(identity(), 1),
        turn(identity(), 0, 3.0, answered_s, *ways),
        records.call(identity(), 1, 16),
    ]
    path = stored(tmp_path, run)
    found = ask(path, "select latency_s from component_turns where component = 'network'")
    assert found == [(pytest.approx(each),) for (each,) in latency_s]
