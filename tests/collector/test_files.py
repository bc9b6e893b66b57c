import stat

import pytest

from ovl_collector.files import replace_file


def test_a_file_is_replaced_with_its_mode_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "f"
    replace_file(path, b"one")
    replace_file(path, b"two", mode=0o600)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]


def test_a_failure_leaves_the_old_file(tmp_path):
    folder = tmp_path / "f"
    (folder / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match="f"):
        replace_file(folder, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["f"]
