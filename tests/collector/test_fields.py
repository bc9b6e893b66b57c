import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ovl_collector import fields
from ovl_collector.fields import find_fields

from .requests import T0, field, key_values, span_id, trace_id


def usual(**more):
    span = Span(trace_id=trace_id(1), span_id=span_id(2), name="n", kind=3, flags=0x101, **more)
    span.start_time_unix_nano, span.end_time_unix_nano = T0, T0 + 1
    span.attributes.extend(key_values({"a": 1, "long": "x" * 300}))
    return span


def test_every_field_is_found_where_protobuf_wrote_it():
    spans = [usual(), Span(), usual(parent_span_id=span_id(9), trace_state="a=b")]
    spans[2].events.add(name="e")
    spans[2].links.add(trace_state="l")
    spans[2].status.code = 2
    found = find_fields([span.SerializeToString() for span in spans])
    assert not found.strange.any()
    seen = [
        (owner, tag, found.data[start:end].tobytes())
        for owner, tag, start, end in zip(
            found.owner.tolist(),
            found.tag.tolist(),
            found.start.tolist(),
            found.end.tolist(),
            strict=True,
        )
    ]
    expected = [
        (
            number,
            descriptor.number << 3 | wire_type(descriptor) & 7
            if descriptor.number < 16
            else fields.FLAGS,
            raw,
        )
        for number, span in enumerate(spans)
        for descriptor, value in span.ListFields()
        for raw in raw_values(descriptor, value)
    ]
    assert seen == expected


def wire_type(descriptor):
    kinds = {descriptor.TYPE_FIXED64: 1, descriptor.TYPE_FIXED32: 5, descriptor.TYPE_ENUM: 0}
    return kinds.get(descriptor.type, 2)


def raw_values(descriptor, value):
    if descriptor.is_repeated:
        return [item.SerializeToString() for item in value]
    if descriptor.type == descriptor.TYPE_FIXED64:
        return [value.to_bytes(8, "little")]
    if descriptor.type == descriptor.TYPE_FIXED32:
        return [value.to_bytes(4, "little")]
    if descriptor.type == descriptor.TYPE_ENUM:
        return [bytes([value])]
    if descriptor.type == descriptor.TYPE_MESSAGE:
        return [value.SerializeToString()]
    return [value if isinstance(value, bytes) else value.encode()]


@pytest.mark.parametrize(
    "raw",
    [
        usual().SerializeToString()[:-1],
        usual().SerializeToString() + b"\x0a",
        usual().SerializeToString() + field(1, trace_id(3)),  # twice, and out of order
        field(5, b"n") + field(5, b"m"),
        field(5, b"n") + b"\x80",
        field(5, b"n") + b"\xf8\x7f\x01",  # a number that OTLP does not know
        b"\x30\x80\x01",  # a kind of two bytes
        b"\x85\x02\x00\x00\x00\x00",  # field 32 where the flags would be
        field(5, bytes(20_000)),
        field(9, b"") * 100,
        b"\x0b\x0c",
        b"\x00",
    ],
)
def test_what_is_unusual_is_strange_and_does_not_disturb_its_neighbours(raw):
    neighbour = usual().SerializeToString()
    found = find_fields([neighbour, raw, neighbour])
    assert found.strange.tolist() == [False, True, False]
    assert set(found.owner.tolist()) == {0, 2}
    alone = find_fields([neighbour])
    assert found.tag.tolist() == alone.tag.tolist() * 2


def test_empty_spans_have_no_fields():
    found = find_fields([b"", b""])
    assert (found.tag.size, found.strange.tolist()) == (0, [False, False])
