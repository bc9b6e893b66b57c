import pytest
from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from ovl_collector import reduced

PAIRS = [
    (reduced.Span, trace_pb2.Span),
    (reduced.Event, trace_pb2.Span.Event),
    (reduced.Link, trace_pb2.Span.Link),
    (reduced.Status, trace_pb2.Status),
    (reduced.Resource, resource_pb2.Resource),
    (reduced.Scope, common_pb2.InstrumentationScope),
    (reduced.Group, trace_pb2.ResourceSpans),
    (reduced.Group, trace_pb2.ScopeSpans),
    (reduced.Group, metrics_pb2.ResourceMetrics),
    (reduced.Group, metrics_pb2.ScopeMetrics),
]
WIRE_TYPES = {
    FieldDescriptor.TYPE_BYTES: 2,
    FieldDescriptor.TYPE_STRING: 2,
    FieldDescriptor.TYPE_MESSAGE: 2,
    FieldDescriptor.TYPE_UINT32: 0,
    FieldDescriptor.TYPE_INT32: 0,
    FieldDescriptor.TYPE_ENUM: 0,
    FieldDescriptor.TYPE_FIXED32: 5,
    FieldDescriptor.TYPE_FIXED64: 1,
}


@pytest.mark.parametrize(("short", "official"), PAIRS, ids=lambda cls: cls.DESCRIPTOR.full_name)
def test_the_short_form_has_every_field_of_otlp_with_its_number_and_wire_type(short, official):
    def shape(message):
        return {
            field.number: (WIRE_TYPES[field.type], field.is_repeated)
            for field in message.DESCRIPTOR.fields
        }

    assert shape(short) == shape(official)
