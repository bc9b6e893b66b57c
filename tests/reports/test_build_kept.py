from __future__ import annotations

from otel_voiceload.reports import build_kept as kept
from otel_voiceload.store.reading import Loss

WHOLE: dict[str, object] = {
    "turns": 100,
    "turns_removed": 0,
    "spans_removed": 0,
    "removed_until_ns": None,
    "recordings": ["a"],
}
HERE, ELSEWHERE = Loss("a", "1 span is missing."), Loss("b", "The file x is damaged.")


def test_a_whole_run_has_nothing_to_say() -> None:
    assert kept.notes((), (), WHOLE) == []


def test_only_losses_of_the_recordings_of_a_run_are_its_own() -> None:
    said = ("a note", HERE.sentence, ELSEWHERE.sentence)
    assert kept.losses((HERE, ELSEWHERE), WHOLE) == [HERE.sentence]
    assert kept.notes(said, (HERE, ELSEWHERE), WHOLE) == ["a note", ELSEWHERE.sentence]


def test_what_retention_took_is_said_with_the_time_up_to_which_cells_speak() -> None:
    some = WHOLE | {
        "turns_removed": 60,
        "spans_removed": 480,
        "removed_until_ns": 1_800_000_000 * 10**9,
    }
    assert kept.removed(some) == [
        "raw spans of 60 turns before 2027-01-15T08:00:00Z were removed by retention: their figures"
        " come from cells, percentiles within 2.2 %"
    ]
    assert kept.removed(some | {"turns_removed": 100})[0].startswith("the raw spans of all turns")
    assert kept.removed(some | {"turns_removed": 0})[0].endswith("none of them was a turn's")
