"""Runs that can not say much: every verb says so in a sentence, and makes up no number.

One table, a row per kind of run. Each is read by all that reads runs: the report in all its forms,
the doctor, a plan, a comparison.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from otel_voiceload.reports import doctor
from otel_voiceload.reports.build import examine, exit_code
from otel_voiceload.reports.compare import CompareOptions, compare
from otel_voiceload.reports.compare_read import figures_of
from otel_voiceload.reports.page import exhibits_of
from otel_voiceload.reports.plan import PlanOptions, plan_of_run
from otel_voiceload.reports.render import (
    compare_text,
    csv,
    github,
    html,
    junit,
    markdown,
    plan_text,
    terminal,
)
from otel_voiceload.reports.render import doctor as doctor_words
from otel_voiceload.store.open import open_store
from tests.cli.ovl import ovl
from tests.end_to_end import bad_runs
from tests.reports.compared import a_run
from tests.reports.published import hold_to_schema
from tests.store import records
from tests.store.builder import batches_of, write_store

Capture = pytest.CaptureFixture[str]
WIDE: Final = ("text", "plan", "compare")  # what has to fit a terminal
NO_NUMBER: Final = re.compile(
    r"\b(?:nan|NaN|inf|None|Traceback)\b|(?<![\w)-])-\d+(?:\.\d+)? ?(?:s|ms|calls)\b"
)
NO_TURN: Final = (
    "turn_latency.p50_s",
    "turn_latency.p99_s",
    "ceiling.slo.calls",
    "ceiling.degradation.calls",
    "unattributed.share",
    "baseline.p95_s",
    "headroom.calls",
)
NO_HEALTH: Final = ("generator.cpu", "generator.late_starts", "generator.pacing_error_p99_s")
NO_RUN: Final = (*NO_TURN, *NO_HEALTH, "call_completion.rate", "connect.success")


@dataclass(frozen=True, slots=True)
class Bad:
    """A kind of run, and pieces of what is said of it.

    ``code`` is the exit code of ``ovl analyze``; ``nothing`` are paths in the JSON that have to be
    null, ``says`` pieces of the text on a terminal.
    """

    make: Callable[[Path], Path]
    headline: str
    status: str
    validity: str
    code: int = 0
    says: tuple[str, ...] = ()
    nothing: tuple[str, ...] = ()
    doctor: str = "checks are well"
    plan: str = "No limit is known from this run"
    compare: str = "unknown"


RUNS: Final = {
    "empty": Bad(
        bad_runs.empty, "no call was recorded", "unobserved", "inconclusive", 4,
        says=("no level was held", "0 connected, completion unknown", "lost unknown"),
        nothing=NO_RUN, doctor="had nothing to look at",
        plan="Nothing can be planned from this run: no call was recorded",
        compare="run-1 is inconclusive: no call was recorded",
    ),
    "killed at once": Bad(
        bad_runs.killed_at_once, "no call was recorded", "unobserved", "inconclusive", 4,
        says=("length unknown", "the run ended without a shutdown"),
        nothing=NO_RUN, doctor="had nothing to look at",
        plan="Nothing can be planned from this run: no call was recorded",
    ),
    "one level": Bad(
        bad_runs.one_held_level, "only one level of load, 10 calls", "cannot_tell", "valid",
        says=("within 2x own baseline: unknown", "Hold several levels of load"),
        nothing=("inflection.climb", "ceiling.degradation.calls", *NO_HEALTH),
        compare="No level was held on both sides",
    ),
    "ten calls": Bad(
        bad_runs.ten_calls, "only one level of load, 10 calls", "cannot_tell", "degraded",
        says=("only 20 turns recorded", "more calls would decide"),
        nothing=("ceiling.degradation.calls",),
    ),
    "no component spans": Bad(
        bad_runs.without_components, "Which component it was stays unobserved", "unobserved",
        "valid", says=("unobserved: stt, llm, tts, network", "OTEL_EXPORTER_OTLP_ENDPOINT"),
        nothing=("unattributed.p50_s", "unattributed.share"),
        doctor="unobserved: no timing at all", plan="The run has no component timing",
    ),
    "one component missing": Bad(
        bad_runs.without_llm, "Nothing bent up to 12 calls", "not_reached", "degraded",
        says=("no timing of llm: it counts as unattributed", "unobserved: llm"),
        doctor="unobserved: no timing at all", plan="Nothing bent up to 12 calls",
    ),
    "all turns failed": Bad(
        bad_runs.nobody_answered, "most turns had no answer already at 4 calls", "unobserved",
        "valid",
        says=("turns p50 >8 s, p95 >8 s, p99 >8 s of 75, 75 without an answer", "completion 0%"),
        nothing=("baseline.p95_s", "ceiling.degradation.calls", "unattributed.p50_s"),
        doctor="had nothing to look at", plan="The run has no component timing",
    ),
    "every turn ends before it begins": Bad(
        bad_runs.turns_end_before_they_begin, "every turn has a negative latency", "unobserved",
        "inconclusive", 4, says=("simulated tells latencies of llm that can not be",),
        nothing=NO_TURN, doctor="unobserved: no latency above zero",
        plan="every turn has a negative latency",
    ),
    "a component ends before it begins": Bad(
        bad_runs.components_end_before_they_begin, "Nothing bent up to 12 calls", "not_reached",
        "degraded",
        says=("simulated tells latencies of llm that can not be", "unobserved: llm"),
        doctor="75 below zero", plan="Nothing bent up to 12 calls",
    ),
    "calls end before they begin": Bad(
        bad_runs.calls_end_before_they_begin, "Nothing bent up to 12 calls", "not_reached",
        "degraded",
        says=("20 calls ended before they began: the last that was seen of each counts",),
        doctor="off by 5.000 s", plan="Nothing bent up to 12 calls",
    ),
    "calls without turns": Bad(
        bad_runs.calls_without_turns, "no turn was recorded", "unobserved", "inconclusive", 4,
        says=("completed 15, aborted by us 5", "turns p50 unknown"), nothing=NO_TURN,
        doctor="had nothing to look at",
        plan="Nothing can be planned from this run: no turn was recorded",
    ),
    "the target's spans alone": Bad(
        bad_runs.only_the_targets_spans, "no call was recorded", "unobserved", "inconclusive", 4,
        says=("unknown run run-1 against unknown", "unknown wire, length unknown, seed unknown"),
        nothing=NO_RUN, doctor="had nothing to look at",
        plan="Nothing can be planned from this run: no call was recorded",
    ),
    "of an older generator": Bad(
        bad_runs.of_an_older_generator, "Nothing bent up to 11 calls", "not_reached", "valid",
        says=("unknown run run-1 against unknown", "late starts unknown", "lost unknown"),
        nothing=NO_HEALTH, plan="Nothing bent up to",
    ),
    "one call of 4,000 spans": Bad(
        partial(bad_runs.one_long_call, spans=4_000), "only one level of load, 1 call",
        "cannot_tell", "valid", says=("of 1000, 0 without an answer",),
        nothing=("within_calls.0.spread.between_s", "ceiling.degradation.calls"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_that_can_not_say_much_says_so_and_makes_nothing_up(
    kind: str, tmp_path: Path
) -> None:
    says_so(RUNS[kind], RUNS[kind].make(tmp_path))


@pytest.mark.skipif("FAULT_ROUNDS" not in os.environ, reason="takes a minute: make faults")
def test_one_call_of_a_million_spans_is_told_like_one_of_thousands(tmp_path: Path) -> None:
    path = bad_runs.one_long_call(tmp_path, 1_000_000)
    with open_store(path) as reading:
        report = examine(reading, records.RUN).report
    assert "only one level of load, 1 call" in report["headline"]
    assert report["turn_latency"]["samples"] == 250_000
    assert report["within_calls"][0]["by_number"][-1]["turn_to"] == 250_000


def says_so(bad: Bad, path: Path) -> None:
    """Reads the run by everything that reads runs, and looks at all that is said."""
    with open_store(path) as reading:
        examined = examine(reading, records.RUN)
        report = examined.report
        exhibits = exhibits_of(reading, report)
        plan = plan_of_run(reading, records.RUN, examined, PlanOptions())
        needs = plan_of_run(reading, records.RUN, examined, PlanOptions(target_calls=100))
        found = doctor.examined(reading, records.RUN)
        figures = figures_of(reading, report)
    page = html.render(report, exhibits)
    sound = a_run("sound", 1)
    both = [compare([figures], [sound], CompareOptions())]
    both.append(compare([sound], [figures], CompareOptions()))
    texts = {
        "text": terminal.render(report),
        "md": markdown.render(report),
        "html": re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL),
        "csv": csv.render(report),
        "junit": junit.render(report),
        "github": "\n".join([github.render(report), *github.commands(report)]),
        "doctor": doctor_words.render(records.RUN, found.rows),
        "plan": "\n".join([plan_text.terminal(plan), plan_text.terminal(needs)]),
        "compare": "\n".join(map(compare_text.terminal, both)),
    }
    _is_told(bad, report, exit_code(report), texts)
    assert bad.plan in (plan["undecided"] or "")
    assert both[0]["verdict"] == both[1]["verdict"] == "unknown"
    _holds_no_number_of_its_own(orjson.loads(orjson.dumps(report)), bad)
    for form, text in texts.items():
        assert NO_NUMBER.findall(text) == [], form
        assert form not in WIDE or max(map(len, text.splitlines())) <= 80, form


def _is_told(bad: Bad, report: Any, code: int, texts: dict[str, str]) -> None:
    text = " ".join(texts["text"].split())
    assert bad.headline in report["headline"]
    assert bad.headline in text
    assert bad.headline in texts["html"]
    assert report["inflection"]["status"] == bad.status
    assert report["run"]["validity"] == bad.validity
    assert code == bad.code
    for piece in bad.says:
        assert piece in text
    assert bad.doctor in texts["doctor"]
    assert bad.compare in " ".join(texts["compare"].split())


def _holds_no_number_of_its_own(report: Any, bad: Bad) -> None:
    """Nothing is named that was not found, judged that was not seen, or told that was not asked."""
    hold_to_schema(report)
    assert report["first_inflection"] is None
    assert report["inflection"]["candidates"] == report["fixes"] == []
    assert {path: _at(report, path) for path in bad.nothing} == dict.fromkeys(bad.nothing)
    for row in report["thresholds"]:
        assert row["observed"] is not None or row["verdict"] in ("unknown", "not_applicable")
    if bad.validity == "inconclusive":
        assert report["verdict"] == "inconclusive"


def _at(report: Any, path: str) -> object:
    for key in path.split("."):
        report = report[int(key) if key.isdigit() else key]
    return report


# --- files of other versions, and no run at all ---------------------------------------------------


@pytest.mark.parametrize("version", [0, 2])
@pytest.mark.parametrize("verb", ["analyze", "doctor", "plan", "compare", "report"])
def test_a_recording_of_another_layout_is_refused_in_one_line(
    verb: str, version: int, tmp_path: Path, capsys: Capture
) -> None:
    path = bad_runs.of_another_layout(tmp_path, version)

    ended = ovl(capsys, tmp_path, verb, str(path))

    assert (ended.code, ended.out) == (2, "")
    assert f"has layout {version}, this version reads 1: use the version" in ended.err
    assert ended.err.count("\n") == 1


def test_a_recording_of_another_layout_is_set_aside_where_others_can_be_read(
    tmp_path: Path, capsys: Capture
) -> None:
    write_store(tmp_path, [(batches_of(bad_runs.ramp(), records.RUN), True)], recording="readable")
    older = tmp_path / "older"
    older.mkdir()
    place = tmp_path / "recordings" / "older"
    place.mkdir()
    bad_runs.of_another_layout(older, 0).rename(place / "segment-0001.duckdb")
    listed = {"file": "segment-0001.duckdb", "number": 1, "state": "sealed"}
    manifest = {"format": 1, "recording": "older", "ended": True, "segments": [listed]}
    (place / "manifest.json").write_bytes(orjson.dumps(manifest))

    ended = ovl(capsys, tmp_path, "analyze", records.RUN)

    assert ended.code == 0
    assert "Nothing bent up to 12 calls" in ended.out
    assert "has layout 0, this version reads 1" in ended.err


@pytest.mark.parametrize("verb", ["analyze", "doctor", "plan", "report"])
def test_a_store_without_a_run_is_said_to_have_none(
    verb: str, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "recordings").mkdir()

    ended = ovl(capsys, tmp_path, verb)

    assert (ended.code, ended.out) == (2, "")
    assert "holds no run yet: start one with `ovl generate TARGET`" in ended.err
    assert ended.err.count("\n") == 1


def test_the_shell_sees_the_same_code_and_the_same_words(tmp_path: Path, capsys: Capture) -> None:
    ended = ovl(capsys, tmp_path, "analyze", str(bad_runs.empty(tmp_path)))

    assert ended.code == 4
    assert "This run can not be judged: no call was recorded." in ended.out
    assert ended.err == ""
