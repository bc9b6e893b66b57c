import fcntl
import os

import pytest

from ovl_collector.errors import UsageError
from ovl_collector.locks import RecordingLock, is_locked


def test_a_second_holder_is_refused_and_told_who_holds_it(tmp_path):
    lock = RecordingLock.acquire(tmp_path)
    assert is_locked(tmp_path)
    with pytest.raises(UsageError, match=rf"in use by pid {os.getpid()} on "):
        RecordingLock.acquire(tmp_path)
    lock.release()
    assert not is_locked(tmp_path)
    RecordingLock.acquire(tmp_path).release()


def test_a_reader_keeps_writers_out_and_other_readers_in(tmp_path):
    RecordingLock.acquire(tmp_path).release()
    with (tmp_path / "lock").open() as reader:
        fcntl.flock(reader, fcntl.LOCK_SH | fcntl.LOCK_NB)
        assert not is_locked(tmp_path)
        with pytest.raises(UsageError, match="a reader"):
            RecordingLock.acquire(tmp_path)


def test_a_folder_without_a_lock_file_is_not_locked(tmp_path):
    assert not is_locked(tmp_path)
