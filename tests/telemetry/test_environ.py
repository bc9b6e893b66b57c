from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.telemetry.environ import copy_from_environ, resource_attributes

CERT = Path(__file__).parents[1] / "transports" / "tls" / "localhost.pem"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"


@pytest.mark.parametrize(
    ("environ", "urls", "protocol"),
    [
        (
            {ENDPOINT: "http://otel:4318/"},
            {"traces": "http://otel:4318/v1/traces", "metrics": "http://otel:4318/v1/metrics"},
            "http/protobuf",
        ),
        ({TRACES: "https://otel/otlp/t"}, {"traces": "https://otel/otlp/t"}, "http/protobuf"),
        (
            {ENDPOINT: "http://otel:4318", "OTEL_METRICS_EXPORTER": "none"},
            {"traces": "http://otel:4318/v1/traces"},
            "http/protobuf",
        ),
        (
            {ENDPOINT: "http://otel:4317"},
            {"traces": "http://otel:4317", "metrics": "http://otel:4317"},
            "grpc",
        ),
        (
            {TRACES: "http://otel:9000", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            {"traces": "http://otel:9000"},
            "grpc",
        ),
    ],
)
def test_the_standard_variables_name_the_copys_endpoint(
    environ: dict[str, str], urls: dict[str, str], protocol: str
) -> None:
    copy = copy_from_environ(environ)
    assert copy is not None
    assert copy.endpoint.urls == urls
    assert copy.endpoint.protocol == protocol


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {ENDPOINT: ""},
        {ENDPOINT: "http://otel:4318", "OTEL_SDK_DISABLED": "true"},
        {TRACES: "http://otel:4318", "OTEL_TRACES_EXPORTER": "none"},
        {ENDPOINT: "http://localhost:4318"},  # that is the run's own collector
        {ENDPOINT: "http://127.0.0.1:4317"},
    ],
)
def test_there_is_no_copy_without_a_place_of_its_own(environ: dict[str, str]) -> None:
    own = ("http://127.0.0.1:4318", "http://127.0.0.1:4317")
    assert copy_from_environ(environ, own) is None


def test_headers_compression_and_certificate_come_along() -> None:
    copy = copy_from_environ(
        {
            ENDPOINT: "https://otel",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b, x=1",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": str(CERT),
        }
    )
    assert copy is not None
    assert copy.endpoint.headers == {"api-key": "a b", "x": "1"}
    assert copy.endpoint.gzip
    assert copy.endpoint.certificate == str(CERT)


@pytest.mark.parametrize(
    ("sampler", "argument", "ratio"),
    [
        ("", "", 1.0),
        ("always_on", "0.3", 1.0),
        ("parentbased_always_off", "", 0.0),
        ("traceidratio", "0.25", 0.25),
        ("parentbased_traceidratio", "", 1.0),
    ],
)
def test_a_sampler_becomes_the_copys_ratio(sampler: str, argument: str, ratio: float) -> None:
    environ = {ENDPOINT: "http://otel:4318", "OTEL_TRACES_SAMPLER": sampler}
    copy = copy_from_environ(environ | {"OTEL_TRACES_SAMPLER_ARG": argument})
    assert copy is not None
    assert copy.ratio == ratio


@pytest.mark.parametrize(
    "wrong",
    [
        {ENDPOINT: "otel:4318"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
        {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/no/such.pem"},
        {"OTEL_EXPORTER_OTLP_CERTIFICATE": __file__},
        {"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%0Ax"},
        {"OTEL_TRACES_SAMPLER": "jaeger_remote"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "half"},
        {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"},
    ],
)
def test_what_can_not_be_done_is_an_error_at_the_start(wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="OTEL_"):
        copy_from_environ({ENDPOINT: "http://otel:4318"} | wrong)


def test_resource_attributes_are_read_as_they_are_written() -> None:
    environ = {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=ci,team=a%2Cb,broken"}
    assert resource_attributes(environ) == {"deployment.environment.name": "ci", "team": "a,b"}
    assert resource_attributes({}) == {}
