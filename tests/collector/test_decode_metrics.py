import json

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1 import metrics_pb2

from ovl_collector.decode import Decoder
from ovl_collector.decoded import Limits
from ovl_collector.errors import TooLarge

from .requests import T0, gauge, key_values, span_id, trace_id


def request_of(**data: object) -> ExportMetricsServiceRequest:
    request = ExportMetricsServiceRequest()
    metric = (
        request.resource_metrics.add()
        .scope_metrics.add()
        .metrics.add(name="m", unit="s", description="d", **data)
    )
    metric.metadata.extend(key_values({"kept": 1}))
    return request


def the_row(request: ExportMetricsServiceRequest):
    found = Decoder().decode("metrics", request.SerializeToString(), 4, json=False)
    assert (found.received, found.stored) == (1, 1)
    return found.rows.to_pylist()[0]


def filled(point: object) -> object:
    """Sets every field of a data point to something that is not its default."""
    plain = {
        "start_time_unix_nano": T0 - 5,
        "time_unix_nano": T0,
        "flags": 1,
        "count": 3,
        "sum": 1.25,
        "min": 0.5,
        "max": 0.75,
        "scale": -2,
        "zero_count": 4,
        "zero_threshold": 0.125,
    }
    for field in point.DESCRIPTOR.fields:
        if field.name in plain:
            setattr(point, field.name, plain[field.name])
        elif field.name == "attributes":
            point.attributes.extend(key_values({"a": b"x"}))
        elif field.name == "exemplars":
            exemplar = point.exemplars.add(
                time_unix_nano=T0, as_int=2**60, span_id=span_id(1), trace_id=trace_id(2)
            )
            exemplar.filtered_attributes.extend(key_values({"f": 1}))
        elif field.name in ("bucket_counts", "explicit_bounds"):
            getattr(point, field.name).extend([1, 2])
        elif field.name in ("positive", "negative"):
            buckets = getattr(point, field.name)
            buckets.offset = 7
            buckets.bucket_counts.extend([5, 6])
        elif field.name == "quantile_values":
            point.quantile_values.add(quantile=0.5, value=float("inf"))
        elif field.name == "as_int":
            point.as_int = 2**60 + 1
        else:
            assert field.name == "as_double", f"OTLP has a new field: {field.full_name}"
    return point


COLUMNS = {"attributes", "start_time_unix_nano", "time_unix_nano", "flags"}
POINTS = [
    ("gauge", metrics_pb2.Gauge, metrics_pb2.NumberDataPoint),
    ("sum", metrics_pb2.Sum, metrics_pb2.NumberDataPoint),
    ("histogram", metrics_pb2.Histogram, metrics_pb2.HistogramDataPoint),
    (
        "exponential_histogram",
        metrics_pb2.ExponentialHistogram,
        metrics_pb2.ExponentialHistogramDataPoint,
    ),
    ("summary", metrics_pb2.Summary, metrics_pb2.SummaryDataPoint),
]


@pytest.mark.parametrize(("kind", "data", "point"), POINTS, ids=[kind for kind, _, _ in POINTS])
def test_every_field_of_every_kind_is_stored(kind, data, point):
    message = filled(point())
    row = the_row(request_of(**{kind: data(data_points=[message])}))
    assert row["kind"] == kind
    assert (row["time_unix_nano"], row["start_time_unix_nano"], row["flags"]) == (T0, T0 - 5, 1)
    assert row["attributes"] == '{"a":{"$bytes":"eA=="}}'
    assert row["metadata"] == '{"kept":1}'
    held = set(json.loads(row["point"]))
    assert held == {field.name for field, _ in message.ListFields()} - COLUMNS
    exemplars = json.loads(row["point"]).get("exemplars")
    if exemplars:
        assert exemplars == [
            {
                "time_unix_nano": T0,
                "span_id": span_id(1).hex(),
                "trace_id": trace_id(2).hex(),
                "as_int": 2**60,
                "filtered_attributes": {"f": 1},
            }
        ]
    assert set(metrics_pb2.Metric.DESCRIPTOR.fields_by_name) == {
        "name",
        "description",
        "unit",
        "metadata",
        *(kind for kind, _, _ in POINTS),
    }


def test_a_double_needs_no_json_and_an_integer_stays_exact():
    assert the_row(gauge("g", 0.5))["value"] == 0.5
    assert the_row(gauge("g", 0.5))["point"] is None
    row = the_row(request_of(gauge=metrics_pb2.Gauge(data_points=[{"as_int": 2**60 + 1}])))
    assert row["value"] == float(2**60)
    assert json.loads(row["point"]) == {"as_int": 2**60 + 1}


def test_a_sum_says_whether_it_grows():
    row = the_row(
        request_of(
            sum=metrics_pb2.Sum(
                is_monotonic=True, aggregation_temporality=2, data_points=[{"as_double": 1.0}]
            )
        )
    )
    assert (row["is_monotonic"], row["temporality"]) == (True, 2)


def test_a_point_without_a_value_is_stored_as_such():
    row = the_row(request_of(gauge=metrics_pb2.Gauge(data_points=[{"flags": 1}])))
    assert (row["value"], row["point"], row["flags"]) == (None, None, 1)


def test_a_metric_that_can_not_be_read_is_rejected_alone():
    request = gauge("XXXX")
    request.resource_metrics[0].scope_metrics[0].metrics.append(
        gauge("good").resource_metrics[0].scope_metrics[0].metrics[0]
    )
    body = request.SerializeToString().replace(b"XXXX", b"\xff\xfe\xfd\xfc")
    found = Decoder().decode("metrics", body, 1, json=False)
    assert (found.stored, found.reject_reasons) == (1, {"bad_metric": 1})
    assert found.error_message == "1 of 2 data points rejected (bad_metric: 1)"


def test_more_points_than_allowed_are_refused_whole():
    request = request_of(gauge=metrics_pb2.Gauge(data_points=[{"as_double": 1.0}] * 11))
    with pytest.raises(TooLarge):
        Decoder(Limits(items=10)).decode("metrics", request.SerializeToString(), 1, json=False)
