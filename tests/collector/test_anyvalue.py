import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from ovl_collector.anyvalue import double_json, map_json, value_json

from .requests import key_values, value
from .stored_values import restored

INT64 = st.integers(-(2**63), 2**63 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LEAVES = st.none() | st.booleans() | INT64 | st.floats() | TEXT | st.binary()
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["$bytes", "$double", "$"]) | TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)


def same(one: object, other: object) -> bool:
    """Equal in type and bits: 1 is not 1.0, -0.0 is not 0.0, NaN is NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float) and isinstance(other, float):
        if one != one:
            return other != other
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return one == other


@settings(max_examples=120, deadline=None)
@given(VALUES)
def test_every_value_comes_back_as_it_was(plain):
    assert same(restored(json.loads(value_json(value(plain)))), plain)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_every_attribute_map_comes_back_as_it_was(plain):
    text = map_json(key_values(plain))
    found = {} if text is None else restored(json.loads(text), top=True)
    assert same(found, plain)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1.0"),
        (1e22, "1e+22"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (float("nan"), '{"$double":"NaN"}'),
        (float("-inf"), '{"$double":"-Infinity"}'),
    ],
)
def test_a_double_can_be_told_from_an_integer(number, text):
    assert double_json(number) == text


def test_a_map_that_looks_like_bytes_stays_a_map():
    assert value_json(value({"$bytes": "AAA="})) == '{"$$bytes":"AAA="}'
    assert value_json(value(b"\x00\x00")) == '{"$bytes":"AAA="}'


def test_of_a_repeated_key_the_last_value_stays():
    items = [*key_values({"a": 1}), *key_values({"a": 2})]
    assert map_json(items) == '{"a":2}'


def test_a_value_that_only_profiles_use_is_kept_too():
    assert value_json(AnyValue(string_value_strindex=3)) == '{"$strindex":3}'
