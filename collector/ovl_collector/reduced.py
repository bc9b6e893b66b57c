"""Wire-compatible short forms of OTLP's messages, in which whatever is nested stays raw bytes.

Two reasons. Touching attributes from Python is three quarters of the cost of decoding, and the same
attribute comes thousands of times: as raw bytes it is a key into a memo. And protobuf's parser
refuses a whole request for one invalid UTF-8 string: with strings declared as bytes, one bad span
is rejected and its neighbours are stored. A test walks OTLP's descriptors and compares every field.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_BYTES, _U32, _F32, _F64, _I32 = (
    _F.TYPE_BYTES,
    _F.TYPE_UINT32,
    _F.TYPE_FIXED32,
    _F.TYPE_FIXED64,
    _F.TYPE_INT32,
)

# message -> field -> (number, type, repeated)
_MESSAGES: Final[dict[str, dict[str, tuple[int, Any, bool]]]] = {
    # ScopeSpans and ScopeMetrics share their numbers (with ResourceSpans and ResourceMetrics, too)
    "Group": {
        "header": (1, _BYTES, False),
        "members": (2, _BYTES, True),
        "schema_url": (3, _BYTES, False),
    },
    "Resource": {
        "attributes": (1, _BYTES, True),
        "dropped_attributes_count": (2, _U32, False),
        "entity_refs": (3, _BYTES, True),
    },
    "Scope": {
        "name": (1, _BYTES, False),
        "version": (2, _BYTES, False),
        "attributes": (3, _BYTES, True),
        "dropped_attributes_count": (4, _U32, False),
    },
    "Span": {
        "trace_id": (1, _BYTES, False),
        "span_id": (2, _BYTES, False),
        "trace_state": (3, _BYTES, False),
        "parent_span_id": (4, _BYTES, False),
        "name": (5, _BYTES, False),
        "kind": (6, _I32, False),
        "start_time_unix_nano": (7, _F64, False),
        "end_time_unix_nano": (8, _F64, False),
        "attributes": (9, _BYTES, True),
        "dropped_attributes_count": (10, _U32, False),
        "events": (11, _BYTES, True),
        "dropped_events_count": (12, _U32, False),
        "links": (13, _BYTES, True),
        "dropped_links_count": (14, _U32, False),
        "status": (15, _BYTES, False),
        "flags": (16, _F32, False),
    },
    "Event": {
        "time_unix_nano": (1, _F64, False),
        "name": (2, _BYTES, False),
        "attributes": (3, _BYTES, True),
        "dropped_attributes_count": (4, _U32, False),
    },
    "Link": {
        "trace_id": (1, _BYTES, False),
        "span_id": (2, _BYTES, False),
        "trace_state": (3, _BYTES, False),
        "attributes": (4, _BYTES, True),
        "dropped_attributes_count": (5, _U32, False),
        "flags": (6, _F32, False),
    },
    "Status": {"message": (2, _BYTES, False), "code": (3, _I32, False)},
}


def _build() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="ovl_collector/reduced.proto", package="ovl_collector", syntax="proto3"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, repeated) in fields.items():
            message.field.add(
                name=field,
                number=number,
                type=kind,
                label=_F.LABEL_REPEATED if repeated else _F.LABEL_OPTIONAL,
            )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"ovl_collector.{name}"))
        for name in _MESSAGES
    }


_CLASSES = _build()
# Any: the classes are made at run time, so there is no static type for them.
Group: Any = _CLASSES["Group"]
Resource: Any = _CLASSES["Resource"]
Scope: Any = _CLASSES["Scope"]
Span: Any = _CLASSES["Span"]
Event: Any = _CLASSES["Event"]
Link: Any = _CLASSES["Link"]
Status: Any = _CLASSES["Status"]
