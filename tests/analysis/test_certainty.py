"""A name's certainty is a share of the benchmark's namings, in words and as a number."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from otel_voiceload.analysis import certainty


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "certainty.json"
    monkeypatch.setattr(certainty, "TABLE", path)
    monkeypatch.setattr(certainty, "_counts", lambda: json.loads(path.read_text()))
    return path


@pytest.mark.parametrize(
    ("saturated", "recovered", "alone", "kind"),
    [
        (True, True, True, "strong"),
        (True, False, True, "fair"),
        (False, True, True, "fair"),
        (False, False, True, "weak"),
        (True, True, False, "shared"),
    ],
)
def test_namings_are_told_apart_by_what_is_seen(
    saturated: bool, recovered: bool, alone: bool, kind: str
) -> None:
    found = certainty.standing(saturated=saturated, recovered=recovered, alone=alone)
    assert found == kind


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((99, 100), "very likely (0.99: 99 of 100 such namings in simulation were right)"),
        ((90, 100), "likely (0.90: 90 of 100 such namings in simulation were right)"),
        ((70, 100), "rather likely (0.70: 70 of 100 such namings in simulation were right)"),
        ((30, 100), "doubtful (0.30: 30 of 100 such namings in simulation were right)"),
        ((9, 9), "unknown (such a naming is too rare in simulation)"),
    ],
)
def test_the_words_follow_the_share(table: Path, counts: tuple[int, int], words: str) -> None:
    certainty.write({"component": {"fair": counts}, "turn": {"fair": (1, 100)}})
    assert certainty.wording("fair", whole_turn=False) == words
    assert certainty.wording("fair", whole_turn=True).startswith("doubtful")


def test_a_kind_that_was_never_seen_is_unknown(table: Path) -> None:
    certainty.write({"component": {}, "turn": {}})
    assert certainty.wording("strong", whole_turn=False).startswith("unknown")


def test_the_table_that_is_shipped_has_what_the_wording_reads() -> None:
    shipped = json.loads(certainty.TABLE.read_text())
    assert set(shipped) == {"component", "turn"}
    for kinds in shipped.values():
        assert set(kinds) <= set(certainty.STANDINGS)
        assert all(0 <= right <= named for right, named in kinds.values())
