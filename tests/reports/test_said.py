"""What a run says of itself may be anything: what is in no form of ours counts as not said."""

from __future__ import annotations

import pytest

from otel_voiceload.reports import said


@pytest.mark.parametrize("text", [None, "", "{", "[1]", "7", '"x"', "null", b"{}"])
def test_nonsense_is_as_good_as_silence(text: object) -> None:
    assert said.counts(text) == {}
    assert said.thresholds(text) == {}
    assert said.shards_lost(text) == []
    assert said.copy_ledger(text) is None


def test_what_fits_is_kept_beside_what_does_not() -> None:
    assert said.counts('{"full": 7, "odd": "many", "less": -1, "yes": true}') == {"full": 7}
    assert said.thresholds('{"llm": ["p95<1s"], "stt": 3}') == {"llm": ["p95<1s"]}
    assert said.shards_lost('[{"shard": 3, "at_s": 83.2}, {"shard": 1}, 4]') == [(3, 83.2)]


def test_the_copys_ledger_is_whole_or_not_there() -> None:
    whole = '{"ended": 9, "acknowledged": 7, "waiting": 1, "lost": {"http_400": 1}}'

    assert said.copy_ledger(whole) == {
        "ended": 9,
        "acknowledged": 7,
        "waiting": 1,
        "lost": {"http_400": 1},
    }
    assert said.copy_ledger('{"ended": 9, "lost": {}}') is None
