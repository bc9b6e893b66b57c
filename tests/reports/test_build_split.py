from __future__ import annotations

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.reports.build_split import attribute_of, split


class Rows:
    def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
        assert (name, parameters["attribute"]) == ("split_latency", "gen_ai.request.model")
        return [
            {
                "component": "llm", "value": "large", "level_no": 1, "level": level, "samples": 9,
                "p50_s": 0.5, "p95_s": None, "error_rate": 0.0, "open_from_s": None,
            }
            for level in (None, 20.0)
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("model", "voiceload.component.model"), ("gen_ai.request.model", "gen_ai.request.model")],
)
def test_short_words_stand_for_attributes(typed: str, meant: str) -> None:
    assert attribute_of(typed) == meant


@pytest.mark.parametrize("typed", ["", 'a"b', "a b", "$x"])
def test_what_can_not_be_an_attribute_is_refused(typed: str) -> None:
    with pytest.raises(UsageError, match="is no attribute to split by"):
        attribute_of(typed)


def test_calls_that_were_there_already_are_in_the_groups_of_levels() -> None:
    groups = split(Rows(), "run", "gen_ai.request.model", background=30)["groups"]
    assert [each["calls"] for each in groups] == [None, 50.0]
    assert groups[0]["p95_s"] is None
