from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from otel_voiceload.errors import ExitCode, SmokeFailed
from otel_voiceload.profiles import Request
from otel_voiceload.runner import play as playing
from otel_voiceload.runner.generate import RunOutcome
from otel_voiceload.runner.plan import RunPlan
from otel_voiceload.runner.screen import Screen
from otel_voiceload.telemetry.exporter import Totals
from tests.cli.ovl import ovl
from tests.reports.samples import PLANTED

Capture = pytest.CaptureFixture[str]
TARGET = "ws://127.0.0.1:8765"
DONE = RunOutcome(PLANTED, "target_reached", Totals(7, 7), None)


class Played:
    """Stands for the load: it was asked for, and the run is one that is in the store."""

    def __init__(self) -> None:
        self.plans: list[RunPlan] = []
        self.outcome: RunOutcome | Exception = DONE

    def __call__(self, plan: RunPlan, screen: Screen) -> RunOutcome:
        self.plans.append(plan)
        screen.say("calling")
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Played:
    monkeypatch.chdir(tmp_path)
    one = Played()
    monkeypatch.setattr(playing, "play", one)
    return one


def test_without_options_it_is_the_custom_profile_and_the_booking_scenario(
    played: Played, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "generate", TARGET)

    assert ended.code == 0
    assert ended.out.startswith("VALID")
    assert ended.err == "calling\n"
    assert played.plans == [RunPlan(TARGET, "custom", Request(), store)]


