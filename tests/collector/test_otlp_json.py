import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ovl_collector.decode import Decoder
from ovl_collector.decoded import Limits
from ovl_collector.errors import TooLarge, Undecodable
from ovl_collector.otlp_json import to_protobuf

from .requests import as_json, gauge, key_values, traces
from .test_anyvalue import TEXT, VALUES

GOLDEN = b"""
{"resourceSpans": [{
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "agent"}}],
               "droppedAttributesCount": 1,
               "entityRefs": [{"type": "host", "idKeys": ["host.id"]}]},
  "schemaUrl": "https://example.test/1",
  "scopeSpans": [{
    "scope": {"name": "lib", "version": "2.0"},
    "spans": [{
      "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174",
      "parentSpanId": "EEE19b7ec3c1b173", "traceState": "k=v", "flags": 257,
      "name": "a span", "kind": 2,
      "startTimeUnixNano": "1544712660000000000", "endTimeUnixNano": 1544712661000000000,
      "attributes": [
        {"key": "text", "value": {"stringValue": "some value"}},
        {"key": "yes", "value": {"boolValue": true}},
        {"key": "int", "value": {"intValue": "9007199254740993"}},
        {"key": "number", "value": {"intValue": 5}},
        {"key": "double", "value": {"doubleValue": 637.704}},
        {"key": "whole", "value": {"doubleValue": 1}},
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "bytes", "value": {"bytesValue": "AQID_w"}},
        {"key": "list", "value": {"arrayValue": {"values": [{"stringValue": "a"}, {}]}}},
        {"key": "map", "value": {"kvlistValue": {"values": [
            {"key": "k", "value": {"intValue": "1"}}]}}},
        {"key": "none", "value": {}}, {"key": "null", "value": null}],
      "events": [{"timeUnixNano": "1", "name": "e", "attributes": [], "droppedAttributesCount": 2}],
      "links": [{"traceId": "5b8efff798038103d269b633813fc60d", "spanId": "eee19b7ec3c1b175"}],
      "status": {"code": 2, "message": "bad"},
      "droppedLinksCount": 3, "newField": {"is": ["ignored"]}, "start_time_unix_nano": "7"
    }]}]}]}
"""


def rows(body: bytes, **limits: int):
    return Decoder(Limits(**limits)).decode("traces", body, 1, json=True)


def test_spans_are_written_in_the_order_of_their_fields_whatever_the_order_of_the_json():
    """Only spans in that order are decoded many at once."""
    body = GOLDEN.replace(b'"name": "a span", "kind": 2,', b"").replace(
        b'"droppedLinksCount": 3,', b'"droppedLinksCount": 3, "kind": 2, "name": "a span",'
    )
    written = to_protobuf("traces", body, Limits())
    assert written == to_protobuf("traces", GOLDEN, Limits())
    assert written == ExportTraceServiceRequest.FromString(written).SerializeToString()


def test_doubles_of_one_key_keep_their_own_number():
    numbers = [0.5, -0.0, 1e300, 0.5]
    values = [{"key": f"k{i % 2}", "value": {"doubleValue": v}} for i, v in enumerate(numbers)]
    body = json.dumps({"resourceSpans": [{"resource": {"attributes": values}}]}).encode()
    written = ExportTraceServiceRequest.FromString(to_protobuf("traces", body, Limits()))
    found = [each.value.double_value for each in written.resource_spans[0].resource.attributes]
    assert [repr(each) for each in found] == [repr(each) for each in numbers]


def test_the_golden_request_is_read_by_otlps_own_mapping():
    found = rows(GOLDEN)
    row = found.rows.to_pylist()[0]
    assert row["trace_id"].hex() == "5b8efff798038103d269b633813fc60c"
    assert row["span_id"].hex() == "eee19b7ec3c1b174"
    assert row["parent_span_id"].hex() == "eee19b7ec3c1b173"
    assert (row["trace_state"], row["flags"], row["kind"]) == ("k=v", 257, 2)
    assert row["start_time_unix_nano"] == 1544712660000000000
    assert row["end_time_unix_nano"] == 1544712661000000000
    assert (row["status_code"], row["status_message"]) == (2, "bad")
    assert row["dropped_links_count"] == 3
    assert row["attributes"] == (
        '{"text":"some value","yes":true,"int":9007199254740993,"number":5,"double":637.704,'
        '"whole":1.0,"nan":{"$double":"NaN"},"bytes":{"$bytes":"AQID/w=="},"list":["a",null],'
        '"map":{"k":1},"none":null,"null":null}'
    )
    assert json.loads(row["events"])[0]["dropped_attributes_count"] == 2
    assert json.loads(row["links"])[0]["span_id"] == "eee19b7ec3c1b175"
    (resource,) = found.resources.values()
    assert resource[1:5] == (
        '{"service.name":"agent"}',
        1,
        '[{"schema_url":"","type":"host","id_keys":["host.id"],"description_keys":[]}]',
        "https://example.test/1",
    )


