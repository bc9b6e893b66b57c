"""How fast the collector takes spans on one core, with every acknowledgement after its commit.

The server is pinned to one core and this process, the client, to another. First the closed loop:
eight requests are under way at any time. Then half of the rate it reached, sent by the clock, with
latencies counted from when a request was due. The bare protobuf parse of the same requests on the
server's core is the yardstick: the ratio to it can be compared between machines. Leaves with 1 when
one of the figures is short of what is asked of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import grpc.aio
import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ovl_collector.manifest import read_manifest
from tests.benchmarks.otlp_payload import SPANS, Payload
from tests.benchmarks.running import Judged, json_line, machine, table
from tests.collector.processes import FREE, Served
from tests.faults.findings import peak_mib

SERVER_CORE, CLIENT_CORE = 0, 1
UNDER_WAY = 8
WARM_UP_S = 1.0
SPANS_PER_S = 60_000.0
GRPC_SHARE = 0.8  # of what HTTP came to
_PARSE_S = 2.0
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_HEAD = (
    "POST /v1/traces HTTP/1.1\r\nhost: collector\r\n"
    "content-type: application/x-protobuf\r\ncontent-length: {}\r\n\r\n"
)
Send = Callable[[bytes], Awaitable[None]]


@dataclass(slots=True)
class Pass:
    """One passage of load. ``taken_s`` are latencies until the acknowledgement."""

    seconds: float = 0.0
    taken_s: list[float] = field(default_factory=list)

    @property
    def spans_per_s(self) -> float:
        return len(self.taken_s) * SPANS / self.seconds

    def figures(self) -> dict[str, float]:
        p50, p99, worst = np.quantile(self.taken_s, (0.5, 0.99, 1.0)) * 1000
        return {
            "spans_per_s": round(self.spans_per_s),
            "ack_p50_ms": round(float(p50), 1),
            "ack_p99_ms": round(float(p99), 1),
            "ack_max_ms": round(float(worst), 1),
        }


class HttpSender:
    """One keep-alive connection; OTLP's answer to a stored request has an empty body."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def connect(cls, served: Served) -> HttpSender:
        host, port = served.http.removeprefix("http://").split(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def send(self, body: bytes) -> None:
        self._writer.write(_HEAD.format(len(body)).encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200") or b"content-length: 0" not in head.lower():
            raise SystemExit(f"the collector refused: {head.decode()}")


async def senders(served: Served, protocol: str) -> list[Send]:
    if protocol == "http":
        return [(await HttpSender.connect(served)).send for _ in range(UNDER_WAY)]
    export = grpc.aio.insecure_channel(served.grpc).unary_unary(_EXPORT)

    async def send(body: bytes) -> None:
        await export(body)

    return [send] * UNDER_WAY


async def at_full_rate(sends: list[Send], payload: Payload, seconds: float) -> Pass:
    """Every sender sends its next request when the one before is acknowledged."""
    done = Pass()
    begun = time.perf_counter()

    async def loop(send: Send) -> None:
        while (sent := time.perf_counter()) - begun < seconds:
            await send(payload.fresh())
            done.taken_s.append(time.perf_counter() - sent)

    await asyncio.gather(*(loop(send) for send in sends))
    done.seconds = time.perf_counter() - begun
    return done


async def by_the_clock(sends: list[Send], payload: Payload, seconds: float, rate: float) -> Pass:
    """``rate`` spans a second whatever the answers do; a late start counts as latency."""
    done = Pass()
    begun = time.perf_counter()
    every_s = SPANS * len(sends) / rate

    async def loop(place: int, send: Send) -> None:
        due = begun + every_s * place / len(sends)
        while due - begun < seconds:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await send(payload.fresh())
            done.taken_s.append(time.perf_counter() - due)
            due += every_s

    await asyncio.gather(*(loop(place, send) for place, send in enumerate(sends)))
    done.seconds = time.perf_counter() - begun
    return done


def parse_rate(payload: Payload) -> float:
    """Spans a second that protobuf alone parses, on the server's core."""
    os.sched_setaffinity(0, {SERVER_CORE})
    bodies = [payload.fresh() for _ in range(64)]
    parsed, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < _PARSE_S:
        for body in bodies:
            ExportTraceServiceRequest.FromString(body)
        parsed += len(bodies) * SPANS
    rate = parsed / (time.perf_counter() - begun)
    os.sched_setaffinity(0, {CLIENT_CORE})
    return rate


async def load(served: Served, protocol: str, seconds: float) -> tuple[int, Pass, Pass]:
    """Requests sent in all, and the two passes."""
    payload = Payload(seed=len(protocol))
    sends = await senders(served, protocol)
    warm = await at_full_rate(sends, payload, WARM_UP_S)
    full = await at_full_rate(sends, payload, seconds)
    half = await by_the_clock(sends, payload, seconds, full.spans_per_s / 2)
    return sum(len(each.taken_s) for each in (warm, full, half)), full, half


def measure(protocol: str, seconds: float, parse_spans_per_s: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder, Served(Path(folder, "store"), *FREE) as served:
        for task in Path(f"/proc/{served.process.pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {SERVER_CORE})
        requests, full, half = asyncio.run(load(served, protocol, seconds))
        peak = peak_mib(served.process.pid)
        code, errors = served.stop()
        if code or errors:
            raise SystemExit(f"the collector ended with {code}: {errors}")
        segments = read_manifest(served.folder).segments
        stored = sum(entry.spans for entry in segments)
        if stored != requests * SPANS:
            raise SystemExit(f"{requests * SPANS} spans were acknowledged and {stored} stored")
        return {
            "protocol": protocol,
            "seconds": seconds,
            "full": full.figures(),
            "half": half.figures(),
            "of_parse_rate": round(full.spans_per_s / parse_spans_per_s, 4),
            "peak_mib": round(peak),
            "bytes_per_span": round(sum(entry.bytes for entry in segments) / stored, 1),
            "segments": len(segments),
        }


def rows_of(found: list[dict[str, object]]) -> list[list[str]]:
    def row(title: str, *keys: str, form: str = "{}") -> list[str]:
        cells = []
        for each in found:
            value: object = each
            for key in keys:
                assert isinstance(value, dict)
                value = value[key]
            cells.append(form.format(value))
        return [title, *cells]

    rows = [
        row("spans/s, ack after commit", "full", "spans_per_s", form="{:,}"),
        row("of the bare parse rate", "of_parse_rate", form="{:.1%}"),
    ]
    for name in ("full", "half"):
        for key in ("p50", "p99", "max"):
            rows.append(row(f"ack {key} at {name} rate", name, f"ack_{key}_ms", form="{} ms"))
    return [
        *rows,
        row("peak memory (VmHWM)", "peak_mib", form="{} MiB"),
        row("on disk", "bytes_per_span", form="{} B/span"),
        row("segments", "segments"),
    ]


def judged(found: list[dict[str, object]]) -> list[Judged]:
    """Everything that is asked of a core of an idle machine."""
    flat = {str(each["protocol"]): each for each in found}
    lines = []
    for name, each in flat.items():
        full, half = cast("dict[str, float]", each["full"]), cast("dict[str, float]", each["half"])
        least = SPANS_PER_S
        if name == "grpc":  # of what HTTP came to here, where it was measured too
            http = flat.get("http")
            seen = cast("dict[str, float]", http["full"])["spans_per_s"] if http else SPANS_PER_S
            least = GRPC_SHARE * seen
        lines += [
            Judged(f"{name}: spans/s", full["spans_per_s"], least, at_least=True),
            Judged(f"{name}: ms, ack p99 at half rate", half["ack_p99_ms"], 100.0),
            Judged(f"{name}: ms, ack max at half rate", half["ack_max_ms"], 1000.0),
            Judged(f"{name}: MB, peak memory", cast(float, each["peak_mib"]) * 2**20 / 1e6, 512.0),
            Judged(f"{name}: B/span on disk", cast(float, each["bytes_per_span"]), 60.0),
        ]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each of the two passes")
    parser.add_argument("--protocol", action="append", choices=["http", "grpc"])
    asked = parser.parse_args()
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("this benchmark pins processes to two cores; run it on Linux with two")
    before = machine()
    payload = Payload()
    parse = parse_rate(payload)
    found = [measure(name, asked.seconds, parse) for name in asked.protocol or ("http", "grpc")]
    names = [str(each["protocol"]) for each in found]
    table((f"collector, {asked.seconds:.0f} s", *names), rows_of(found))
    verdicts = judged(found)
    print("\n".join(str(each) for each in verdicts))
    print(f"bare protobuf parse {parse:,.0f} spans/s; {payload.size / SPANS:.0f} B/span sent")
    json_line(
        "collector_ingest",
        before,
        parse_spans_per_s=round(parse),
        bytes_per_span_sent=round(payload.size / SPANS),
        runs=json.loads(json.dumps(found)),
        short=[each.what for each in verdicts if not each.holds],
    )
    return 0 if all(each.holds for each in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
