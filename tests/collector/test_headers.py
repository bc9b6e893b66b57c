import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from ovl_collector.headers import Headers

from .requests import key_values


def raw(**attributes: object) -> bytes:
    return Resource(attributes=key_values(attributes)).SerializeToString()


def test_the_order_of_attributes_makes_no_other_resource():
    headers = Headers()
    one, _ = headers.resource(raw(a=1, b=2), b"")
    other, _ = headers.resource(raw(b=2, a=1), b"")
    assert one == other


def test_ids_are_stable_over_versions():
    """Ids written by one version must match those of the next, in other files of the store."""
    assert Headers().resource(raw(a=1), b"")[0] == 12169819039128111391
    assert (
        Headers().scope(InstrumentationScope(name="s").SerializeToString(), b"")[0]
        == 90553099086229616
    )


def test_anything_that_differs_makes_another_resource():
    headers = Headers()
    dropped = Resource(attributes=key_values({"a": 1}), dropped_attributes_count=1)
    ids = [
        headers.resource(raw(a=1), b"")[0],
        headers.resource(raw(a=2), b"")[0],
        headers.resource(raw(a=1.0), b"")[0],
        headers.resource(raw(a=1), b"http://schema")[0],
        headers.resource(dropped.SerializeToString(), b"")[0],
        headers.scope(raw(a=1), b"")[0],
    ]
    assert len(set(ids)) == len(ids)


def test_service_and_run_are_columns():
    _, row = Headers().resource(raw(**{"service.name": "s", "voiceload.run.id": "r"}), b"")
    assert row[-2:] == ("s", "r")
    _, row = Headers().resource(raw(**{"service.name": 5}), b"")
    assert row[-2:] == (None, None)


def test_a_header_that_can_not_be_read_raises():
    with pytest.raises(DecodeError):
        Headers().resource(raw(aaaa=1).replace(b"aaaa", b"\xff\xff\xff\xff"), b"")
    with pytest.raises(UnicodeDecodeError):
        Headers().scope(
            InstrumentationScope(name="aaaa")
            .SerializeToString()
            .replace(b"aaaa", b"\xff\xff\xff\xff"),
            b"",
        )
