from __future__ import annotations

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.store import catalogue

TEXT = """-- title: Levels
-- question: How did it go
--   at each level?
-- columns: level, turns
-- reads: levels
-- A remark on the query itself.
select 1 as level, 2 as turns
"""


def test_the_header_may_go_on_over_lines() -> None:
    query = catalogue.parse("x", TEXT)
    assert query.title == "Levels"
    assert query.question == "How did it go at each level?"
    assert query.columns == ("level", "turns")
    assert query.reads == ("levels",)


def test_a_header_that_lacks_a_field_is_named() -> None:
    with pytest.raises(UsageError, match=r"x\.sql lacks the header question, columns, reads"):
        catalogue.parse("x", "-- title: T\nselect 1")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("level_tabel", r"Did you mean level_table\b"),
        ("turnz", r"Did you mean turns\b"),  # a view
        ("health", r"Did you mean generator_health\b"),
        ("qqqqqqqq", r"named 'qqqqqqqq'\. `ovl query --list` shows all"),
    ],
)
def test_an_unknown_query_is_answered_with_the_nearest(asked: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        catalogue.find(asked)


def test_every_view_file_is_in_the_order_and_the_order_names_only_files() -> None:
    folder = catalogue.queries_folder() / "views"
    named = {path.name for path in catalogue.view_files()} - {"@mappings"}
    assert named == {path.name for path in folder.glob("*.sql")}


def test_our_own_mapping_is_there() -> None:
    assert "voiceload" in [path.stem for path in catalogue.mapping_files()]


def test_what_a_view_needs_is_all_that_it_reads_at_any_depth() -> None:
    assert catalogue.needed({"calls", "by", "nothing"}) >= {"calls", "call_spans", "run_spans"}
    assert "levels" not in catalogue.needed({"calls"})
    assert catalogue.needed({"mapped"}) >= {"mapping_voiceload", "mapping_pipecat", "trace_runs"}
