import pytest

from ovl_collector.budget import Budget
from ovl_collector.decode import Decoder
from ovl_collector.decoded import Limits
from ovl_collector.errors import TooLarge

from .requests import gauge, traces


def test_what_is_used_up_is_refused():
    budget = Budget(Limits(elements=3, json_characters=10))
    budget.elements(3)
    budget.characters(10)
    with pytest.raises(TooLarge, match="too many elements"):
        budget.elements(1)
    with pytest.raises(TooLarge, match="too much JSON"):
        budget.characters(1)


def decode(request, **limits):
    signal = "traces" if hasattr(request, "resource_spans") else "metrics"
    return Decoder(Limits(**limits)).decode(signal, request.SerializeToString(), 1, json=False)


@pytest.mark.parametrize("part", ["attributes", "events", "links"])
def test_small_spans_are_counted_together(part):
    """Each span is too small to be looked into on the wire; two thousand of them are not."""
    request = traces(2000)
    for span in request.resource_spans[0].scope_spans[0].spans:
        for _ in range(20):
            getattr(span, part).add()
    assert decode(request, elements=100_000).stored == 2000
    with pytest.raises(TooLarge, match="too many elements"):
        decode(request, elements=30_000)


def test_what_nests_in_small_attributes_is_counted():
    request = traces(100)
    for number, span in enumerate(request.resource_spans[0].scope_spans[0].spans):
        value = span.attributes.add(key=f"k{number}").value.array_value.values
        for _ in range(300):
            value.add()
    assert decode(request, elements=40_000).stored == 100
    with pytest.raises(TooLarge, match="too many elements"):
        decode(request, elements=20_000)


def test_json_that_grows_beyond_its_bytes_is_refused():
    request = traces(50)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.attributes.add(key="k").value.string_value = "\x01" * 1000  # six characters each
    assert decode(request, json_characters=400_000).stored == 50
    with pytest.raises(TooLarge, match="too much JSON"):
        decode(request, json_characters=200_000)


def test_a_giant_span_or_metric_is_rejected_alone():
    request = traces(3)
    request.resource_spans[0].scope_spans[0].spans[1].name = "x" * 2000
    found = decode(request, item_bytes=1000)
    assert (found.stored, found.reject_reasons) == (2, {"too_large": 1})
    metrics = gauge("x" * 2000)
    assert decode(metrics, item_bytes=1000).reject_reasons == {"too_large": 1}


def test_data_points_are_counted_before_they_are_unfolded():
    request = gauge()
    for _ in range(500):
        request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points.add()
    with pytest.raises(TooLarge, match="more than 400 data points"):
        decode(request, items=400)
