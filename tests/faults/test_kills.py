"""Ends that nobody ordered: SIGKILL at random moments under load, and SIGTERM, which is an order.

Segments hold a few batches only, so that a random moment is as likely to fall into a rotation, a
checkpoint or a manifest as into a commit. What the kill left behind tells where it fell.
"""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ovl_collector.manifest import read_manifest
from tests.collector.processes import FREE, WAIT_S, Served
from tests.faults.findings import assert_in_order, assert_kept
from tests.faults.load import SIZE, Load, send_again
from tests.faults.rounds import IS_FULL, KILL_ROUNDS

TINY = (*FREE, "--segment-items", str(5 * SIZE))
ROUNDS_PER_STORE = 5
AT_ONCE = 2  # stores; half of a round is waiting for a process to start
ENDS_EVERY = 7  # rounds: one is killed while it ends by itself
LOOK_EVERY = 1 if IS_FULL else 3  # what one look misses the next one finds: spans accumulate


def landed(recording: Path) -> set[str]:
    """Where a kill fell, by what it left behind."""
    found = set()
    names = {path.name for path in recording.iterdir()}
    listed = {entry.file: entry.state for entry in read_manifest(recording).segments}
    live = [file for file, state in listed.items() if state == "live"]
    logs = [name for name in live if _size(recording / f"{name}.wal")]
    if logs:
        found.add("commit")  # the log of a live segment waits to be replayed
    if len(live) > 1:
        found.add("checkpoint")  # the full segment was being closed beside the next one
    if any(name.endswith((".duckdb.tmp", ".duckdb.tmp.wal")) for name in names):
        found.add("rotation")  # the next segment was being made
    if "manifest.json.tmp" in names or {name for name in names if name.endswith(".duckdb")} - set(
        listed
    ):
        found.add("manifest")  # its replacement was being written, or came next
    return found


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def kill_under_load(served: Served, load: Load, chance: random.Random) -> None:
    load.wait_for(chance.randint(1, 25))
    threading.Event().wait(chance.random() * 0.03)  # the moment itself, not a wait for something
    assert served.process.poll() is None, "the collector must be running to be killed"
    served.process.send_signal(signal.SIGKILL)
    assert served.process.wait(WAIT_S) == -signal.SIGKILL
    load.join()
    assert load.acked or load.outstanding, "nothing was at stake"


def kill_in_the_end(served: Served, load: Load, chance: random.Random) -> None:
    """In the middle of an orderly end whose live segment is empty: it is removed, not sealed."""
    load.wait_for(chance.randint(1, 10))
    load.stop()
    served.control("POST", "/control/seal")
    served.process.send_signal(signal.SIGTERM)
    threading.Event().wait(chance.random() * 0.1)
    served.process.send_signal(signal.SIGKILL)
    assert served.process.wait(WAIT_S) in (0, -signal.SIGKILL)


def play(store: Path, rounds: range) -> Counter[str]:
    """Kill, look as a reader does, restart on the same store, send again what got no answer."""
    tally: Counter[str] = Counter()
    acked: set[int] = set()
    sent: set[int] = set()
    recording: str | None = None
    for number in rounds:
        chance = random.Random(number)
        # Sometimes another recording of the same store: then the resends are in two recordings.
        again = ("--recording", recording) if recording and chance.random() < 0.7 else ()
        with Served(store, *TINY, *again) as served:
            recording = served.folder.name
            send_again(served, [*sorted(sent - acked), *sorted(acked)[-2:]])
            acked |= sent
            load = Load(served, origin=4 * number)
            kill = kill_in_the_end if number % ENDS_EVERY == 0 else kill_under_load
            kill(served, load, chance)
        acked |= load.acked
        sent |= load.sent
        tally.update(landed(served.folder) or {"between"})
        tally["in an orderly end"] += served.process.returncode != 0 and kill is kill_in_the_end
        tally["acknowledged"] += len(load.acked)
        tally["outstanding"] += len(load.sent - load.acked)
        if number % LOOK_EVERY == 0:
            found = assert_kept(store, acked, sent)
            tally["committed, not acknowledged"] += len(found.copies) // SIZE - len(acked)
    assert recording is not None
    with Served(store, *TINY, "--recording", recording) as served:
        send_again(served, [*sorted(sent - acked), *sorted(acked)[-20:]])
        assert served.stop() == (0, "")
    assert_kept(store, sent, sent)
    assert_in_order(store / "recordings" / recording)
    return tally


def test_sigkill_at_any_moment_loses_and_doubles_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begins = range(0, KILL_ROUNDS, ROUNDS_PER_STORE)
    rounds = [range(begin, min(begin + ROUNDS_PER_STORE, KILL_ROUNDS)) for begin in begins]
    stores = [tmp_path / f"store-{begin}" for begin in begins]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        tally = sum(threads.map(play, stores, rounds), Counter())
    with capsys.disabled():
        print(f"\n{KILL_ROUNDS} kills: {dict(sorted(tally.items()))}")
    assert tally["acknowledged"] >= KILL_ROUNDS
    wanted = {"commit"}
    if IS_FULL:
        wanted |= {"checkpoint", "rotation", "manifest", "in an orderly end"}
    assert all(tally[place] for place in wanted), "the kills did not land where they should"


def test_sigterm_under_load_stores_exactly_what_it_acknowledges(tmp_path: Path) -> None:
    with Served(tmp_path, *TINY) as served:
        load = Load(served)
        load.wait_for(30)
        assert served.process.poll() is None
        assert served.stop() == (0, "")
        acked = load.join()
    found = assert_kept(tmp_path, acked, load.sent)
    assert len(found.copies) == SIZE * len(acked), "a commit went unacknowledged"
    assert_in_order(served.folder)
