import pytest
from google.protobuf.message import DecodeError

from ovl_collector.attributes import Attribute, Attributes
from ovl_collector.budget import Budget
from ovl_collector.decoded import Limits

from .requests import field, key_values


def ample():
    return Budget(Limits())


def raw(key: str, plain: object) -> bytes:
    return key_values({key: plain})[0].SerializeToString()


def test_what_comes_again_is_taken_from_the_memo():
    attributes = Attributes()
    body = raw("session.id", "x")
    found = attributes.read(body, ample())
    assert found == Attribute(0, "session.id", '"session.id":"x"', "x")
    assert attributes.memo[body] is found


def test_doubles_and_long_values_stay_out_of_the_memo():
    attributes = Attributes()
    for number in range(100):
        attributes.read(raw("d", number / 7), ample())
    attributes.read(raw("long", "x" * 300), ample())
    assert attributes.memo == {}


def test_the_memo_is_bounded():
    attributes = Attributes()
    for number in range(20_001):
        attributes.read(raw("k", number), ample())
    assert len(attributes.memo) == 1


def test_outside_of_spans_promoted_attributes_are_json_like_all_others():
    attributes = Attributes()
    body = [raw("session.id", "x"), raw("voiceload.turn.send_delay", 0.5), raw("a", 1)]
    assert attributes.object_json(body, ample()) == (
        '{"session.id":"x","voiceload.turn.send_delay":0.5,"a":1}'
    )
    assert attributes.read(body[1], ample()) == Attribute(11, "voiceload.turn.send_delay", "", 0.5)
    assert attributes.object_json(body[1:2], ample()) == '{"voiceload.turn.send_delay":0.5}'


def test_a_double_that_is_not_alone_in_its_value_is_parsed_in_full():
    """Protobuf takes the last member of a oneof, so the last eight bytes prove nothing alone."""
    value = b"\x21" + bytes(8) + b"\x18\x05"  # a double, then an int that replaces it
    odd = field(1, b"k") + field(2, value)
    attributes = Attributes()
    attributes.read(raw("k", 0.5), ample())
    assert attributes.read(odd, ample()).fragment == '"k":5'


def test_what_is_no_attribute_raises():
    for body in (b"\xff", raw("aaaa", 1).replace(b"aaaa", b"\xff\xff\xff\xff")):
        with pytest.raises(DecodeError):
            Attributes().read(body, ample())
