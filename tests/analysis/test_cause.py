from __future__ import annotations

from otel_voiceload.analysis.cause import explain


def test_refusals_mean_the_providers_limit() -> None:
    cause, why = explain("llm", {"rate_limited": 12, "timeout": 3}, None)
    assert cause == "provider_limit"
    assert why == ("12 attempts of llm were refused (rate_limited)",)


def test_without_refusals_it_is_not_known() -> None:
    assert explain("llm", {"timeout": 3}, None) == ("unknown", ())
