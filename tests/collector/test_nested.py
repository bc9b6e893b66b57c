import json

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ovl_collector.attributes import Attributes
from ovl_collector.budget import Budget
from ovl_collector.decoded import Limits
from ovl_collector.errors import TooLarge
from ovl_collector.nested import Nested

from .requests import T0, field, key_values, span_id, trace_id


def budget(elements=100):
    return Budget(Limits(elements=elements))


def event(time=T0, name="e", **attributes):
    made = Span.Event(time_unix_nano=time, name=name, dropped_attributes_count=2)
    made.attributes.extend(key_values(attributes))
    return made.SerializeToString()


def link(number, **attributes):
    made = Span.Link(trace_id=trace_id(number), span_id=span_id(number), trace_state="s", flags=1)
    made.attributes.extend(key_values(attributes))
    return made.SerializeToString()


def test_events_with_another_time_share_the_rest():
    nested = Nested(Attributes())
    found = json.loads(nested.events([event(T0, a=1), event(T0 + 1, a=1), event(0, a=1)], budget()))
    assert [each["time_unix_nano"] for each in found] == [T0, T0 + 1, 0]
    assert {json.dumps(each["attributes"]) for each in found} == {'{"a": 1}'}
    assert {each["dropped_attributes_count"] for each in found} == {2}


def test_links_with_other_ids_share_the_rest():
    nested = Nested(Attributes())
    found = json.loads(nested.links([link(1, k="v"), link(2, k="v")], budget()))
    assert [(each["trace_id"], each["span_id"]) for each in found] == [
        (trace_id(number).hex(), span_id(number).hex()) for number in (1, 2)
    ]
    assert found[0] | {"trace_id": "", "span_id": ""} == found[1] | {"trace_id": "", "span_id": ""}


@pytest.mark.parametrize("again", [T0, T0 + 5, 0])
def test_a_time_that_is_said_twice_is_the_last_one(again):
    nested = Nested(Attributes())
    twice = b"\x09" + again.to_bytes(8, "little")
    for first in (T0, T0 + 5, 0, again):
        raw = b"\x09" + first.to_bytes(8, "little") + twice
        assert f'"time_unix_nano":{again},' in nested.events([raw], budget())


@pytest.mark.parametrize("again", [field(1, trace_id(9)), field(2, span_id(9))])
def test_an_id_that_is_said_twice_is_the_last_one(again):
    nested = Nested(Attributes())
    for number in (1, 9, 2):
        found = json.loads(nested.links([link(number) + again], budget()))[0]
        ids = trace_id(9 if again[1] == 16 else number), span_id(9 if again[1] == 8 else number)
        assert (found["trace_id"], found["span_id"]) == (ids[0].hex(), ids[1].hex())


def test_ids_of_other_lengths_are_kept():
    made = Span.Link(trace_id=b"short", span_id=b"").SerializeToString()
    assert f'"trace_id":"{b"short".hex()}","span_id":""' in Nested(Attributes()).links(
        [made, made], budget()
    )


@pytest.mark.parametrize("raw", [b"\xff", field(2, b"\xff"), field(3, b"\xff\xff")])
def test_what_can_not_be_read_is_an_error_every_time(raw):
    nested = Nested(Attributes())
    for _ in range(2):
        with pytest.raises((DecodeError, UnicodeDecodeError)):
            nested.events([raw], budget())


def test_what_is_remembered_is_paid_for_too():
    nested = Nested(Attributes())
    raw = event(T0, a=1, b=2, c=3)
    nested.events([raw], budget())
    nested.events([raw], budget(4))
    with pytest.raises(TooLarge):
        nested.events([raw], budget(3))
