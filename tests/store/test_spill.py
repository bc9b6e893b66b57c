from __future__ import annotations

import gc
import tempfile
from pathlib import Path

import pytest

from otel_voiceload.store import spill


@pytest.fixture(autouse=True)
def passing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_does_not_fit_goes_to_a_folder_of_its_own_and_is_gone_afterwards(
    passing: Path,
) -> None:
    connection = spill.connect()
    (folder,) = passing.iterdir()
    connection.execute("set memory_limit = '20MB'")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    connection.execute("create temp table numbers as select hash(i) as n from range(5000000) t(i)")
    assert list(folder.iterdir()), "nothing was spilled"
    assert folder.stat().st_mode & 0o077 == 0
    assert connection.execute("select count(*) from numbers").fetchall() == [(5_000_000,)]
    connection.close()
    del connection
    gc.collect()
    assert list(passing.iterdir()) == []


def test_where_no_file_may_be_made_memory_has_to_do(
    passing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(passing / "nowhere"))
    with spill.connect() as connection:
        assert connection.execute("select current_setting('temp_directory')").fetchall() == [("",)]
