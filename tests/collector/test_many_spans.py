"""Spans read at once against spans read one by one; tests/fuzz plays many more of both."""

import pytest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from ovl_collector.decode import Decoder
from ovl_collector.decoded import Limits
from ovl_collector.errors import TooLarge
from ovl_collector.many_spans import ManySpans
from tests.benchmarks.otlp_payload import Payload

from .requests import T0, field, key_values, span_id, trace_id, value


def span(number=1, attributes=None, **more):
    made = Span(trace_id=trace_id(7), span_id=span_id(number), name="n", kind=1)
    made.start_time_unix_nano, made.end_time_unix_nano = T0, T0 + number
    made.attributes.extend(key_values(attributes or {}))
    for key, one in more.items():
        setattr(made, key, one)
    return made


def with_status(code, message=""):
    made = span(5)
    made.status.code, made.status.message = code, message
    return made


def with_nested(*events, links=()):
    made = span(6)
    for name, time, attributes in events:
        made.events.add(name=name, time_unix_nano=time).attributes.extend(key_values(attributes))
    for number, attributes in links:
        link = made.links.add(trace_id=trace_id(number), span_id=span_id(number))
        link.attributes.extend(key_values(attributes))
    return made


def raw(*items):
    return b"".join(items)


VALID = span(1).SerializeToString()
TWICE = span(2, {"a": 1, "b": 2})
TWICE.attributes.extend(key_values({"a": "again"}))
MIXED = span(3, {"voiceload.turn.index": 1})
MIXED.attributes.extend(key_values({"voiceload.turn.index": "one"}))
DOUBLE = KeyValue(key="d", value=value(2.5)).SerializeToString()

SPANS = {
    "every kind of attribute": span(
        1,
        {
            "s": 'te"xt',
            "i": -(2**63),
            "d": 0.1,
            "whole": 2.0,
            "b": True,
            "raw": b"\x00\xff",
            "list": [1, "x", None, [2.5]],
            "map": {"k": {"$bytes": "x"}},
            "none": None,
        },
    ),
    "every promoted type": span(
        1,
        {
            "session.id": "s",
            "voiceload.turn.index": 7,
            "voiceload.turn.first": False,
            "voiceload.turn.response_latency": 0.25,
        },
    ),
    "promoted names with other types": span(
        1,
        {
            "session.id": 5,
            "voiceload.turn.index": 2**40,
            "voiceload.turn.first": "yes",
            "voiceload.turn.response_latency": 1,
            "voiceload.stage.index": 1.5,
        },
    ),
    "doubles that are no number": span(
        1, {"x": float("nan"), "voiceload.turn.send_delay": float("inf"), "y": float("-inf")}
    ),
    "a key twice": TWICE,
    "a key twice, one of them promoted": MIXED,
    "a child": span(1, parent_span_id=span_id(9), flags=0x301, trace_state="a=b"),
    "the parent of nobody": span(1, parent_span_id=bytes(8)),
    "a bad parent": span(1, parent_span_id=b"123"),
    "no trace id": span(1, trace_id=bytes(16)),
    "a short span id": span(1, span_id=b"1"),
    "a kind beyond": span(1, kind=300),
    "no name": span(1, name=""),
    "dropped counts": span(1, dropped_attributes_count=3, dropped_links_count=4),
    "a status": with_status(2, "broken"),
    "a bad status": with_status(256),
    "events": with_nested(("e", T0, {"n": 1}), ("e", T0 + 1, {"n": 1}), ("", 0, {"d": 0.5})),
    "links": with_nested(links=((1, {}), (2, {"k": "v"}), (3, {"k": "v"}))),
    "nothing": Span(),
    "a long text": span(1, {"text": "é" * 3000, "t": "x" * 200}),
    "bad UTF-8 in a name": raw(VALID[:28], field(5, b"\xff")),
    "bad UTF-8 in an attribute": raw(VALID, field(9, field(1, b"\xff"))),
    "no key and no value": raw(VALID, field(9, b"")),
    "bytes that are no attribute": raw(VALID, field(9, b"\xff\xff")),
    "a double with more behind it": raw(VALID, field(9, raw(DOUBLE, b"\x78\x01"))),
    "a double before its key": raw(
        VALID, field(9, raw(field(2, b"\x21" + bytes(8)), b"\x0a\x01d"))
    ),
    "bytes that are no event": raw(VALID, field(11, b"\xff")),
    "bad UTF-8 in an event": raw(VALID, field(11, field(2, b"\xff"))),
    "fields in another order": raw(field(5, b"n"), VALID[:28]),
    "the name twice": raw(VALID[:28], field(5, b"n"), field(5, b"m")),
}


def body_of(spans):
    raws = [each if isinstance(each, bytes) else each.SerializeToString() for each in spans]
    return field(1, field(2, b"".join(field(2, each) for each in raws)))


def everything(decoder, body):
    found = decoder.decode("traces", body, 3, json=False)
    rows = zip(map(str, found.rows.to_pylist()), found.span_keys.tolist(), strict=True)
    return sorted(rows), found.received, found.reject_reasons, found.resources, found.scopes


@pytest.mark.parametrize("title", list(SPANS))
def test_at_once_gives_what_one_by_one_gives(title):
    body = body_of([VALID, SPANS[title], span(8, {"a": 1})])
    one_by_one, at_once = Decoder(many_spans=10**9), Decoder(many_spans=1)
    expected = everything(one_by_one, body)
    assert everything(at_once, body) == expected
    assert everything(at_once, body) == expected, "with warm memos"


def test_all_of_them_together_are_the_same_too():
    body = body_of(SPANS.values())
    assert everything(Decoder(many_spans=1), body) == everything(Decoder(many_spans=10**9), body)


def test_a_load_tests_spans_are_all_read_at_once(monkeypatch):
    """What the benchmark measures is what exporters send: nothing of it is strange."""
    strange = []
    decode = ManySpans.decode

    def watched(self, *args):
        block = decode(self, *args)
        strange.extend(block.strange)
        return block

    monkeypatch.setattr(ManySpans, "decode", watched)
    body = Payload().fresh()
    found = Decoder().decode("traces", body, 1, json=False)
    assert (found.stored, strange) == (512, [])
    assert everything(Decoder(), body) == everything(Decoder(many_spans=10**9), body)


@pytest.mark.parametrize("limits", [{"elements": 90}, {"json_characters": 600}])
def test_the_budget_is_spent_on_both_roads_alike(limits):
    for count in range(1, 60):
        body = body_of([span(number + 1, {"key": number, "d": 0.5}) for number in range(count)])
        answers = []
        for many_spans in (1, 10**9):
            try:
                decoder = Decoder(Limits(**limits), many_spans=many_spans)
                answers.append(decoder.decode("traces", body, 1, json=False).stored)
            except TooLarge as error:
                answers.append(error.reason)
        assert answers[0] == answers[1], count


def test_a_resent_time_in_what_follows_an_event_is_not_remembered():
    """The memo looks up what follows the time; here that says another time, or the same one."""
    time = T0.to_bytes(8, "little")
    events = [b"\x09" + time + b"\x09" + time, b"\x09" + bytes(8) + b"\x09" + time]
    body = body_of([raw(VALID, field(11, events[0])), raw(VALID, field(11, events[1]))])
    found = Decoder(many_spans=1).decode("traces", body, 1, json=False)
    assert all(f'"time_unix_nano":{T0},' in text for text in found.rows["events"].to_pylist())
