from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson
import pytest

from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import FRAME_NS, MULAW_8K, PCM16_16K, Encoding
from otel_voiceload.errors import OvlError
from otel_voiceload.events import AudioHeard
from otel_voiceload.model import NS_PER_MS
from otel_voiceload.runner import calibrate
from otel_voiceload.runner.calibrate import Ear, HearingError, calibrating, judge, script, summary


@pytest.mark.parametrize(
    ("heard_ms", "late_ms"),
    [
        ([103, 904], [3, 4]),
        ([904, 103], [3, 4]),
        ([98], [-2]),  # the second one was not heard
        ([103, 500, 904], [3, 4]),  # something else was heard as well
        ([], []),
    ],
)
def test_each_utterance_is_held_against_the_onset_next_to_it(
    heard_ms: list[int], late_ms: list[int]
) -> None:
    true_ns = [100 * NS_PER_MS, 900 * NS_PER_MS]
    late_s = judge(true_ns, [each * NS_PER_MS for each in heard_ms])
    assert late_s == pytest.approx([each / 1000 for each in late_ms])


def test_the_bias_is_the_median_and_half_of_all_lie_within_the_spread() -> None:
    late_s = [0.003] * 8 + [0.001, 0.005, 0.002, 0.004, 0.090]
    found = summary(late_s)
    assert found == HearingError(0.003, 0.0, 13)
    assert summary(late_s[:9]) is None


@pytest.mark.parametrize("encoding", [PCM16_16K, MULAW_8K])
@pytest.mark.parametrize("late_ns", [0, 30 * NS_PER_MS])
def test_what_is_said_is_heard_as_late_as_it_arrives(encoding: Encoding, late_ns: int) -> None:
    """Without sockets: only the detector's own error is left, a few milliseconds."""
    late_s: list[float] = []
    pack = ClipPack.load(encoding)
    for call in range(calibrate.CALLS):
        ear, true_ns = Ear(encoding), []
        for number, (frame, begins) in enumerate(script(pack, call)):
            if begins is not None:
                true_ns.append(number * FRAME_NS + encoding.sample_ns(begins))
            ear.hear(AudioHeard(frame, number * FRAME_NS + late_ns))
        late_s += judge(true_ns, ear.onsets_ns)
    found = summary(late_s)
    assert found is not None
    assert found.utterances >= 19
    assert found.bias_s == pytest.approx(late_ns / 1e9, abs=0.010)


def test_every_utterance_is_another_clip() -> None:
    pack = ClipPack.load(PCM16_16K)
    said = [
        frame
        for call in range(calibrate.CALLS)
        for frame, begins in script(pack, call)
        if begins is not None
    ]
    assert len(said) == calibrate.CALLS * calibrate.UTTERANCES == 21


def test_a_few_calls_over_real_sockets_are_heard(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr(calibrate, "CALLS", 12)
    monkeypatch.setattr(calibrate, "UTTERANCES", 1)
    monkeypatch.setattr(calibrate, "ENOUGH", 3)  # on a busy machine most may come late

    assert calibrate.main(["--wire", "plain", "--parent-pid", "1"]) == 0

    said = orjson.loads(capsysbinary.readouterr().out)
    assert said["event"] == "ready"
    assert said["utterances"] >= calibrate.ENOUGH
    assert abs(said["bias_s"]) < calibrate.NEAR_S


def test_a_wire_that_is_not_known_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert calibrate.main(["--wire", "pigeon"]) == 2
    assert capsys.readouterr().err.startswith("ovl-hearing: no wire is called 'pigeon'")


class Announced:
    """A child that has said its line."""

    def __init__(self, **ready: object) -> None:
        self.ready = ready
        self.stopped = False

    def stop(self) -> int:
        self.stopped = True
        return 0


@pytest.mark.parametrize(
    ("ready", "found"),
    [
        ({"bias_s": 0.003, "spread_s": 0.001, "utterances": 21}, HearingError(0.003, 0.001, 21)),
        ({}, None),  # too little was heard
        (None, None),  # the child did not start: no reason not to run
    ],
)
def test_the_runner_gets_what_the_child_says_and_runs_without_it(
    ready: dict[str, object] | None, found: HearingError | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Sequence[str]] = []
    child = Announced(**(ready or {}))

    def start(name: str, module: str, words: Sequence[str], env: Mapping[str, str]) -> Announced:
        asked.append(words)
        if ready is None:
            raise OvlError("it said nothing")
        return child

    monkeypatch.setattr(calibrate.children, "start", start)

    with calibrating("twilio") as hearing:
        assert hearing() == found

    assert asked == [["--wire", "twilio"]]
    assert child.stopped is (ready is not None)