def test_every_option_reaches_the_plan(
    played: Played, store: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_KEY", "s3cret")
    words = (
        *("-p", "ramp", "-c", "40", "-d", "10m", "-s", "10m:200", "-s", "hold:5m:200"),
        *("--pace", "0.5", "--scenario", "booking=3", "--scenario", "mine.yaml", "--seed", "7"),
        *("-H", "Authorization: env:AGENT_KEY", "--param", "room=a=b", "--tls-ca", "ca.pem"),
        *("--tls-insecure", "--allow", "agent.example.com", "--trace-sample", "0.2"),
        *("--max-calls", "300", "--max-connect-rate", "5", "--processes", "3"),
        *("--collector", "embedded", "--tag", "tuesday", "--threshold", "turn_latency:p95<2s"),
        *("--collector-header", "X-Key: env:AGENT_KEY", "--collector-ca", "otel.pem"),
        *("--spool-size", "2GiB"),
        *("--abort-on-fail", "--abort-grace", "1m"),
    )

    ovl(capsys, store, "generate", TARGET, *words)

    assert played.plans == [
        RunPlan(
            target=TARGET,
            profile_name="ramp",
            request=Request(40, 600.0, ("10m:200", "hold:5m:200"), 0.5),
            store=store,
            scenarios=("booking=3", "mine.yaml"),
            collector="embedded",
            collector_headers={"X-Key": "s3cret"},
            collector_ca=Path("otel.pem"),
            spool_bytes=2 * 2**30,
            seed=7,
            tag="tuesday",
            headers={"Authorization": "s3cret"},
            params={"room": "a=b"},
            tls_ca=Path("ca.pem"),
            tls_insecure=True,
            trace_sample=0.2,
            allow=("agent.example.com",),
            max_calls=300,
            max_connect_rate=5.0,
            processes=3,
            thresholds={"turn_latency": ["p95<2s"]},
            abort_grace_s=60.0,
        )
    ]


def test_the_file_gives_what_the_command_line_does_not(
    played: Played, store: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "ovl.yaml").write_text(
        "generate: {calls: 20, duration: 10m}\n"
        "thresholds: {turn_latency: p95<3s, greeting: p95<1s}\n"
    )
    ovl(capsys, store, "generate", TARGET, "-c", "30", "--threshold", "turn_latency:p95<2s")

    assert played.plans[0].request == Request(30, 600.0)
    assert played.plans[0].thresholds == {"turn_latency": ["p95<2s"], "greeting": ["p95<1s"]}


def test_what_would_be_run_is_shown_without_secrets_and_nothing_is_called(
    played: Played, store: Path, capsys: Capture
) -> None:
    ended = ovl(
        capsys,
        store,
        *("generate", TARGET, "-c", "4", "--print-config"),
        *("-H", "Authorization: Bearer s3cret", "--param", "key=s3cret"),
        *("--collector-header", "Authorization: Bearer s3cret"),
    )

    shown = yaml.safe_load(ended.out)
    assert (ended.code, played.plans) == (0, [])
    assert shown["request"]["calls"] == 4
    assert shown["stages"] == [{"start": "0s", "duration": "60s", "calls": "4"}]
    assert shown["headers"] == shown["collector_headers"] == {"Authorization": "***"}
    assert "s3cret" not in ended.out + ended.err


def test_a_dry_run_shows_what_would_come_and_calls_nobody(
    played: Played, store: Path, capsys: Capture
) -> None:
    shown = ovl(capsys, store, "generate", TARGET, "--dry-run")
    assert (shown.code, played.plans) == (0, [])
    assert "10 at once at most" in shown.out

    told = ovl(capsys, store, "generate", TARGET, "--dry-run", "-f", "json", "--max-calls", "5")
    assert told.code == 2
    assert "--max-calls 10" in json.loads(told.out)["refusals"][0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--threshold", "latncy:p95<2s"), "latncy"),
        (("--threshold", "turn_latency:p95"), "is not understood"),
        (("-d", "soon"), "soon"),
        (("-H", "no colon s3cret"), "-H wants"),
        (("--collector-header", "no colon s3cret"), "--collector-header wants"),
        (("--spool-size", "many"), "'many' is no size"),
        (("--spool-size", "10kB"), "holds next to nothing"),
        (("--param", "room"), "NAME=VALUE"),
        (("-c", "0"), "--calls"),
    ],
)
def test_wrong_words_are_one_line_and_nothing_is_called(
    played: Played, store: Path, capsys: Capture, words: tuple[str, ...], said: str
) -> None:
    ended = ovl(capsys, store, "generate", TARGET, *words)

    assert (ended.code, played.plans) == (2, [])
    assert said in ended.err
    assert "s3cret" not in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("in_file", "words", "profile", "request_"),
    [
        ("{calls: 5}", ("-s", "5s:4"), "custom", Request(stages=("5s:4",))),
        ("{duration: 1m, profile: ramp}", ("-s", "5s:4"), "custom", Request(stages=("5s:4",))),
        ("{stage: [5s:4]}", ("-c", "7"), "custom", Request(7)),
        ("{stage: [5s:4]}", ("-p", "ramp"), "ramp", Request()),
        ("{stage: [5s:4]}", ("-p", "custom"), "custom", Request(stages=("5s:4",))),
        ("{calls: 5}", ("-p", "ramp"), "ramp", Request(5)),
        ("{calls: 5}", ("-s", "5s:4", "-c", "7"), "custom", Request(7, stages=("5s:4",))),
    ],
)
def test_stages_of_the_command_line_are_not_mixed_with_a_load_of_the_file(
    played: Played,
    store: Path,
    tmp_path: Path,
    capsys: Capture,
    in_file: str,
    words: tuple[str, ...],
    profile: str,
    request_: Request,
) -> None:
    (tmp_path / "ovl.yaml").write_text(f"generate: {in_file}\n")

    ovl(capsys, store, "generate", TARGET, *words)

    plan = played.plans[0]
    assert (plan.profile_name, plan.request) == (profile, request_)


@pytest.mark.parametrize("promise", ["jitter: p95<30ms", "packet_loss: p95<0.5%"])
def test_a_promise_on_packets_is_refused_when_typed_and_kept_when_of_the_file(
    played: Played, store: Path, tmp_path: Path, capsys: Capture, promise: str
) -> None:
    ended = ovl(capsys, store, "generate", TARGET, "--threshold", promise)

    assert (ended.code, played.plans) == (2, [])
    assert promise in ended.err
    assert "use audio_gap" in ended.err

    (tmp_path / "ovl.yaml").write_text(f"thresholds: {{{promise}}}\n")
    ovl(capsys, store, "generate", TARGET, "--threshold", "turn_latency:p95<2s")
    assert len(played.plans) == 1


def test_a_wrong_threshold_of_the_file_is_said_before_anything_is_called(
    played: Played, store: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "ovl.yaml").write_text("thresholds: {latncy: p95<2s}\n")

    ended = ovl(capsys, store, "generate", TARGET)

    assert (ended.code, played.plans) == (2, [])
    assert "latncy" in ended.err


