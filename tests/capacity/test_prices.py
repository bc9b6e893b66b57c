from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.capacity.prices import Prices, load_prices
from otel_voiceload.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "prices.yaml"


def test_a_price_that_is_not_written_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text("currency: EUR\nstt: {per_minute: 0.01, billed: work}\n")
    prices = load_prices(path)

    assert (prices.currency, prices.stt.per_minute, prices.stt.billed) == ("EUR", 0.01, "work")
    assert prices.llm == Prices().llm
    assert prices.llm.per_million_input_tokens is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("llm: {per_million_tokens: 1}", "did you mean per_million_input_tokens?"),
        ("sip: {per_minute: -1}", "greater than or equal to 0"),
        ("sip: {per_minute: .nan}", "finite number"),
        ("stt: {billed: monthly}", "'call' or 'work'"),
    ],
)
def test_what_is_no_price_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)

    with pytest.raises(ConfigError) as error:
        load_prices(path)

    assert said in str(error.value)


def test_the_example_of_the_documents_has_every_price_but_one() -> None:
    prices = load_prices(EXAMPLE)

    assert prices.tts.per_minute is None  # paid by characters
    assert None not in (
        prices.stt.per_minute,
        prices.sip.per_minute,
        prices.llm.per_million_input_tokens,
    )
