from __future__ import annotations

from datetime import datetime

import pytest

from otel_voiceload.analysis.inflection import Candidate, Finding, Inflections
from otel_voiceload.analysis.judge import Judged
from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.reports import build_findings as findings

LLM = Candidate("llm", 48.0, (42.0, 55.0), "strong", ("why",), "unknown", (), 1.0, 40.0, 10**18)
FOUND = Finding("found", 96.0, (LLM,), climb=(40.0, 96.0))
NOTHING = Finding("not_reached", 96.0)


def curve(component: str, *medians: float) -> list[dict[str, object]]:
    return [
        {
            "component": component,
            "concurrency": 12.0 * 2**index,
            "samples": 50,
            "p50_s": median,
            "p95_s": median * 1.4,
            "p99_s": median * 1.6,
            "error_rate": 0.0,
            "open_from_s": None,
            "returned": False,
        }
        for index, median in enumerate(medians)
    ]


def sources(*names: str) -> list[dict[str, object]]:
    return [{"component": name, "source": "in_band", "turns": 100} for name in names]


@pytest.mark.parametrize(
    ("status", "role"),
    [("found", "bottleneck"), ("at_most", "bottleneck"), ("ambiguous", "candidate")],
)
def test_what_is_named_is_the_bottleneck_only_when_it_is_alone(status: str, role: str) -> None:
    finding = Finding(status, 96.0, (LLM,))
    (llm,) = findings.components(
        Inflections(finding, finding), curve("llm", 0.5, 3.0), sources("llm"), only="llm"
    )
    assert llm["role"] == role


def test_roles_of_the_others() -> None:
    rows = curve("tts", 0.1, 0.5) + curve("stt", 0.06, 0.06)
    found = findings.components(Inflections(FOUND, FOUND), rows, sources("stt", "tts", "tool"))
    roles = {each["component"]: each["role"] for each in found}
    assert roles == {
        "stt": "healthy",
        "tts": "follows",
        "llm": "unobserved",
        "network": "unobserved",
        "tool": "healthy",
    }


def test_where_nobody_is_named_what_rises_follows_nobody() -> None:
    (tts,) = findings.components(
        Inflections(NOTHING, NOTHING), curve("tts", 0.1, 0.5), sources("tts"), only="tts"
    )
    assert tts["role"] == "candidate"


def test_a_few_turns_do_not_make_a_rise() -> None:
    rows = curve("stt", 0.05, 0.1, 0.1)
    rows[0]["samples"] = 6
    (stt,) = findings.components(Inflections(FOUND, FOUND), rows, sources("stt"), only="stt")
    assert stt["role"] == "healthy"


def test_the_short_cut_is_only_there_when_one_component_has_a_number() -> None:
    first = findings.first_inflection(FOUND)
    assert first is not None
    assert first["concurrency"] == 48.0
    assert first["time"] == "2001-09-09T01:46:40Z"
    assert findings.first_inflection(NOTHING) is None
    assert (
        findings.first_inflection(
            Finding(
                "found",
                96.0,
                (Candidate("llm", None, None, "weak", (), "unknown", (), 1.0, 40.0, 0),),
            )
        )
        is None
    )


def test_an_inflection_in_the_words_of_the_report() -> None:
    found = findings.inflection(FOUND)
    assert found["status"] == "found"
    assert found["climb"] == {"from": 40.0, "to": 96.0}
    assert found["candidates"][0]["ci"] == (42.0, 55.0)
    assert findings.inflection(NOTHING)["climb"] is None


def test_a_threshold_keeps_who_wrote_it() -> None:
    (threshold,) = parse("turn_latency{phase:spike}: p95<2x baseline")
    (row,) = findings.thresholds([(Judged(threshold, "unknown", needs_calls=9), True)])
    assert row["metric"] == "turn_latency{phase:spike}"
    assert row["unit"] == "s"
    assert row["written_by_user"]
    assert row["ci"] is None
    assert row["needs_calls"] == 9


def test_a_missing_component_is_only_missing_when_others_are_there() -> None:
    assert findings.missing_components(sources("stt", "tts")) == ["llm"]
    assert findings.missing_components(sources("unattributed", "network")) == []


def test_times_are_utc_and_say_so() -> None:
    assert findings.iso(datetime(2027, 1, 15, 8, 0, 0, 500)) == "2027-01-15T08:00:00.000500Z"  # noqa: DTZ001
    assert findings.iso(None) is None
