from opentelemetry.proto.trace.v1.trace_pb2 import Status

from otel_voiceload.telemetry.context import run_span_id, run_trace_id
from otel_voiceload.telemetry.otlp import attributes, link_to_run, make_span

from .records import RUN_ID, SCOPE, UNIX_NS

IDS = ("ab" * 16, "cd" * 8, None)


def test_attributes_keep_their_types_and_leave_out_what_is_not_known() -> None:
    made = {
        item.key: item.value
        for item in attributes({"b": True, "i": 1, "d": 1.0, "s": "1", "n": None})
    }
    kinds = {key: value.WhichOneof("value") for key, value in made.items()}
    assert kinds == {"b": "bool_value", "i": "int_value", "d": "double_value", "s": "string_value"}


def test_times_go_through_the_anchor_and_an_end_is_never_before_its_start() -> None:
    span = make_span(SCOPE, "x", IDS, (500, 200), {}, events=(("a", 100), ("never", None)))
    assert span.start_time_unix_nano == span.end_time_unix_nano == UNIX_NS + 500
    assert [(event.name, event.time_unix_nano) for event in span.events] == [("a", UNIX_NS + 100)]
    assert span.parent_span_id == b""


def test_an_error_type_makes_the_span_a_failed_one() -> None:
    failed = make_span(SCOPE, "x", IDS, (0, 1), {}, error_type="busy", message="503")
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert failed.status.message == "503"
    assert failed.attributes[-1].key == "error.type"
    assert make_span(SCOPE, "x", IDS, (0, 1), {}).status.code == Status.STATUS_CODE_UNSET


def test_a_link_points_at_the_run_span() -> None:
    span = make_span(SCOPE, "x", IDS, (0, 1), {})
    link_to_run(span, SCOPE)
    assert span.links[0].trace_id.hex() == run_trace_id(RUN_ID)
    assert span.links[0].span_id.hex() == run_span_id(RUN_ID)
