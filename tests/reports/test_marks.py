from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.errors import StoreError, UsageError
from otel_voiceload.reports.marks import FILE, Marks, read_marks, write_marks

NONE = Marks({}, ())


def test_a_store_without_marks_has_none(tmp_path: Path) -> None:
    assert read_marks(tmp_path) == NONE
    assert read_marks(tmp_path / "run.duckdb") == NONE


def test_marks_are_read_as_they_were_written(tmp_path: Path) -> None:
    marks = NONE.tagged("friday", "r1").with_baseline("r1").with_baseline("r2")
    write_marks(tmp_path, marks)

    assert read_marks(tmp_path) == marks
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_a_tag_stands_for_one_run_the_last_it_was_given_to() -> None:
    marks = NONE.tagged("friday", "r1").tagged("friday", "r2")

    assert marks.resolve("friday") == "r2"
    assert marks.tags_of("r1") == []


@pytest.mark.parametrize(
    ("selector", "run"),
    [("friday", "r1"), ("baseline", "r2"), ("latest", "latest"), ("r9", "r9")],
)
def test_a_selector_is_resolved_only_when_it_is_a_mark(selector: str, run: str) -> None:
    marks = NONE.tagged("friday", "r1").with_baseline("r3").with_baseline("r2")

    assert marks.resolve(selector) == run


def test_baseline_without_a_mark_is_left_to_the_store() -> None:
    assert NONE.resolve("baseline") == "baseline"


@pytest.mark.parametrize("tag", ["latest", "baseline", "-", "", " friday"])
def test_words_with_a_meaning_of_their_own_are_no_tags(tag: str) -> None:
    with pytest.raises(UsageError, match="can not be a tag"):
        NONE.tagged(tag, "r1")


def test_taking_away_a_tag_that_nobody_has_is_an_error() -> None:
    assert NONE.tagged("friday", "r1").untagged("friday") == NONE
    with pytest.raises(UsageError, match="no run carries"):
        NONE.untagged("friday")


def test_removed_runs_leave_no_marks() -> None:
    marks = NONE.tagged("a", "r1").tagged("b", "r2").with_baseline("r1").with_baseline("r2")

    assert marks.without({"r1"}) == Marks({"b": "r2"}, ("r2",))


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1}', '{"format": 9, "tags": {}}'])
def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)

    with pytest.raises(StoreError, match=FILE):
        read_marks(tmp_path)
