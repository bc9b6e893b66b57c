from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.reports import asking
from otel_voiceload.store.catalogue import view_files
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from tests.reports.samples import PLANTED, QUIET


@pytest.fixture(scope="module")
def reading(store: Path) -> Iterator[Reading]:
    with open_store(store) as opened:
        yield opened


def test_a_name_is_a_query_about_one_run(reading: Reading) -> None:
    table = asking.ask(reading, "level_table", PLANTED, {})

    assert [row["level"] for row in table.dicts()] == [6, 12, 24, 48, 12]


def test_a_view_is_cut_to_the_run_unless_it_lists_runs(reading: Reading) -> None:
    assert {row["run_id"] for row in asking.ask(reading, "calls", QUIET, {}).dicts()} == {QUIET}
    assert len(asking.ask(reading, "runs", QUIET, {}).rows) == 2


def test_sql_sees_the_whole_store_and_may_name_the_run(reading: Reading) -> None:
    whole = asking.ask(reading, "select count(distinct run_id) as n from calls;", PLANTED, {})
    one = asking.ask(
        reading,
        "select distinct run_id from calls where run_id = $run_id and turn_count >= $least",
        PLANTED,
        {"least": 1.0},
    )

    assert whole.dicts() == [{"n": 2}]
    assert one.dicts() == [{"run_id": PLANTED}]


@pytest.mark.parametrize(
    ("question", "complaint"),
    [
        ("", "what is the question"),
        ("no_such_query", "no query named"),
        ("drop view calls", "read-only"),
        ("select * from", "SQL"),
        ("select 1; select 2", "One SQL statement"),
        ("select * from read_csv('/etc/passwd')", "SQL failed"),
    ],
)
def test_what_can_not_be_answered_says_why(reading: Reading, question: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        asking.ask(reading, question, PLANTED, {})


def test_a_parameter_that_a_query_does_not_have_is_an_error(reading: Reading) -> None:
    with pytest.raises(UsageError, match="no parameter knee"):
        asking.ask(reading, "exemplar_turns", PLANTED, {"knee": 3.0})


def test_a_parameter_that_a_query_needs_is_named_when_it_is_missing(reading: Reading) -> None:
    with pytest.raises(UsageError, match="component_samples lacks its parameter component: give"):
        asking.ask(reading, "component_samples", PLANTED, {})

    assert asking.ask(reading, "component_samples", PLANTED, {"component": "llm"}).rows
    assert asking.ask(reading, "exemplar_turns", PLANTED, {}).rows


def test_parameters_are_numbers_where_they_look_like_it() -> None:
    assert asking.parameters_of(["a=46", "b=-1.5", "c=llm", "d="]) == {
        "a": 46.0,
        "b": -1.5,
        "c": "llm",
        "d": "",
    }
    with pytest.raises(UsageError, match="NAME=VALUE"):
        asking.parameters_of(["knee"])


def test_every_view_that_can_be_asked_exists() -> None:
    assert {*asking.WHOLE_VIEWS, *asking.RUN_VIEWS} <= {path.stem for path in view_files()}


@pytest.mark.parametrize("view", asking.RUN_VIEWS)
def test_every_view_answers_by_its_name(reading: Reading, view: str) -> None:
    table = asking.ask(reading, view, PLANTED, {})

    without_metrics = view in ("metric_points", "resource_usage")  # as these samples are
    assert {row["run_id"] for row in table.dicts()} == (set() if without_metrics else {PLANTED})


def test_the_list_has_every_query_with_its_question_and_its_text() -> None:
    rows = dict(asking.listed().rows)

    assert "level by level" in str(rows["turn_share"])
    assert asking.text_of("turn_share").startswith("-- title:")
    assert "create view turns" in asking.text_of("turns")
