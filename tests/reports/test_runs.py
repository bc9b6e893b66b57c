from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from otel_voiceload.errors import StoreError
from otel_voiceload.reports import runs
from otel_voiceload.reports.marks import Marks, write_marks
from otel_voiceload.reports.render.rows import to_text
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Table
from tests.reports.samples import PLANTED, QUIET


@pytest.fixture
def own_store(store: Path, tmp_path: Path) -> Path:
    """A copy that the test may change."""
    return Path(shutil.copytree(store, tmp_path / "own"))


def test_a_run_is_found_by_tags_from_both_places(own_store: Path) -> None:
    write_marks(own_store, Marks({"quiet": QUIET}, (PLANTED,)))
    found = []
    for selector in ("friday", "quiet", "baseline", QUIET):
        reading, run_id = runs.open_selected(own_store, selector)
        reading.close()
        found.append(run_id)

    assert found == [PLANTED, QUIET, PLANTED, QUIET]


def test_the_list_shows_tags_and_baseline(store: Path) -> None:
    with open_store(store) as reading:
        table = runs.listed(reading, Marks({"later": PLANTED}, (QUIET,)))
    tags = {row["run_id"]: row["tag"] for row in table.dicts()}

    assert tags == {PLANTED: "friday, later", QUIET: "baseline"}


@pytest.mark.parametrize(
    ("stores", "judged"), [(0.1, set()), (0.9, {PLANTED}), (1.0, {PLANTED, QUIET})]
)
def test_only_the_newest_are_judged_where_all_would_take_long(
    stores: float, judged: set[str], store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs, which share the spans of the store."""
    with open_store(store) as reading:
        ((spans,),) = reading.sql("select count(*) from raw_spans").rows
        assert isinstance(spans, int)
        monkeypatch.setattr(runs, "JUDGED_BY_READING", stores * spans)
        table = runs.listed(reading, Marks({}, ()))

    assert {row["run_id"] for row in table.dicts() if row["validity"]} == judged
    shown = to_text(runs.brief(table).columns, runs.brief(table).rows)
    assert ("?" in shown) == (len(judged) < 2)


@pytest.mark.parametrize(
    "tag", ["", "friday", "a tag that nobody would ever want to read in a list"]
)
@pytest.mark.parametrize(
    "target", ["ws://127.0.0.1:8765", "twilio+wss://voice.example.com/agents/7"]
)
def test_the_list_fits_a_terminal(tag: str, target: str) -> None:
    named = ("run_id", "tag", "started", "target", "profile", "validity")
    row = ("20270115T080001-abcdef", tag, None, target, "five-phase", "inconclusive")
    short = runs.brief(Table(named, ("VARCHAR",) * 6, (row, row)))

    text = to_text(short.columns, short.rows)

    assert max(map(len, text.splitlines())) <= 80
    assert "20270115T080001-abcdef  five-phase  inconclusive" in text


def test_a_run_tells_what_it_is_and_its_stages(store: Path) -> None:
    with open_store(store) as reading:
        facts = runs.shown(reading, PLANTED).dicts()[0]
        stages = runs.stages_of(reading, PLANTED).dicts()

    assert (facts["planted"], facts["profile"]) == ("llm:24", "demo")
    assert [stage["calls_asked"] for stage in stages] == [6, 12, 24, 48, 12]


def test_sizes_say_what_each_recording_holds(store: Path) -> None:
    sizes = runs.sizes(store)

    assert [each.runs for each in sizes] == [(PLANTED,), (QUIET,)]
    assert all(each.bytes > 10_000 and each.spans > 100 and not each.alive for each in sizes)


def test_removing_a_run_removes_its_recording_and_no_other(own_store: Path) -> None:
    runs.remove(runs.removable(own_store, {PLANTED}))

    assert [each.runs for each in runs.sizes(own_store)] == [(QUIET,)]
    assert [path.name for path in (own_store / "recordings").iterdir()] == [f"{QUIET}-rec"]


def test_a_recording_that_others_lie_in_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = runs.RecordingSize("rec", tmp_path, 1, 1, ("r1", "r2"), runs.CLOSED)
    monkeypatch.setattr(runs, "sizes", lambda store: [shared])

    with pytest.raises(StoreError, match="also holds r2"):
        runs.removable(tmp_path, {"r1"})
    assert runs.removable(tmp_path, {"r1", "r2"}) == [shared]


def test_a_recording_that_is_being_written_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = runs.RecordingSize("rec", tmp_path, 1, 1, ("r1",), runs.BEING_WRITTEN)
    monkeypatch.setattr(runs, "sizes", lambda store: [living])

    with pytest.raises(StoreError, match="is being written"):
        runs.removable(tmp_path, {"r1"})


def test_sizes_fit_a_terminal(tmp_path: Path) -> None:
    run = "20270115T080001-abcdef"
    one = runs.RecordingSize("20270115T080001-abcd", tmp_path, 10**10, 10**7, (run,), runs.CLOSED)
    two = replace(one, runs=(run, run), state=runs.BEING_WRITTEN)
    short = runs.brief_sizes([one, two])
    text = to_text(short.columns, short.rows)

    assert max(map(len, text.splitlines())) <= 80
    assert f"10000.0  10000000  closed         {run}" in text
    assert "2 runs (-f json)" in text
