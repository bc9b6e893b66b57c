"""Damaged files: quarantined, or refused with a message, or still right; never silently wrong."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from otel_voiceload.errors import OvlError
from otel_voiceload.store.open import open_store
from ovl_collector.errors import CollectorError
from ovl_collector.recordings import claim_recording, recover_dead
from tests.collector.processes import FREE, WAIT_S, Served
from tests.faults.damages import DAMAGES
from tests.faults.load import SIZE, Load
from tests.faults.rounds import DAMAGE_CASES

# Everything that a reader may show of the spans, in one number.
_ALL = """
select count(*) as spans, sum(hash(s))::varchar as content
from (select * exclude (recording_id, batch_id) from otel_spans) s
"""
_DIED = "ended without a shutdown"


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose collector was killed: sealed segments, a live one, its log and its counts."""
    store = tmp_path_factory.mktemp("killed") / "store"
    with Served(store, *FREE, "--segment-items", str(8 * SIZE)) as served:
        load = Load(served, clients=1)
        load.wait_for(19)
        served.process.send_signal(signal.SIGKILL)
        served.process.wait(WAIT_S)
        load.join()
    return store


def read(store: Path) -> tuple[str, object]:
    """("refused", why), ("noted", notes) or ("told", all that the spans hold)."""
    try:
        with open_store(store) as reading:
            (row,) = reading.sql(_ALL).dicts()
            notes = [note for note in reading.notes if _DIED not in note]
            return ("noted", notes) if notes else ("told", row)
    except OvlError as error:
        return "refused", str(error)


def judge(store: Path, truth: object, case: str) -> str:
    outcome, what = read(store)
    if outcome == "told":
        assert what == truth, f"{case}: silently wrong, {what} instead of {truth}"
        return "right"
    assert what, f"{case}: {outcome} without a word"
    return outcome


def repair(store: Path, chance: random.Random) -> str | None:
    """As a collector does that continues the recording, or ``--recover``; its refusal, if any."""
    (recording,) = (store / "recordings").iterdir()
    try:
        if chance.random() < 0.5:
            claim_recording(store, recording.name, time.time_ns()).lock.release()
        else:
            recover_dead(store)
    except CollectorError as error:
        return str(error)
    return None


def test_damaged_files_never_give_a_silently_wrong_number(
    killed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome, truth = read(killed)
    assert outcome == "told"
    tally: Counter[str] = Counter()
    wrong: list[str] = []
    names = list(DAMAGES)
    cases = max(DAMAGE_CASES, len(names))  # each kind at least once
    for number in range(cases):
        name = names[number % len(names)]
        case = f"case {number}, {name}"
        chance = random.Random(number)
        store = shutil.copytree(killed, tmp_path / f"case-{number}")
        (recording,) = (store / "recordings").iterdir()
        before = {path.name: path.read_bytes() for path in recording.iterdir()}
        DAMAGES[name](recording, chance)
        after = {path.name: path.read_bytes() for path in recording.iterdir()}
        assert before != after, f"{case}: nothing was damaged"
        try:
            # In turns: a reader comes first, or a collector that brings the files into order.
            if number // len(names) % 2 == number % 2:
                tally[judge(store, truth, case)] += 1
            elif repair(store, chance) is None:
                tally[judge(store, truth, f"{case}, repaired")] += 1
            else:
                tally["repair refused"] += 1
                judge(store, truth, f"{case}, repair refused")
        except (AssertionError, duckdb.Error, KeyError, TypeError, ValueError, OSError) as error:
            wrong.append(f"{case}: {type(error).__name__}: {error}")
        shutil.rmtree(store)
    with capsys.disabled():
        print(f"\n{cases} damages: {dict(sorted(tally.items()))}")
    assert not wrong, "\n".join(wrong)
