"""What so many calls ask of every provider, line and machine: nothing but arithmetic.

Calls that nothing holds up ask once per turn cycle, so N of them make N / cycle turns a second, and
a thing that each turn holds for ``busy`` is held by N x busy / cycle of them at once. ``mean`` is
that number, ``grant`` what has to be granted so that it suffices for nearly all of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Literal

from otel_voiceload.analysis import at_once
from otel_voiceload.analysis.bandwidth import WIRES
from otel_voiceload.analysis.inputs import Inputs
from otel_voiceload.analysis.tokens import CallTokens, Talk, tokens_of_call

Service = Literal["stt", "llm", "tts", "sip", "network", "generator"]
Verdict = Literal["enough", "tight", "short"]


@dataclass(frozen=True, slots=True)
class Declared:
    """``limits`` of a plan file: service and key to what the provider grants.

    ``seen`` by service: the requests at work that a run had at most, where that is not what was
    declared. It counts instead.
    """

    limits: Mapping[tuple[str, str], float]
    seen: Mapping[str, float] = field(default_factory=dict)

    def of(self, service: str, key: str) -> float | None:
        return self.limits.get((service, key))


@dataclass(frozen=True, slots=True)
class Need:
    """One line of what must be granted.

    ``grant`` None: there is no peak over the mean. ``formula`` is in the words of ``inputs``, the
    names of what it was calculated from.
    """

    service: Service
    what: str
    unit: str
    mean: float
    grant: float | None
    formula: str
    inputs: tuple[str, ...]
    key: str = ""  # of the limit that it is held against
    declared: float | None = None
    seen: float | None = None  # by the run, and counts before what was declared

    @property
    def wanted(self) -> float:
        return self.mean if self.grant is None else self.grant

    @property
    def verdict(self) -> Verdict | None:
        """Tight: the mean fits, busy moments do not. None where nothing was declared."""
        there = self.declared if self.seen is None else self.seen
        if there is None:
            return None
        if there >= self.wanted:
            return "enough"
        return "tight" if there >= self.mean else "short"


def talk_of(inputs: Inputs) -> Talk:
    return Talk(
        system_prompt=inputs.number("llm.system_prompt_tokens"),
        user=inputs.number("llm.user_tokens"),
        reply=inputs.number("llm.reply_tokens"),
        requests_per_turn=inputs.number("llm.requests_per_turn"),
        history_turns=inputs.history_turns,
    )


def call_tokens(inputs: Inputs) -> CallTokens:
    return tokens_of_call(talk_of(inputs), inputs.number("call.turns"))


def needs(calls: int, inputs: Inputs, declared: Declared) -> tuple[Need, ...]:
    """Every line, for ``calls`` held at once."""
    lines = [
        *_sip(calls, inputs, declared),
        *_streams("stt", calls, inputs, declared, "call.speech"),
        *_llm(calls, inputs, declared),
        *_streams("tts", calls, inputs, declared, "call.reply"),
        *_bandwidth(calls, inputs),
        *_generator(calls, inputs),
    ]
    return tuple(
        replace(each, seen=declared.seen.get(each.service)) if each.key == "concurrent" else each
        for each in lines
    )


def _sip(calls: int, inputs: Inputs, declared: Declared) -> Iterator[Need]:
    yield Need(
        "sip", "channels", "", calls, None, "one per call", (), "channels",
        declared.of("sip", "channels"),
    )  # fmt: skip
    begun = calls / inputs.number("call.length")
    yield Need(
        "sip", "calls per second", "/s", begun, _most(begun, inputs), "calls / length",
        ("call.length",), "calls_per_second", declared.of("sip", "calls_per_second"),
    )  # fmt: skip


def _streams(
    service: Literal["stt", "tts"],
    calls: int,
    inputs: Inputs,
    declared: Declared,
    talking: str,
) -> Iterator[Need]:
    """One per call; by duty cycle, while one speaks; and requests at work, as ``concurrent`` is."""
    yield Need(
        service, "streams, one per call", "", calls, None, "one per call", (),
        "streams", declared.of(service, "streams"),
    )  # fmt: skip
    yield _held(service, "streams, by duty cycle", calls, inputs, talking, 1.0, None, "")
    busy, per_turn = f"{service}.busy", f"{service}.requests_per_turn"
    limit = declared.of(service, "concurrent")
    same = inputs.number(busy) == inputs.number(talking) and inputs.number(per_turn) == 1
    if not same or limit is not None:
        asks = inputs.number(per_turn)
        yield _held(service, "requests at once", calls, inputs, busy, asks, limit, per_turn)
    if (limit := declared.of(service, "requests_per_minute")) is not None:
        yield _per_minute(service, calls, inputs, limit)


def _llm(calls: int, inputs: Inputs, declared: Declared) -> Iterator[Need]:
    per_turn = inputs.number("llm.requests_per_turn")
    requests = _per_minute("llm", calls, inputs, declared.of("llm", "requests_per_minute"))
    yield requests
    yield Need(
        "llm", "requests in a second", "/s", requests.mean / 60,
        _most(requests.mean / 60, inputs), "calls x requests / cycle",
        ("call.turn_cycle", "llm.requests_per_turn"),
    )  # fmt: skip
    limit = declared.of("llm", "concurrent")
    yield _held(
        "llm", "requests at once", calls, inputs, "llm.busy", per_turn, limit,
        "llm.requests_per_turn",
    )  # fmt: skip
    tokens = call_tokens(inputs)
    per_minute = calls / inputs.number("call.turn_cycle") * 60 / inputs.number("call.turns")
    busy = requests.wanted / requests.mean
    names = (
        "call.turns", "call.turn_cycle", "llm.requests_per_turn", "llm.system_prompt_tokens",
        "llm.user_tokens", "llm.reply_tokens", "llm.history_turns",
    )  # fmt: skip
    for what, amount, key in (
        ("tokens per minute, input", tokens.input, ""),
        ("tokens per minute, output", tokens.output, ""),
        ("tokens per minute, both", tokens.both, "tokens_per_minute"),
    ):
        mean = amount * per_minute
        of_call = f"{amount:,.0f} in a call x calls / (turns x cycle)"
        granted = declared.of("llm", key) if key else None
        yield Need("llm", what, "/min", mean, mean * busy, of_call, names, key, granted)


def _per_minute(
    service: Literal["stt", "llm", "tts"], calls: int, inputs: Inputs, limit: float | None
) -> Need:
    per_turn = f"{service}.requests_per_turn"
    mean = calls * inputs.number(per_turn) * 60 / inputs.number("call.turn_cycle")
    return Need(
        service, "requests per minute", "/min", mean, _most(mean, inputs),
        "calls x requests x 60 s / cycle", ("call.turn_cycle", per_turn),
        "requests_per_minute", limit,
    )  # fmt: skip


def _held(
    service: Service,
    what: str,
    calls: int,
    inputs: Inputs,
    busy: str,
    per_turn: float,
    limit: float | None,
    per_turn_name: str,
) -> Need:
    share = inputs.number(busy) * per_turn / inputs.number("call.turn_cycle")
    return Need(
        service=service,
        what=what,
        unit="",
        mean=calls * share,
        grant=at_once.at_once(calls, share, inputs.number("enough")),
        formula=f"calls x {busy} / cycle",
        inputs=("call.turn_cycle", busy, *((per_turn_name,) if per_turn_name else ())),
        key="concurrent" if per_turn_name else "",
        declared=limit,
    )


def _bandwidth(calls: int, inputs: Inputs) -> Iterator[Need]:
    wire = inputs.text("wire")
    stream = WIRES[wire]
    of_audio = f"{stream.audio_kbit_s:g} kbit/s per call and direction"
    one_way = calls * stream.audio_kbit_s / 1000
    yield Need("network", "audio, one way", "Mbit/s", one_way, None, of_audio, ("wire",))
    yield Need(
        "network", "audio, both ways", "Mbit/s", 2 * one_way, None, of_audio, ("wire",)
    )  # fmt: skip
    on_wire = 2 * calls * stream.wire_kbit_s / 1000
    of_wire = f"{stream.wire_kbit_s:g} kbit/s with headers, both sending all the time"
    yield Need("network", "wire, both ways", "Mbit/s", on_wire, None, of_wire, ("wire",))


def _generator(calls: int, inputs: Inputs) -> Iterator[Need]:
    density = "generator.calls_per_core"
    cores = calls / inputs.number(density)
    of_core = f"{inputs.number(density):,.0f} calls per core"
    yield Need("generator", "cores", "", ceil(cores), None, of_core, (density,))
    size = inputs.number("generator.cores_per_machine")
    yield Need(
        "generator", "machines", "", ceil(cores / size), None, f"of {size:g} cores",
        (density, "generator.cores_per_machine"),
    )  # fmt: skip


def _most(mean: float, inputs: Inputs) -> int:
    return at_once.within(mean, inputs.number("enough"))
