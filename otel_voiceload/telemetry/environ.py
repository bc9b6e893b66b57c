"""The user's own back end, as the standard OTEL_* variables describe it.

Spans are always stored locally and complete; what these variables name gets a copy, and a sampler
applies only to that copy. A variable that asks for something we can not do is an error at the
start, not a silence at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from otel_voiceload.errors import UsageError
from otel_voiceload.telemetry.batches import Signal
from otel_voiceload.telemetry.posting import Endpoint

_SIGNALS: tuple[Signal, ...] = ("traces", "metrics")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_GRPC_PORT = 4317


@dataclass(frozen=True, slots=True)
class CopyTarget:
    """Where the copy goes and which share of the calls' traces it gets."""

    endpoint: Endpoint
    ratio: float = 1.0


def copy_from_environ(environ: Mapping[str, str], own: Iterable[str] = ()) -> CopyTarget | None:
    """The back end that the variables name; None without one.

    ``own`` are the URLs of the run's own collector: people export its address for their agent in
    the same shell, and a copy to it would only store everything twice.

    Raises:
        UsageError: a protocol, address or sampler that is not supported.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    ours = {_place(url) for url in own}
    protocol = _protocol(environ)
    urls: dict[Signal, str] = {}
    for signal in _SIGNALS:
        url = _url(environ, signal, protocol)
        if url and _place(url) not in ours:
            urls[signal] = url
    if not urls:
        return None
    endpoint = Endpoint(
        urls=urls,
        protocol=protocol,
        headers=_pairs(_of(environ, "HEADERS")),
        gzip=_of(environ, "COMPRESSION").lower() == "gzip",
        certificate=_of(environ, "CERTIFICATE") or None,
    )
    if problems := endpoint.problems():
        raise UsageError("; ".join(problems) + " (OTEL_EXPORTER_OTLP_* variables)")
    return CopyTarget(endpoint, _ratio(environ))


def resource_attributes(environ: Mapping[str, str]) -> dict[str, str]:
    """What ``OTEL_RESOURCE_ATTRIBUTES`` adds to our resources, such as a deployment's name."""
    return _pairs(environ.get("OTEL_RESOURCE_ATTRIBUTES", ""))


def _of(environ: Mapping[str, str], name: str) -> str:
    """A variable of the traces' exporter, else the general one."""
    specific = environ.get(f"OTEL_EXPORTER_OTLP_TRACES_{name}", "").strip()
    return specific or environ.get(f"OTEL_EXPORTER_OTLP_{name}", "").strip()


def _protocol(environ: Mapping[str, str]) -> str:
    asked = _of(environ, "PROTOCOL")
    if asked:
        return asked
    # Much documentation gives a gRPC address without a word on the protocol; its port tells.
    try:
        port = urlsplit(_of(environ, "ENDPOINT")).port
    except ValueError:
        port = None
    return "grpc" if port == _GRPC_PORT else "http/protobuf"


def _url(environ: Mapping[str, str], signal: Signal, protocol: str) -> str:
    if environ.get(f"OTEL_{signal.upper()}_EXPORTER", "").strip().lower() == "none":
        return ""
    exact = environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT", "").strip()
    if exact:
        return exact
    base = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    if not base or protocol == "grpc":
        return base
    return f"{base.rstrip('/')}/v1/{signal}"


def _ratio(environ: Mapping[str, str]) -> float:
    sampler = environ.get("OTEL_TRACES_SAMPLER", "").strip().lower()
    # Our calls are roots, so a parent-based sampler is what it is for roots.
    match sampler.removeprefix("parentbased_"):
        case "" | "always_on":
            return 1.0
        case "always_off":
            return 0.0
        case "traceidratio":
            text = environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip() or "1"
            try:
                ratio = float(text)
            except ValueError:
                ratio = -1.0
            if 0.0 <= ratio <= 1.0:
                return ratio
            raise UsageError(f"OTEL_TRACES_SAMPLER_ARG={text!r} is no ratio; give 0 to 1")
        case _:
            raise UsageError(
                f"OTEL_TRACES_SAMPLER={sampler!r} is not known; use traceidratio, always_on, "
                "always_off or their parentbased_ forms"
            )


def _pairs(text: str) -> dict[str, str]:
    """``a=b,c=d`` with percent-encoded values, as W3C baggage writes it."""
    pairs = (part.partition("=") for part in text.split(",") if "=" in part)
    return {unquote(key.strip()): unquote(value.strip()) for key, _, value in pairs if key.strip()}


def _place(url: str) -> tuple[str, int | None]:
    """Host and port, with all names of this machine's loopback as one."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    try:
        port = parts.port
    except ValueError:
        port = None
    return ("loopback" if host in _LOOPBACK else host), port
