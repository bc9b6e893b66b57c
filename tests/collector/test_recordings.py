import os
import re

import pytest

from ovl_collector.errors import UsageError
from ovl_collector.locks import RecordingLock
from ovl_collector.manifest import read_manifest
from ovl_collector.recordings import claim_recording, open_store, recover_dead

from .requests import T0
from .test_recovery import killed


def test_a_new_store_is_made_and_hides_itself_from_git(tmp_path):
    store = tmp_path / "a" / "store"
    claim = claim_recording(store, None, T0)
    assert (store / ".gitignore").read_text() == "*\n"
    assert re.fullmatch(r"20261118T\d{6}-[0-9a-f]{4}", claim.folder.name)
    assert claim.folder.parent == store / "recordings"
    assert read_manifest(claim.folder) == claim.manifest
    assert not claim.manifest.ended
    assert claim.suspect_until_unix_ns == 0
    claim.lock.release()


def test_every_start_makes_a_recording_of_its_own(tmp_path):
    one, other = (claim_recording(tmp_path / "s", None, T0) for _ in range(2))
    assert one.folder != other.folder
    one.lock.release()
    other.lock.release()


def test_a_folder_with_other_things_in_it_is_no_store(tmp_path):
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(UsageError, match="not a store"):
        open_store(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        open_store(tmp_path / "precious.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_a_recording_that_is_not_there_or_is_held_is_refused(tmp_path):
    claim = claim_recording(tmp_path / "s", None, T0)
    with pytest.raises(UsageError, match="no recording nope"):
        claim_recording(tmp_path / "s", "nope", T0)
    with pytest.raises(UsageError, match=f"in use by pid {os.getpid()}"):
        claim_recording(tmp_path / "s", claim.folder.name, T0)
    claim.lock.release()


def dead_store(tmp_path):
    folder = tmp_path / "s" / "recordings" / "dead"
    folder.mkdir(parents=True)
    killed(folder)
    return tmp_path / "s", folder


def test_a_continued_recording_is_recovered_and_knows_what_it_holds(tmp_path):
    store, _ = dead_store(tmp_path)
    claim = claim_recording(store, "dead", T0)
    assert [entry.state for entry in claim.manifest.segments] == ["sealed", "sealed"]
    assert claim.suspect_until_unix_ns > T0 + 10**18
    claim.lock.release()


def test_after_a_death_the_next_recording_starts_with_suspicion(tmp_path):
    store, folder = dead_store(tmp_path)
    died = max(path.stat().st_mtime_ns for path in folder.iterdir())
    soon = claim_recording(store, None, died + 10**9)
    assert soon.suspect_until_unix_ns == died + 121 * 10**9
    soon.lock.release()
    late = claim_recording(store, None, died + 700 * 10**9)
    assert late.suspect_until_unix_ns == 0
    late.lock.release()


def test_a_running_collector_beside_us_is_no_reason_for_suspicion(tmp_path):
    running = claim_recording(tmp_path / "s", None, T0)
    now = (running.folder / "manifest.json").stat().st_mtime_ns
    beside = claim_recording(tmp_path / "s", None, now)
    assert beside.suspect_until_unix_ns == 0
    running.lock.release()
    beside.lock.release()


def test_the_dead_are_recovered_and_the_living_left_alone(tmp_path):
    store, folder = dead_store(tmp_path)
    running = claim_recording(store, None, T0)
    assert recover_dead(store) == ["dead"]
    assert read_manifest(folder).ended
    assert not read_manifest(running.folder).ended
    assert recover_dead(store) == []
    running.lock.release()
    RecordingLock.acquire(folder).release()


def test_what_is_no_store_can_not_be_recovered(tmp_path):
    with pytest.raises(UsageError, match="not a store"):
        recover_dead(tmp_path)