def test_a_target_that_was_not_called_leaves_with_3(
    played: Played, store: Path, capsys: Capture
) -> None:
    played.outcome = SmokeFailed("it never said anything; no load was sent")

    ended = ovl(capsys, store, "generate", TARGET)

    assert ended.code == 3
    assert ended.err.endswith("ovl: it never said anything; no load was sent\n")


@pytest.mark.parametrize("code", [ExitCode.INTERRUPTED, ExitCode.TERMINATED])
def test_an_interrupted_run_is_reported_and_leaves_with_its_code(
    played: Played, store: Path, capsys: Capture, code: ExitCode
) -> None:
    played.outcome = replace(DONE, interrupted=code)

    ended = ovl(capsys, store, "generate", TARGET, "-f", "json")

    assert ended.code == code
    assert json.loads(ended.out)["run"]["id"] == PLANTED


def test_a_run_that_was_interrupted_before_it_began_leaves_with_130_all_the_same(
    played: Played, store: Path, capsys: Capture
) -> None:
    played.outcome = replace(DONE, run_id="not-there", interrupted=ExitCode.INTERRUPTED)

    ended = ovl(capsys, store, "generate", TARGET)

    assert ended.code == 130
    assert "not-there" in ended.err


@pytest.mark.parametrize(
    ("stored_here", "promised"), [(True, "turn_latency:p95<60s"), (False, "turn_latency:p95<60s")]
)
def test_a_run_that_broke_its_promise_leaves_with_99_whatever_its_last_turns_say(
    played: Played, store: Path, capsys: Capture, stored_here: bool, promised: str
) -> None:
    played.outcome = replace(DONE, broken="turn_latency: p95<2s", stored_here=stored_here)

    ended = ovl(capsys, store, "generate", TARGET, "--threshold", promised, "--abort-on-fail")

    assert ended.code == 99
    assert played.plans[0].abort_grace_s == 30.0


def test_the_page_is_written_where_it_was_asked_for(
    played: Played, store: Path, tmp_path: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "generate", TARGET, "--report", "page.html")

    assert ended.code == 0
    assert "llm" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize(("promised", "code"), [((), 0), (("--threshold", "stt:p95<1s"), 4)])
def test_a_run_in_somebody_elses_store_is_not_judged_here(
    played: Played, store: Path, capsys: Capture, promised: tuple[str, ...], code: int
) -> None:
    played.outcome = replace(DONE, stored_here=False)

    ended = ovl(capsys, store, "generate", TARGET, "--collector", "http://10.0.0.1:4318", *promised)

    assert ended.code == code
    assert f"http://10.0.0.1:4318 has the run; judge it there: ovl analyze {PLANTED}" in ended.err
    assert ended.out == ""


def test_quiet_is_the_result_alone(played: Played, store: Path, capsys: Capture) -> None:
    ended = ovl(capsys, store, "generate", TARGET, "-q")

    assert ended.err == ""
    assert ended.out.startswith("VALID")


def test_calls_per_second_and_what_ends_a_load_reach_the_plan(
    played: Played, store: Path, capsys: Capture
) -> None:
    rated = ("--rate", "2.5", "--arrivals", "constant", "--total-calls", "50")

    ovl(capsys, store, "generate", TARGET, *rated)
    ovl(capsys, store, "generate", TARGET, "--until-knee", "-c", "60", "--peak-calls", "30")

    request = Request(rate_per_s=2.5, arrivals="constant", total_calls=50)
    searched = Request(calls=60, until_knee=True)
    assert played.plans == [
        RunPlan(TARGET, "custom", request, store),
        RunPlan(TARGET, "ramp", searched, store, peak_calls=30.0),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-p", "soak"), "no earlier run of"),
        (("-s", "hold:1m:80%"), "no earlier run of"),
        (("-p", "scale", "--until-knee"), "--until-knee is for"),
        (("-p", "ramp", "--rate", "2"), "--rate is a load of its own"),
        (("-c", "5", "--rate", "2"), "leave out --calls"),
        (("-p", "none.yaml"), "can not read none.yaml"),
    ],
)
def test_a_load_that_can_not_be_is_said_before_anything_is_started(
    words: tuple[str, ...], said: str, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "generate", TARGET, *words, "--print-config")
    assert ended.code == 2
    assert said in " ".join(ended.err.split())
