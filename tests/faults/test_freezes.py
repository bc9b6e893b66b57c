"""A collector that stands still for a while and then goes on as if nothing had been."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path

import pytest

from tests.collector.processes import FREE, Served
from tests.faults.findings import assert_in_order, assert_kept, status_of
from tests.faults.load import SIZE, Load

FROZEN_S = 3.0


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells that the process stands still")
def test_a_collector_that_is_stopped_for_3_seconds_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    """Clients give up after a second and send the same batch again; both copies arrive later."""
    with Served(tmp_path, *FREE, "--segment-items", str(20 * SIZE)) as served:
        load = Load(served, patient=True, timeout_s=1.0)
        load.wait_for(20)
        served.process.send_signal(signal.SIGSTOP)
        threading.Event().wait(FROZEN_S)
        assert status_of(served.process.pid, "State").startswith("T"), "it was not stopped"
        at_stake = load.outstanding
        served.process.send_signal(signal.SIGCONT)
        load.wait_for(20)
        acked = load.stop()
        assert served.stop() == (0, "")
    assert at_stake, "no client waited"
    assert load.broken >= 2 * len(at_stake), "no client had to send again"
    assert at_stake <= acked
    assert_kept(tmp_path, acked, load.sent)
    assert_in_order(served.folder)
