"""Whatever bytes come, the decoder answers or refuses; it never fails in another way."""

import contextlib
from json import dumps

from hypothesis import given, settings
from hypothesis import strategies as st

from ovl_collector.decode import Decoder
from ovl_collector.errors import RequestRefused

from .requests import as_json, gauge, key_values, traces

DECODER = Decoder()


def sample():
    request = traces(2, attributes={"session.id": "s", "d": 0.5, "deep": [{"k": [b"x", None]}]})
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.status.message = "m"
    span.events.add(name="e").attributes.extend(key_values({"a": 1}))
    span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8)
    return request


SEEDS = [
    ("traces", False, sample().SerializeToString()),
    ("metrics", False, gauge().SerializeToString()),
    ("traces", True, as_json(sample())),
    ("metrics", True, as_json(gauge())),
]
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 2), st.binary(min_size=1, max_size=6)), max_size=6
)


def check(signal, json, body):
    with contextlib.suppress(RequestRefused):
        found = DECODER.decode(signal, body, 1, json=json)
        assert found.received == found.stored + found.rejected


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(SEEDS), EDITS)
def test_a_request_with_bytes_changed_inserted_and_cut(seed, edits):
    signal, json, body = seed
    for place, kind, fresh in edits:
        at = int(place * len(body))
        if kind == 0:
            body = body[:at] + fresh + body[at + len(fresh) :]
        elif kind == 1:
            body = body[:at] + fresh + body[at:]
        else:
            body = body[:at] + body[at + len(fresh) :]
    check(signal, json, body)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["traces", "metrics"]), st.booleans(), st.binary(max_size=200))
def test_bytes_that_mean_nothing(signal, json, body):
    check(signal, json, body)


PLAIN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "resourceSpans",
                    "scopeSpans",
                    "spans",
                    "traceId",
                    "attributes",
                    "key",
                    "value",
                    "arrayValue",
                    "values",
                    "intValue",
                    "kind",
                    "flags",
                    "status",
                    "resource",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(PLAIN_JSON)
def test_json_with_the_right_keys_and_any_values(plain):
    check("traces", True, dumps({"resourceSpans": plain}).encode())
