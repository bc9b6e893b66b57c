from __future__ import annotations

import pytest

from otel_voiceload.analysis import thresholds
from otel_voiceload.errors import UsageError


@pytest.mark.parametrize(
    ("text", "metric", "statistic", "op", "limit", "unit"),
    [
        ("turn_latency: p95<2s", "turn_latency", "p95", "<", 2.0, "s"),
        ("turn_latency p(95) <= 800ms", "turn_latency", "p95", "<=", 0.8, "s"),
        ("llm: med<0.5s", "llm", "p50", "<", 0.5, "s"),
        ("llm: mean<0.5s", "llm", "avg", "<", 0.5, "s"),
        ("call_completion: rate>95%", "call_completion", "rate", ">", 0.95, "ratio"),
        ("call_completion: rate>0.95", "call_completion", "rate", ">", 0.95, "ratio"),
        ("call_completion: drop<5pp", "call_completion", "drop", "<", 0.05, "points"),
        ("packet_loss: p95<0.5%", "packet_loss", "p95", "<", 0.005, "ratio"),
        ("turn_latency: p99.9<9s", "turn_latency", "p99.9", "<", 9.0, "s"),
        ("turn_latency: p95<2x baseline", "turn_latency", "p95", "<", 2.0, "x"),
        ("target_memory: max<2GB", "target_memory", "max", "<", 2e9, "number"),
    ],
)
def test_what_people_write(
    text: str, metric: str, statistic: str, op: str, limit: float, unit: str
) -> None:
    (found,) = thresholds.parse(text)
    assert (found.metric, found.statistic, found.op, found.unit) == (metric, statistic, op, unit)
    assert found.limit == pytest.approx(limit)


def test_a_selector_stays_with_its_metric() -> None:
    (found,) = thresholds.parse("turn_latency{phase:spike, scenario:booking}: p95<2x baseline")
    assert found.selector == (("phase", "spike"), ("scenario", "booking"))
    assert found.name == "turn_latency{phase:spike,scenario:booking}"
    assert found.relative_to_baseline


def test_several_tests_of_one_metric() -> None:
    found = thresholds.parse("turn_latency: [p50<800ms, 'p95<2s']")
    assert [each.expression for each in found] == ["p50<800ms", "p95<2s"]


def test_another_metric_is_the_latency_of_a_component_of_that_name() -> None:
    (found,) = thresholds.parse("rag: p95<300ms")

    assert (found.kind, found.limit) == ("seconds", 0.3)
    assert thresholds.components_meant([found, *thresholds.parse("llm: p95<1s")]) == {"rag"}
    assert thresholds.recorded({"llm2{phase:ramp}": ["p95<1s"]})[0].metric == "llm2"


@pytest.mark.parametrize(
    ("metric", "there", "says"),
    [
        ("rag", ("llm", "rag"), None),
        ("llm2", ("llm2",), None),
        ("llm2", None, "did you mean llm"),
        ("rga", ("llm", "rag"), "did you mean rag"),
        ("vad", ("rag", "llm"), r"known are .* The components of the run are llm, rag\."),
    ],
)
def test_a_component_is_one_that_the_run_has(
    metric: str, there: tuple[str, ...] | None, says: str | None
) -> None:
    components = None if there is None else lambda: there
    if says is None:
        assert thresholds.parse(f"{metric}: p95<1s", components)[0].metric == metric
        return
    with pytest.raises(UsageError, match=says):
        thresholds.parse(f"{metric}: p95<1s", components)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("turn_latncy: p95<2s", "did you mean turn_latency"),
        ("turn_latency: p95<2", "needs a unit"),
        ("turn_latency: p95 is good", "not understood"),
        ("turn_latency: p0<1s", "use p1 to"),
        ("turn_latency: drop<5pp", "a drop is in points"),
        ("turn_latency{colour:red}: p95<1s", "use phase:VALUE"),
        ("call_completion: rate>2s", "has no unit"),
        ("p95", "not like"),
    ],
)
def test_what_is_not_understood_is_said(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        thresholds.parse(text)


def test_what_a_run_records_reads_back_as_it_was() -> None:
    written = thresholds.parse("turn_latency: [p50<800ms, p95<2s]") + thresholds.parse(
        "llm: p95<1s"
    )
    assert thresholds.from_mapping(thresholds.to_mapping(written)) == written


def test_the_methods_own_are_all_understood() -> None:
    names = {each.metric for each in thresholds.defaults()}
    assert names == {"turn_latency", "call_completion", "jitter", "packet_loss"}


def test_holds_is_exact_at_the_limit() -> None:
    (under,) = thresholds.parse("llm: p95<1s")
    (at_most,) = thresholds.parse("llm: p95<=1s")
    assert not under.holds(1.0, 1.0)
    assert at_most.holds(1.0, 1.0)
