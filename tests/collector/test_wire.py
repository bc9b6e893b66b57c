import tracemalloc

import pytest

from ovl_collector.errors import TooLarge, Undecodable
from ovl_collector.wire import find_groups, open_group

from .requests import field, gauge, traces

LIMITS = {"max_items": 1000, "max_elements": 10_000}


def count_items(*args, **kwargs):
    return sum(group.items for group in find_groups(*args, **kwargs))


def test_groups_come_with_their_bounds_and_their_resource():
    schema_url = field(3, b"url-2")
    body = field(1, field(2, b"") + field(1, b"r") + field(2, field(2, b"s")) + schema_url)
    found = find_groups(body + field(1, b""), "traces", **LIMITS)
    assert [(group.resource, group.resource_url, group.items) for group in found] == [
        (b"r", b"url-2", 0),
        (b"r", b"url-2", 1),
    ]
    assert body[found[1].start : found[1].end] == field(2, b"s")


def test_spans_and_metrics_are_counted():
    assert count_items(traces(17).SerializeToString(), "traces", **LIMITS) == 17
    assert count_items(gauge().SerializeToString(), "metrics", **LIMITS) == 1
    assert count_items(b"", "traces", **LIMITS) == 0


def test_a_flood_of_empty_spans_is_refused_without_unfolding_it():
    flood = field(1, field(2, b"\x12\x00" * 2_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="more than 1000 items"):
            count_items(flood, "traces", max_items=1000, max_elements=10**9)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def test_a_flood_inside_one_span_is_refused():
    for inner in (b"\x4a\x00", b"\x5a\x00", b"\x6a\x00"):  # attributes, events, links
        body = field(1, field(2, field(2, inner * 20_000)))
        with pytest.raises(TooLarge, match="too many elements"):
            count_items(body, "traces", **LIMITS)


def test_a_flood_inside_one_metric_is_refused():
    body = field(1, field(2, field(2, field(5, b"\x0a\x00" * 20_000))))
    with pytest.raises(TooLarge, match="too many elements"):
        count_items(body, "metrics", **LIMITS)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (traces(3).SerializeToString()[:-5], "cut short"),
        (b"\x0a", "cut short"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "cut short"),
        (b"\x08\x01", "wire type 0"),
        (b"\x09" + bytes(8), "wire type 1"),
        (b"\x0b", "wire type 3"),
        (b"\x07\x00", "field number 0"),
        (field(1, b"\x10\x01"), "wire type 0"),
        (b"this is not protobuf at all", "."),
    ],
)
def test_framing_that_does_not_add_up_is_refused(body, why):
    with pytest.raises(Undecodable, match=why):
        count_items(body, "traces", **LIMITS)


def test_unknown_fields_are_skipped():
    unknown = b"\xf8\x07\x05" + b"\xfd\x07" + bytes(4) + b"\xf9\x07" + bytes(8)
    assert count_items(traces(2).SerializeToString() + unknown, "traces", **LIMITS) == 2


def test_a_large_group_reads_as_protobuf_reads_it():
    request = traces(5, resource={"service.name": "s"})
    group = request.resource_spans[0].scope_spans[0]
    group.schema_url = "url"
    body = request.SerializeToString()
    found = find_groups(body, "traces", **LIMITS)[0]
    opened = open_group(body, found)
    assert opened.header == group.scope.SerializeToString()
    assert opened.schema_url == b"url"
    assert list(opened.members) == [span.SerializeToString() for span in group.spans]