@pytest.mark.parametrize("body", [b"", b"{}", b'{"resourceSpans": []}', b'{"resourceSpans": null}'])
def test_an_empty_request_is_no_error(body):
    assert rows(body).received == 0


def span_with(**fields: object) -> bytes:
    span = {"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1", "name": "x", **fields}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"traceId": "abc"}, "bad_trace_id"),
        ({"traceId": "W47/95gDgQPSabYzgT/GDA=="}, "bad_trace_id"),  # base64, as protobuf would
        ({"spanId": "zz" * 8}, "bad_span_id"),
        ({"spanId": ""}, "bad_span_id"),
        ({"parentSpanId": "1234"}, "bad_parent_span_id"),
    ],
)
def test_a_bad_id_rejects_its_span_alone(fields, reason):
    assert rows(span_with(**fields)).reject_reasons == {reason: 1}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"{", "not JSON"),
        (b"[]", "must be an object"),
        (b'"x"', "must be an object"),
        (b'{"resourceSpans": {}}', "resourceSpans must be an array"),
        (b'{"resourceSpans": [1]}', "must be an object"),
        (span_with(name=5), "name must be a string"),
        (span_with(kind="SPAN_KIND_SERVER"), "must be an integer"),
        (span_with(kind=True), "must be an integer"),
        (span_with(flags=-1), "flags"),
        (span_with(flags=2**32), "flags"),
        (span_with(startTimeUnixNano="soon"), "must be an integer"),
        (span_with(startTimeUnixNano="9" * 5000), "must be an integer"),
        (span_with(startTimeUnixNano=1.5), "must be an integer"),
        (span_with(attributes=[{"key": "k", "value": {"boolValue": 1}}]), "true or false"),
        (span_with(attributes=[{"key": "k", "value": {"doubleValue": []}}]), "a number"),
        (span_with(attributes=[{"key": "k", "value": {"bytesValue": "a"}}]), "base64"),
        (b'{"resourceSpans": "\\ud800"}', "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 2000 + b"]" * 2000, "."),
    ],
)
def test_what_is_not_otlp_json_is_refused_with_its_place(body, why):
    with pytest.raises(Undecodable, match=why):
        rows(body)


def test_nesting_has_a_limit():
    value: object = {"intValue": 1}
    for _ in range(80):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(Undecodable, match="nests too deep"):
        rows(span_with(attributes=[{"key": "deep", "value": value}]))


def test_nesting_that_protobuf_can_not_hold_rejects_the_span_alone():
    value: object = {"intValue": 1}
    for _ in range(46):
        value = {"arrayValue": {"values": [value]}}
    found = rows(span_with(attributes=[{"key": "deep", "value": value}]))
    assert found.stored + found.rejected == 1


def test_a_flood_of_small_objects_is_refused_before_it_is_parsed():
    with pytest.raises(TooLarge, match="too many parts"):
        to_protobuf("traces", b'{"x":[' + b"{}," * 1000 + b"{}]}", Limits(json_parts=1900))


def test_metrics_are_read_too():
    request = gauge("m", 2.5)
    found = Decoder().decode("metrics", as_json(request), 1, json=True)
    same = Decoder().decode("metrics", request.SerializeToString(), 1, json=False)
    assert found.rows.to_pylist() == same.rows.to_pylist()
    assert found.stored == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=3), min_size=1, max_size=3))
def test_json_and_protobuf_of_one_request_give_the_same_rows(maps):
    request = traces(len(maps))
    for span, attributes in zip(request.resource_spans[0].scope_spans[0].spans, maps, strict=True):
        span.attributes.extend(key_values(attributes))
    serialized = request.SerializeToString()
    same = Decoder().decode("traces", serialized, 1, json=False)
    found = Decoder().decode("traces", as_json(request), 1, json=True)
    assert found.rows.to_pylist() == same.rows.to_pylist()
    assert found.received == len(maps)
    assert ExportTraceServiceRequest.FromString(
        to_protobuf("traces", as_json(request), Limits())
    ).ByteSize() == len(serialized)


def attribute(key: object, value: object) -> bytes:
    span = {
        "traceId": "ab" * 16,
        "spanId": "cd" * 8,
        "attributes": [{"key": key, "value": value}],
    }
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def test_an_attribute_that_came_before_is_no_excuse_for_one_of_another_type():
    for value in ({"boolValue": True}, {"stringValue": "1"}, {"intValue": "1"}):
        assert rows(attribute("k", value)).stored == 1
    for key, value in [
        ("k", {"boolValue": 1}),
        ("k", {"boolValue": "1"}),
        ([], {"stringValue": "1"}),
        ("k", {"stringValue": []}),
    ]:
        with pytest.raises(Undecodable, match="must be"):
            rows(attribute(key, value))
