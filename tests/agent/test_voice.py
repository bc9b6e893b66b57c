"""The agent answers the caller's intent with the clip nearest to the drawn length."""

import pytest

from otel_voiceload.agent.voice import ANSWERS, Understood, Voice, nearest
from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.lognormal import Lognormal
from otel_voiceload.errors import ConfigError
from tests.agent.world import PACK, caller

SHORT = AgentConfig(reply=Lognormal(0.8, 1.2))
VOICE = Voice(PACK, SHORT)


@pytest.mark.parametrize(("heard", "answered"), ANSWERS.items())
def test_each_intent_of_the_caller_has_its_answer(heard: str, answered: str) -> None:
    assert VOICE.reply(Understood(caller(heard)), "call", 0).intent == answered


def test_a_caller_who_was_not_understood_is_briefly_asked_again() -> None:
    long_winded = Voice(PACK, AgentConfig(reply=Lognormal(6.0, 6.0)))
    clip = long_winded.reply(Understood(None), "call", 0)
    assert clip.intent == "ask"
    assert clip.speech_s < 1.5


def test_the_same_turn_of_the_same_call_gets_the_same_reply_and_voice() -> None:
    clips = [VOICE.reply(Understood(caller("open")), "call", turn) for turn in (0, 0, 1, 2, 3)]
    assert clips[0] is clips[1]
    assert len({clip.voice for clip in clips}) == 1
    voices = {VOICE.reply(Understood(None), f"call {n}", 0).voice for n in range(30)}
    assert voices == set(PACK.voices("agent"))


def test_a_wrong_reply_never_has_the_right_intent_nor_ends_the_call() -> None:
    understood = Understood(caller("detail"))
    intents = {VOICE.wrong_reply(understood, f"call {n}", 0).intent for n in range(50)}
    assert intents == {"ask", "answer", "done"}


def test_the_greeting_greets() -> None:
    assert VOICE.greeting("call").intent == "greet"


@pytest.mark.parametrize(("length_s", "found_s"), [(0.1, 0.8), (1.1, 1.2), (2.9, 3.0), (60, 6.0)])
def test_the_nearest_clip_is_taken(length_s: float, found_s: float) -> None:
    assert nearest(PACK.replies("ask"), length_s).speech_s == pytest.approx(found_s, abs=0.3)


def test_the_mean_reply_is_the_mean_of_what_is_really_said() -> None:
    said = [
        VOICE.reply(Understood(caller("open")), f"call {n}", turn).speech_s
        for n in range(200)
        for turn in range(4)
    ]
    assert VOICE.mean_reply_s(SHORT.reply) == pytest.approx(sum(said) / len(said), rel=0.03)


def test_a_pack_without_replies_is_refused() -> None:
    mute = ClipPack("mute", PCM16_16K, PACK.callers())
    with pytest.raises(ConfigError, match="clip pack mute does not hold a reply of every intent"):
        Voice(mute, SHORT)
