from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

import orjson
import pytest

from otel_voiceload.errors import OvlError
from otel_voiceload.runner import calibrate, pacing_trial
from otel_voiceload.runner.pacing_trial import MOST_CALLS, Paced, pace, told

WELL = Paced(25, 0.002, 0.0, 0.004, 0.1, 0.003, ())
BUSY = replace(WELL, pacing_error_p99_s=0.04, limited_by=("pacing_error",))


@pytest.mark.parametrize(
    ("answers", "best"),
    [([WELL], WELL), ([BUSY, WELL], WELL), ([BUSY, BUSY], BUSY)],
)
def test_one_busy_moment_is_measured_again(answers: list[Paced], best: Paced) -> None:
    left = list(answers)

    assert pace("plain", 5, lambda wire, calls: left.pop(0)) == best
    assert left == []


def test_no_more_calls_than_one_process_with_both_ends_can_tell_of() -> None:
    asked: list[int] = []

    def ask(wire: str, calls: int) -> Paced:
        asked.append(calls)
        return WELL

    pace("plain", 400, ask)
    pace("plain", 3, ask)

    assert asked == [MOST_CALLS, 3]


def test_what_the_process_says_is_what_it_measured() -> None:
    line = orjson.loads(orjson.dumps({"event": "ready", **asdict(BUSY)}))

    assert told(line) == BUSY
    assert told({**line, "hearing_bias_s": None}).hearing_bias_s is None


def test_the_command_asks_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []

    class Said:
        ready: Mapping[str, object] = asdict(WELL)

        def stop(self) -> int:
            return 0

    def start(name: str, module: str, words: Sequence[str], env: Mapping[str, str]) -> Said:
        asked.append((module, *words))
        return Said()

    monkeypatch.setattr(pacing_trial.children, "start", start)

    assert pacing_trial.ask("twilio", 9) == WELL
    assert asked == [(pacing_trial.__name__, "--wire", "twilio", "--calls", "9")]


def test_a_few_calls_over_real_sockets_are_paced(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(calibrate, "UTTERANCES", 1)

    assert pacing_trial.main(["--calls", "3", "--parent-pid", "1"]) == 0

    said = told(orjson.loads(capsysbinary.readouterr().out))
    assert said.calls == 3
    assert said.pacing_error_p99_s > 0, "frames were due"


def test_what_can_not_be_measured_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert pacing_trial.main(["--wire", "pigeon"]) == 2
    assert capsys.readouterr().err.startswith("ovl-pacing: no wire is called 'pigeon'")


def test_a_process_that_says_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> None:
        raise OvlError("it said nothing")

    monkeypatch.setattr(pacing_trial.children, "start", start)

    with pytest.raises(OvlError, match="said nothing"):
        pace("plain", 5)
