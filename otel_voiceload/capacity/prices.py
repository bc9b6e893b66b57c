"""The price file: what providers ask, in the user's own currency. There are no defaults.

Prices change by the month and by contract; one that is not in the file leaves its row unknown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from otel_voiceload.capacity.written import Written, read_written

Billed = Literal["call", "work"]

_Price = Annotated[float, Field(ge=0, le=1e9, strict=True)] | None


class SttPrices(Written):
    """``billed: call``: a stream is paid as long as the call lasts; ``work``: while one speaks."""

    per_minute: _Price = None
    billed: Billed = "call"


class LlmPrices(Written):
    per_million_input_tokens: _Price = None
    per_million_output_tokens: _Price = None


class TtsPrices(Written):
    """By characters, or by minutes of speech that was made."""

    per_million_characters: _Price = None
    per_minute: _Price = None


class SipPrices(Written):
    per_minute: _Price = None


class GeneratorPrices(Written):
    per_machine_hour: _Price = None


class Prices(Written):
    currency: Annotated[str, Field(min_length=1, max_length=8)] = "USD"
    stt: SttPrices = SttPrices()
    llm: LlmPrices = LlmPrices()
    tts: TtsPrices = TtsPrices()
    sip: SipPrices = SipPrices()
    generator: GeneratorPrices = GeneratorPrices()


def load_prices(path: Path) -> Prices:
    """Raises ConfigError with line and key."""
    return read_written(path, Prices)
