from __future__ import annotations

from dataclasses import replace

import pytest

from otel_voiceload.reports.compare_explain import explain
from tests.reports.compared import LEVELS, a_run


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (("llm", 60.0), ("tts", 118.0), "llm fixed: knee 60 -> 118; next: tts"),
        (("llm", 60.0), None, "llm fixed: knee 60 -> over 96"),
        (("llm", 60.0), ("llm", 30.0), "llm bends earlier: knee 60 -> 30"),
        (("llm", 60.0), ("llm", 118.0), "llm carries more and still bends first: knee 60 -> 118"),
        (("llm", 60.0), ("llm", 62.0), "llm bends first on both sides: knee 60 -> 62"),
        (("llm", 60.0), ("stt", 30.0), "stt bends first now, at 30; llm did at 60 before"),
        (None, ("stt", 30.0), "stt bends first now, at 30; nothing bent up to 96 before"),
        (
            ("llm", 60.0),
            ("stt", 60.0),
            "stt is named in place of llm, at about the same load: 60, 60",
        ),
    ],
)
def test_which_component_explains_it_is_one_sentence(
    before: tuple[str, float] | None, after: tuple[str, float] | None, said: str
) -> None:
    assert explain(
        [a_run("a", 1, bends=before)], [a_run("b", 1, bends=after)], frozenset(LEVELS)
    ) == [said]


def test_whose_time_grew_with_the_turns_is_said() -> None:
    (_, told) = explain([a_run("a", 1)], [a_run("b", 2, slower=6.0)], frozenset(LEVELS))
    assert told.startswith("a turn takes 1.0")
    assert "llm 1.0" in told


def test_what_went_the_other_way_is_said_beside_it() -> None:
    before, after = a_run("a", 1), a_run("b", 2, slower=6.0)
    llm = after.measured["llm"]
    faster = replace(llm, values=llm.values * 0.01)
    before = replace(before, measured={**before.measured, "tts": before.measured["llm"]})
    after = replace(after, measured={**after.measured, "tts": faster})
    (_, told) = explain([before], [after], frozenset(LEVELS))
    assert "llm 1.0" in told
    assert told.endswith("tts 0.19 s less")
