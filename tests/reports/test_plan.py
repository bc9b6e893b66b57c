"""What a plan says of a run with two planted limits; one run is simulated for all of these."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from otel_voiceload.analysis.changes import parse_change
from otel_voiceload.capacity.prices import Prices
from otel_voiceload.capacity.simulated_call import CallerModel
from otel_voiceload.errors import ExitCode, UsageError
from otel_voiceload.reports.build import Examined, examine
from otel_voiceload.reports.plan import PlanOptions, exit_code, plan_of_run, plan_without_run
from otel_voiceload.reports.plan_types import Plan
from otel_voiceload.store.open import open_run
from otel_voiceload.store.reading import Reading
from tests.reports.plans import (
    LLM,
    TTS,
    TTS_SERVERS,
    TWO,
    assumed,
    declaring,
    two_limits,
    two_limits_store,
)

Opened = tuple[Reading, Examined]
DOUBLED = (parse_change("llm.capacity=2x"),)
CYCLE_S = CallerModel().cycle().mean_s(two_limits())
LLM_S = two_limits().components.llm.busy_mean_s
BOTH = declaring(tts=float(TTS_SERVERS), stt=5000.0)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    reading, run_id = open_run(TWO, two_limits_store(tmp_path_factory.mktemp("two")))
    with reading:
        yield reading, examine(reading, run_id)


@pytest.fixture(scope="module")
def doubled(two: Opened) -> Plan:
    options = PlanOptions(changes=DOUBLED, written=BOTH, file="limits.yaml", expected_peak=34.0)
    return plan_of_run(two[0], TWO, two[1], options)


def test_with_twice_the_llm_the_planted_second_limit_is_next(doubled: Plan) -> None:
    made = doubled["what_if"]
    assert made is not None
    (before,), (after,) = made["before"]["first"], made["after"]["first"]

    assert before["component"] == "llm"
    assert before["calls"] == pytest.approx(LLM, rel=0.15)
    assert (after["component"], after["simulated"]) == ("tts", True)
    assert after["calls"] == pytest.approx(TTS, rel=0.15)
    assert after["ci"] is not None
    assert after["ci"][0] < TTS < after["ci"][1]
    assert "the next to bend is tts at" in doubled["headline"]
    assert exit_code(doubled) is ExitCode.OK


def test_the_fix_is_worth_calls_and_milliseconds(doubled: Plan) -> None:
    fix = doubled["fixes"][0]

    assert (fix["component"], fix["next_bottleneck"], fix["basis"]) == ("llm", "tts", "limits")
    assert fix["ceiling_after"] == pytest.approx(TTS, rel=0.1)
    assert fix["at_peak"] is not None
    assert fix["at_peak"]["saves_ms"][1] > 500


def test_limits_say_what_they_rest_on(doubled: Plan) -> None:
    by_name = {each["component"]: each for each in doubled["limits"]}

    assert [each["component"] for each in doubled["limits"]] == ["llm", "tts", "stt"]
    assert by_name["llm"]["basis"] == "measured"
    assert "ovl query level_throughput" in by_name["llm"]["why"]
    assert by_name["tts"]["why"] == "concurrent 6 in limits.yaml"
    assert by_name["tts"]["calls"] == pytest.approx(TTS, rel=0.1)


def test_every_number_of_the_run_names_its_query(doubled: Plan) -> None:
    of_run = {each["name"]: each["where"] for each in doubled["inputs"] if each["source"] == "run"}

    assert of_run["call.turn_cycle"] == f"run {TWO}: ovl query turn_cycles"
    assert of_run["tts.busy"] == f"run {TWO}: ovl query component_work"
    assert of_run["call.speech"] == f"run {TWO}: ovl query call_shape"


def test_without_declared_limits_there_are_bounds_that_are_said_as_bounds(
    two: Opened,
) -> None:
    made = plan_of_run(two[0], TWO, two[1], PlanOptions(changes=(parse_change("llm.capacity=9"),)))

    assert made["what_if"] is not None
    assert made["what_if"]["after"]["unknown"] == ["stt", "tts"]
    assert "at least" in made["headline"]
    assert "unless stt and tts, whose limits are not known, come first" in made["headline"]
    (fix,) = made["fixes"]
    assert (fix["basis"], fix["ceiling_after"]) == ("bounds", None)
    assert "carried" in fix["why"]
    unknown = {each["component"]: each for each in made["limits"] if each["calls"] is None}
    assert unknown.keys() == {"stt", "tts"}
    assert 18 < (unknown["tts"]["at_least"] or 0) < 1.1 * LLM  # what surely was carried


def test_target_calls_use_what_the_run_measured_and_say_what_is_assumed(two: Opened) -> None:
    made = plan_of_run(two[0], TWO, two[1], PlanOptions(target_calls=100))
    needs = {f"{each['service']} {each['what']}": each for each in made["needs"]}

    assert needs["llm requests per minute"]["sources"] == ["run"]
    assert needs["llm requests per minute"]["mean"] == pytest.approx(100 * 60 / CYCLE_S, rel=0.05)
    assert "assumption" in needs["llm tokens per minute, both"]["sources"]
    assert made["undecided"] is None
    assert needs["llm requests at once"]["mean"] == pytest.approx(100 * LLM_S / CYCLE_S, rel=0.1)


def test_assumptions_alone_are_enough_for_a_number_of_calls() -> None:
    made = assumed()

    assert made["run"] is None
    assert made["headline"] == "What 10,000 calls at once ask for."
    assert {each["source"] for each in made["inputs"]} == {"assumption"}
    assert made["longest_request_tokens"] == 1000 + 30 + 29 * 90


def test_declared_limits_that_are_too_small_are_in_the_headline() -> None:
    made = assumed(10_000, declaring(llm=100.0))

    assert made["headline"].endswith("Declared and not enough: llm requests at once.")
    llm = next(each for each in made["limits"] if each["component"] == "llm")
    assert (round(llm["calls"] or 0), llm["ci"]) == (467, None)  # 100 x 7 s / 1.5 s, all assumed


def test_what_it_costs_is_asked_with_prices() -> None:
    prices = Prices.model_validate({"sip": {"per_minute": 0.01}})
    made = plan_without_run(PlanOptions(target_calls=100, prices=prices))

    assert made["cost"] is not None
    assert made["cost"]["per_hour"] == 60
    assert "stt streams" in made["cost"]["unpriced"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (PlanOptions(changes=DOUBLED), "--set changes what a run measured"),
        (PlanOptions(), "give it"),
    ],
)
def test_without_a_run_only_calls_can_be_planned_for(options: PlanOptions, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        plan_without_run(options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (PlanOptions(target_calls=0), "--target-calls 0"),
        (PlanOptions(target_calls=10**9), "--target-calls 1000000000"),
        (PlanOptions(expected_peak=float("nan")), "--expected-peak nan"),
        (PlanOptions(expected_peak=-1.0), "--expected-peak -1"),
        (PlanOptions(prices=Prices()), "--cost needs --target-calls"),
    ],
)
def test_options_that_make_no_sense_are_named(options: PlanOptions, said: str) -> None:
    assert [each for each in options.problems() if said in each]
