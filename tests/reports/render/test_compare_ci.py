from __future__ import annotations

from xml.etree import ElementTree as Xml

import orjson

from otel_voiceload.reports.compare import CompareOptions, compare
from otel_voiceload.reports.render import compare_ci
from tests.reports.compared import a_run

BEFORE = [a_run("before", seed) for seed in (1, 2, 3)]
SLOW = compare(
    BEFORE, [a_run("slow", seed, slower=6.0, target="ws://other") for seed in (4, 5, 6)],
    CompareOptions(),
)  # fmt: skip
PAIR = compare(BEFORE[:1], [a_run("pair", 4, bends=None)], CompareOptions())


def test_junit_has_a_case_per_gate() -> None:
    root = Xml.fromstring(compare_ci.junit(SLOW).partition("\n")[2])
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "0")
    (pair,) = Xml.fromstring(compare_ci.junit(PAIR).partition("\n")[2])
    assert (pair.get("failures"), pair.get("skipped")) == ("0", "2")


def test_annotations_say_what_failed_and_what_could_not_be_decided() -> None:
    commands = compare_ci.commands(SLOW)
    assert commands[0].startswith("::warning title=not the same::target")
    assert any(each.startswith("::error title=turn_latency p95") for each in commands)
    assert sum("undecided" in each for each in compare_ci.commands(PAIR)) == 2


def test_json_is_the_comparison_itself() -> None:
    assert orjson.loads(compare_ci.to_json(PAIR))["metrics"][0]["metric"] == "turn_latency p50"
