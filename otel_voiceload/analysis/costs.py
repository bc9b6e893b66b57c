"""What an hour of so many calls costs, by the prices that the user gave; none are known here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from otel_voiceload.analysis.demand import Need, call_tokens
from otel_voiceload.analysis.inputs import Inputs

if TYPE_CHECKING:  # a file's model, made by pydantic: whoever has prices has loaded it
    from otel_voiceload.capacity.prices import Prices


@dataclass(frozen=True, slots=True)
class Cost:
    """``per_hour`` None: its price is not in the file."""

    service: str
    what: str
    amount: float  # in an hour, in ``unit``
    unit: str
    per_hour: float | None


@dataclass(frozen=True, slots=True)
class Bill:
    currency: str
    rows: tuple[Cost, ...]
    calls: int
    call_length_s: float

    @property
    def unpriced(self) -> tuple[str, ...]:
        return tuple(f"{each.service} {each.what}" for each in self.rows if each.per_hour is None)

    @property
    def per_hour(self) -> float:
        """Of what has a price."""
        return sum(each.per_hour for each in self.rows if each.per_hour is not None)

    @property
    def per_call_minute(self) -> float:
        return self.per_hour / (self.calls * 60)

    @property
    def per_call(self) -> float:
        return self.per_call_minute * self.call_length_s / 60


def bill(calls: int, inputs: Inputs, wanted: tuple[Need, ...], prices: Prices) -> Bill:
    """Every row for ``calls`` held for an hour."""
    rows = tuple(_rows(calls, inputs, wanted, prices))
    return Bill(prices.currency, rows, calls, inputs.number("call.length"))


def _rows(calls: int, inputs: Inputs, wanted: tuple[Need, ...], prices: Prices) -> Iterator[Cost]:
    minutes = calls * 60.0
    turns = calls * 3600 / inputs.number("call.turn_cycle")
    speaking = 1.0 if prices.stt.billed == "call" else _share(inputs, "call.speech")
    yield _row("stt", "streams", minutes * speaking, "min", prices.stt.per_minute)
    tokens = call_tokens(inputs)
    for what, amount, price in (
        ("input tokens", tokens.input, prices.llm.per_million_input_tokens),
        ("output tokens", tokens.output, prices.llm.per_million_output_tokens),
    ):
        yield _row("llm", what, turns / inputs.number("call.turns") * amount / 1e6, "M", price)
    if prices.tts.per_minute is not None:
        spoken = minutes * _share(inputs, "call.reply")
        yield _row("tts", "speech", spoken, "min", prices.tts.per_minute)
    if prices.tts.per_minute is None or prices.tts.per_million_characters is not None:
        said = turns * inputs.number("tts.characters") / 1e6
        yield _row("tts", "characters", said, "M", prices.tts.per_million_characters)
    yield _row("sip", "calls", minutes, "min", prices.sip.per_minute)
    machines = next(each.mean for each in wanted if each.what == "machines")
    price = prices.generator.per_machine_hour
    yield _row("generator", "machines, for a test", machines, "machine-h", price)


def _share(inputs: Inputs, name: str) -> float:
    return min(1.0, inputs.number(name) / inputs.number("call.turn_cycle"))


def _row(service: str, what: str, amount: float, unit: str, price: float | None) -> Cost:
    return Cost(service, what, amount, unit, None if price is None else amount * price)
