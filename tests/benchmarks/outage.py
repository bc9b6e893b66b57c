"""Spans told while the collector is away: by our telemetry process, and by the stock processor.

The collector is killed and restarted at its port (or frozen with ``--freeze``) under both at once;
each tells 2,000 spans a second. Both are counted by what the collector's store has at the end, not
by what they say of themselves; our ledger is printed beside it. The loop that feeds our records is
paced as calls are, so how late it ran tells whether an outage costs the pacing process anything.
Leaves with 1 when a span of ours is missing, double or unexplained.
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from otel_voiceload.store.open import open_store
from tests.benchmarks.running import ROOT, environment, json_line, machine, ms, percent, table
from tests.collector.processes import Served
from tests.faults.telling import Telling, expected, own_port, stored

RIVAL = "stock-sdk"
FLUSH_S = 120.0  # a crowded machine needs more than the 15 s of a run; the rest would wait on disk
_RIVALS = """
select count(distinct (trace_id, span_id)) as spans from otel_spans where service_name = $service
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the outage")
    parser.add_argument("--around", type=float, default=15.0, help="seconds before and after it")
    parser.add_argument("--rate", type=int, default=2000, help="spans per second of each")
    parser.add_argument("--freeze", action="store_true", help="SIGSTOP instead of SIGKILL")
    parser.add_argument("--stock", metavar="URL", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stock:
        return tell_stock(asked.stock, asked.rate)
    before = machine()
    with tempfile.TemporaryDirectory() as folder:
        return play(Path(folder), asked, before)


def play(store: Path, asked: argparse.Namespace, before: dict[str, object]) -> int:
    served = Served(store, "--grpc", "127.0.0.1:0", "--http", f"127.0.0.1:{own_port()}")
    rival = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.benchmarks.outage"),
            *("--stock", served.http, "--rate", str(asked.rate)),
        ],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        with Telling(served.http, store, spans_per_s=asked.rate, flush_s=FLUSH_S) as told:
            time.sleep(asked.around)
            begun_s = told.late_s[-1][0]
            with away(served, asked.seconds, freeze=asked.freeze) as back:
                ended_s = told.late_s[-1][0]
                time.sleep(asked.around)
                totals = told.end()
                said, _ = rival.communicate("\n")  # its shutdown flushes what it still has
                taken = back.control("GET", "/control/stats")["signals"]["traces"]
                assert back.stop()[0] == 0
    finally:
        for process in (rival, served.process):
            if process.poll() is None:
                process.kill()
                process.wait()
    ours = stored(store)
    missing = (expected(told.calls) - ours.spans).total()
    rivals_ended = int(json.loads(said)["ended"])
    with open_store(store) as reading:
        (row,) = reading.sql(_RIVALS, service=RIVAL).dicts()
    rivals_stored = int(str(row["spans"]))
    lost = rivals_ended - rivals_stored
    away_late = [late for due, late in told.late_s if begun_s <= due <= ended_s]
    other_late = [late for due, late in told.late_s if not begun_s <= due <= ended_s]
    table(
        (f"{asked.seconds:g} s without collector", "ours", "stock batch processor"),
        [
            ("spans ended", totals.ended, rivals_ended),
            ("stored", ours.spans.total(), rivals_stored),
            ("received after the outage, both", taken["received"], "-"),
            ("missing", missing, f"{lost} ({percent(lost / max(1, rivals_ended))})"),
            ("waiting in the spool", totals.spooled, "-"),
            ("double", ours.doubles, "-"),
            ("named losses", json.dumps(totals.lost), "none: log lines"),
            ("unexplained", totals.unexplained, lost),
            ("away, as it noticed", f"{totals.away_s:.1f} s", "-"),
            ("spool at its peak", f"{totals.spool_peak_bytes / 2**20:.1f} MiB", "-"),
            ("feeding late p99, else / away", f"{p99(other_late)} / {p99(away_late)}", "-"),
        ],
    )
    for note in ours.notes:
        print(note)
    json_line(
        "outage",
        before,
        seconds=asked.seconds,
        spans_per_s=asked.rate,
        ended=totals.ended,
        stored=ours.spans.total(),
        missing=missing,
        doubles=ours.doubles,
        lost=totals.lost,
        spooled=totals.spooled,
        unexplained=totals.unexplained,
        spool_peak_bytes=totals.spool_peak_bytes,
        stock_ended=rivals_ended,
        stock_lost=lost,
    )
    return 1 if missing or ours.doubles or totals.unexplained or totals.spooled else 0


@contextmanager
def away(served: Served, seconds: float, *, freeze: bool) -> Iterator[Served]:
    """The block begins when the collector is back; the one given is the one that is."""
    if freeze:
        served.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        served.process.send_signal(signal.SIGCONT)
        yield served
        return
    served.process.kill()
    served.process.wait()
    time.sleep(seconds)
    address = f"127.0.0.1:{urlsplit(served.http).port}"
    words = ("--grpc", "127.0.0.1:0", "--http", address, "--recording", served.folder.name)
    with Served(served.store, *words) as back:
        yield back


def tell_stock(url: str, rate: int) -> int:
    """Spans of the stock SDK with its defaults until stdin has a line; prints how many."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    told = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
    provider = TracerProvider(resource=Resource({"service.name": RIVAL}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces")))
    tracer = provider.get_tracer("outage")
    attributes = {f"attribute.{number}": number for number in range(8)}
    begun_s, ended = time.monotonic(), 0
    while not told.wait(0.01):
        due = int((time.monotonic() - begun_s) * rate)
        for _ in range(due - ended):
            tracer.start_span("turn", attributes=attributes).end()
        ended = max(ended, due)
    provider.shutdown()
    print(json.dumps({"ended": ended}))
    return 0


def p99(late_s: Sequence[float]) -> str:
    ordered = sorted(late_s)
    return ms(ordered[math.ceil(len(ordered) * 0.99) - 1]) if ordered else "-"


if __name__ == "__main__":
    sys.exit(main())
