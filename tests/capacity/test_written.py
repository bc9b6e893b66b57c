from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.capacity.written import Written, read_written
from otel_voiceload.errors import ConfigError


class Inner(Written):
    colour: str = "red"
    weight: float = 1.0


class Outer(Written):
    inner: Inner = Inner()
    size: float = 2.0


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", ["", "# nothing\n", "inner:\n", "inner:\n  # colour: blue\n"])
def test_what_is_not_written_has_its_default(tmp_path: Path, text: str) -> None:
    assert read_written(written(tmp_path, text), Outer) == Outer()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "inner:\n  color: blue\n",
            "line 2: nothing is called 'inner.color'; did you mean colour?",
        ),
        ("size: 1\nsise: 2\n", "line 2: nothing is called 'sise'; did you mean size?"),
        ("zebra: 1\n", "line 1: nothing is called 'zebra'; known here are inner, size"),
        ("size: big\n", "line 1: size: Input should be a valid number"),
        ("\nsize: .nan\n", "line 2: size: Input should be a finite number"),
        ("inner: 5\n", "line 1: inner: Input should be a valid dictionary"),
        ("inner: {colour: [\n", "is not YAML"),
        ("- a\n", "should hold `key: value` lines"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_written(written(tmp_path, text), Outer)

    assert said in str(error.value)
    assert "file.yaml" in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_written(tmp_path / "none.yaml", Outer)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(ConfigError, match="is not text"):
        read_written(path, Outer)
