import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1 import trace_pb2

from ovl_collector.columns import SPANS
from ovl_collector.decode import Decoder
from ovl_collector.decoded import Limits
from ovl_collector.errors import TooLarge, Undecodable

from .requests import T0, field, key_values, span_id, trace_id, traces
from .stored_values import restored


def decoded(request, **limits):
    return Decoder(Limits(**limits)).decode("traces", request.SerializeToString(), 5, json=False)


def first_row(request):
    return decoded(request).rows.to_pylist()[0]


def the_span(request):
    return request.resource_spans[0].scope_spans[0].spans[0]


def test_an_empty_request_is_no_error():
    found = Decoder().decode("traces", b"", 1, json=False)
    assert (found.received, found.stored, found.rejected) == (0, 0, 0)
    assert found.rows.schema == SPANS


def test_every_field_of_a_span_is_stored():
    """Walks the descriptor: a field that OTLP adds fails here until it has a place."""
    request = traces()
    span = the_span(request)
    span.parent_span_id = span_id(9)
    span.trace_state = "a=b"
    span.flags = 0x101
    span.status.code = 2
    span.status.message = "broken"
    span.dropped_attributes_count = 3
    span.dropped_events_count = 4
    span.dropped_links_count = 5
    span.attributes.extend(key_values({"x": [1, {"y": b"z"}]}))
    event = span.events.add(name="e", time_unix_nano=T0 + 5, dropped_attributes_count=6)
    event.attributes.extend(key_values({"session.id": "not promoted here", "d": 2.0}))
    link = span.links.add(
        trace_id=trace_id(8),
        span_id=span_id(3),
        trace_state="c=d",
        flags=1,
        dropped_attributes_count=7,
    )
    link.attributes.extend(key_values({"k": True}))
    places = {
        "trace_id": ("trace_id", trace_id(7)),
        "span_id": ("span_id", span_id(1)),
        "trace_state": ("trace_state", "a=b"),
        "parent_span_id": ("parent_span_id", span_id(9)),
        "flags": ("flags", 0x101),
        "name": ("name", "span 1"),
        "kind": ("kind", 1),
        "start_time_unix_nano": ("start_time_unix_nano", T0),
        "end_time_unix_nano": ("end_time_unix_nano", T0 + 1_000_000),
        "attributes": ("attributes", '{"x":[1,{"y":{"$bytes":"eg=="}}]}'),
        "dropped_attributes_count": ("dropped_attributes_count", 3),
        "events": (
            "events",
            f'[{{"time_unix_nano":{T0 + 5},"name":"e",'
            '"attributes":{"session.id":"not promoted here","d":2.0},'
            '"dropped_attributes_count":6}]',
        ),
        "dropped_events_count": ("dropped_events_count", 4),
        "links": (
            "links",
            f'[{{"trace_id":"{trace_id(8).hex()}","span_id":"{span_id(3).hex()}",'
            '"trace_state":"c=d","attributes":{"k":true},"flags":1,'
            '"dropped_attributes_count":7}]',
        ),
        "dropped_links_count": ("dropped_links_count", 5),
        "status": ("status_message", "broken"),
    }
    fields = {field.name for field in trace_pb2.Span.DESCRIPTOR.fields}
    assert fields == set(places), "OTLP has fields that the store does not know"
    assert {f.name for f in trace_pb2.Span.Event.DESCRIPTOR.fields} == set(
        json.loads(places["events"][1])[0]
    )
    assert {f.name for f in trace_pb2.Span.Link.DESCRIPTOR.fields} == set(
        json.loads(places["links"][1])[0]
    )
    row = first_row(request)
    assert {name: row[column] for name, (column, _) in places.items()} == {
        name: wanted for name, (_, wanted) in places.items()
    }
    assert row["status_code"] == 2
    assert row["batch_id"] == 5


def test_a_root_span_without_anything_has_nulls():
    row = first_row(traces())
    empty = ("parent_span_id", "trace_state", "status_message", "attributes", "events", "links")
    assert [row[column] for column in empty] == [None] * 6


@pytest.mark.parametrize(
    ("attribute", "plain", "column", "stored"),
    [
        ("session.id", "abc", "session_id", "abc"),
        ("session.id", "", "session_id", ""),
        ("voiceload.turn.index", 3, "turn_index", 3),
        ("voiceload.turn.first", False, "turn_first", False),
        ("voiceload.component.latency", 0.25, "component_latency_s", 0.25),
        ("error.type", "busy", "error_type", "busy"),
    ],
)
def test_a_promoted_attribute_is_in_its_column_only(attribute, plain, column, stored):
    row = first_row(traces(attributes={attribute: plain, "other": 1}))
    assert row[column] == stored
    assert row["attributes"] == '{"other":1}'


@pytest.mark.parametrize(
    ("attribute", "plain", "column", "text"),
    [
        ("session.id", 12, "session_id", "12"),
        ("voiceload.turn.index", 3.0, "turn_index", "3.0"),
        ("voiceload.turn.index", 2**31, "turn_index", "2147483648"),
        ("voiceload.turn.index", True, "turn_index", "true"),
        ("voiceload.turn.first", 1, "turn_first", "1"),
        ("voiceload.component.latency", 1, "component_latency_s", "1"),
        ("voiceload.component.latency", float("nan"), "component_latency_s", '{"$double":"NaN"}'),
        ("error.type", None, "error_type", "null"),
    ],
)
def test_a_value_of_an_unexpected_type_stays_in_the_rest(attribute, plain, column, text):
    row = first_row(traces(attributes={attribute: plain}))
    assert row[column] is None
    assert row["attributes"] == f'{{"{attribute}":{text}}}'


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trace_id": b""}, "bad_trace_id"),
        ({"trace_id": b"x" * 15}, "bad_trace_id"),
        ({"trace_id": b"x" * 17}, "bad_trace_id"),
        ({"trace_id": bytes(16)}, "bad_trace_id"),
        ({"span_id": b""}, "bad_span_id"),
        ({"span_id": b"x" * 3}, "bad_span_id"),
        ({"span_id": b"x" * 5000}, "bad_span_id"),
        ({"span_id": bytes(8)}, "bad_span_id"),
        ({"parent_span_id": b"x" * 7}, "bad_parent_span_id"),
        ({"kind": 300}, "bad_kind"),
        ({"kind": -1}, "bad_kind"),
    ],
)
def test_a_bad_span_is_rejected_alone(change, reason):
    request = traces(512)
    bad = request.resource_spans[0].scope_spans[0].spans[100]
    for name, plain in change.items():
        setattr(bad, name, plain)
    found = decoded(request)
    assert (found.received, found.stored, found.rejected) == (512, 511, 1)
    assert found.reject_reasons == {reason: 1}
    assert found.error_message == f"1 of 512 spans rejected ({reason}: 1)"


def test_invalid_utf8_rejects_its_span_and_no_other():
    for marker in (b"NAME", b"KEYS", b"TEXT", b"STAT", b"EVNT"):
        request = traces(3)
        span = request.resource_spans[0].scope_spans[0].spans[1]
        span.name = "NAME"
        span.attributes.extend(key_values({"KEYS": "TEXT"}))
        span.status.message = "STAT"
        span.events.add(name="EVNT")
        body = request.SerializeToString().replace(marker, b"\xff\xfe\xfd\xfc")
        found = Decoder().decode("traces", body, 1, json=False)
        assert (found.stored, found.rejected) == (2, 1), marker


def test_a_bad_resource_rejects_its_spans_and_leaves_the_other_group():
    request = traces(3, resource={"service.name": "XXXX"})
    request.resource_spans.extend(traces(2, first=10).resource_spans)
    body = request.SerializeToString().replace(b"XXXX", b"\xff\xfe\xfd\xfc")
    found = Decoder().decode("traces", body, 1, json=False)
    assert (found.received, found.stored) == (5, 2)
    assert found.reject_reasons == {"bad_header": 3}
    assert len(found.resources) == 1


def test_a_value_nested_too_deep_rejects_its_span():
    deep = b""
    for _ in range(60):
        deep = field(5, field(1, deep))
    span = the_span(traces()).SerializeToString() + field(9, field(1, b"deep") + field(2, deep))
    good = the_span(traces(first=2)).SerializeToString()
    body = field(1, field(2, field(2, span) + field(2, good)))
    found = Decoder().decode("traces", body, 1, json=False)
    assert (found.stored, found.reject_reasons) == (1, {"bad_attribute": 1})


def test_a_parent_of_zeros_is_a_root():
    request = traces()
    the_span(request).parent_span_id = bytes(8)
    assert first_row(request)["parent_span_id"] is None


def test_what_is_no_protobuf_is_refused_whole():
    for body in (b"\x00\x01\x02", traces(2).SerializeToString()[:-3], b"{}"):
        with pytest.raises(Undecodable):
            Decoder().decode("traces", body, 1, json=False)


def test_a_span_that_is_no_message_refuses_the_request():
    request = traces(1)
    body = request.SerializeToString()
    broken = body.replace(span_id(1), b"\xff" * 8).replace(b"\x12\x08" + b"\xff" * 8, b"\x17" * 10)
    with pytest.raises(Undecodable):
        Decoder().decode("traces", broken, 1, json=False)


def test_more_spans_than_allowed_are_refused_whole():
    with pytest.raises(TooLarge):
        decoded(traces(11), items=10)


def test_doubles_are_read_the_same_with_a_warm_memo():
    decoder = Decoder()
    for number in (0.5, 1.5, float("inf"), -0.0, 2.5):
        request = traces(attributes={"voiceload.turn.send_delay": number, "free": number})
        row = decoder.decode("traces", request.SerializeToString(), 1, json=False).rows.to_pylist()
        rest = restored(json.loads(row[0]["attributes"]), top=True)
        assert rest["free"] == number
        wanted = number if number not in (float("inf"),) else None
        assert row[0]["send_delay_s"] == wanted


KEYS = st.sampled_from(
    ["session.id", "voiceload.turn.index", "error.type", "a", "b", "é", "x" * 130]
)
PLAIN = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=8)
WARM = Decoder()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(KEYS, PLAIN, max_size=5), min_size=1, max_size=5))
def test_a_warm_decoder_gives_the_rows_of_a_fresh_one(maps):
    request = traces(len(maps))
    for span, attributes in zip(request.resource_spans[0].scope_spans[0].spans, maps, strict=True):
        span.attributes.extend(key_values(attributes))
    body = request.SerializeToString()
    warm = WARM.decode("traces", body, 1, json=False)
    fresh = Decoder().decode("traces", body, 1, json=False)
    assert repr(warm.rows.to_pylist()) == repr(fresh.rows.to_pylist())
