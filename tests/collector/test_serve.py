"""The collector's process: real exporters, orderly ends, and ends that are not.

What a kill leaves, and an end under load, is in tests/faults/test_kills.py.
"""

import json
import resource
import signal
import subprocess
import sys
import time

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter as HttpMetricExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from ovl_collector.manifest import read_manifest
from ovl_collector.recordings import recover_dead
from ovl_collector.serve import main

from .processes import FREE, WAIT_S, Served, post, read_answer, start
from .requests import span_id, traces
from .stores import query

FIGURES = json.dumps(
    {
        "sql": "select m.name, coalesce(m.attributes ->> 'outcome', m.attributes ->> 'reason'), "
        "max(m.value) from metric_points m join resources r using (resource_id) "
        "where r.service_name = 'ovl-collector' "
        "and m.attributes ->> 'signal' is distinct from 'metrics' group by all"
    }
).encode()
COUNT = "select count(*), count(distinct span_id) from spans"


def files(folder):
    return [folder / entry.file for entry in read_manifest(folder).segments]


def exporter(served, kind):
    if kind == "grpc":
        return GrpcExporter(served.grpc, insecure=True)
    if kind == "grpc gzip":
        import grpc

        return GrpcExporter(served.grpc, insecure=True, compression=grpc.Compression.Gzip)
    compression = Compression.Gzip if kind == "http gzip" else Compression.NoCompression
    return HttpExporter(f"{served.http}/v1/traces", compression=compression)


def test_real_exporters_of_every_kind_are_stored_whole(tmp_path):
    with Served(tmp_path / "store") as served:
        for kind in ("grpc", "grpc gzip", "http", "http gzip"):
            provider = TracerProvider(resource=Resource({"service.name": kind}))
            provider.add_span_processor(BatchSpanProcessor(exporter(served, kind)))
            tracer = provider.get_tracer("tests", "1.0")
            with tracer.start_as_current_span("parent", kind=SpanKind.CLIENT) as parent:
                link = Link(parent.get_span_context(), {"l": [1, 2]})
                with tracer.start_as_current_span("child", links=[link]) as child:
                    child.set_attributes({"session.id": "s", "list": ["a", "b"], "n": 1.5})
                    child.add_event("happened", {"x": True})
                    child.set_status(Status(StatusCode.ERROR, "broken"))
            provider.shutdown()
        code, errors = served.stop(signal.SIGINT)
    assert (code, errors) == (0, "")
    (path,) = files(served.folder)
    rows = query(
        path,
        "select service_name, spans.name, kind, session_id, spans.attributes, "
        "events[0].name, links[0].attributes, status_code, status_message, "
        "parent_span_id is null, scopes.version "
        "from spans join resources using (resource_id) join scopes using (scope_id) "
        "order by service_name, spans.name",
    )
    assert len(rows) == 8
    for child, parent in zip(rows[::2], rows[1::2], strict=True):
        assert child[1:] == (
            "child",
            1,
            "s",
            '{"list":["a","b"],"n":1.5}',
            '"happened"',
            '{"l":[1,2]}',
            2,
            "broken",
            False,
            "1.0",
        )
        assert parent[1:4] == ("parent", 3, None)


@pytest.mark.usefixtures("hang_ups_heard")
def test_real_metric_exporters_are_stored(tmp_path):
    with Served(tmp_path / "store") as served:
        for metric_exporter in (
            OTLPMetricExporter(endpoint=served.grpc, insecure=True),
            HttpMetricExporter(f"{served.http}/v1/metrics"),
        ):
            provider = MeterProvider([PeriodicExportingMetricReader(metric_exporter, 60_000)])
            meter = provider.get_meter("tests")
            meter.create_counter("counter").add(3)
            meter.create_histogram("histogram").record(0.25)
            provider.shutdown()
        assert served.stop(signal.SIGHUP) == (0, "")  # its terminal was closed
    (path,) = files(served.folder)
    rows = query(path, "select name, kind, value, point from metric_points order by name")
    assert [row[:3] for row in rows] == [
        ("counter", "sum", 3.0),
        ("counter", "sum", 3.0),
        ("histogram", "histogram", None),
        ("histogram", "histogram", None),
    ]
    assert json.loads(rows[2][3])["sum"] == 0.25


def figures(served, connection):
    """What the collector has stored of itself by now, by metric and outcome or reason."""
    token = f"authorization: Bearer {served.ready['token']}"
    connection.sendall(post(FIGURES, token, path="/control/query"))
    status, _, body = read_answer(connection)
    assert status == 200, body
    return {(name, what): value for name, what, value in json.loads(body)["rows"]}


def test_what_it_says_of_itself_from_its_ready_line_to_its_last(tmp_path):
    """Where it is, whose spans it has, its own figures in the store, and what it stored."""
    with Served(tmp_path / "store", *FREE, "--self-watch-s", "0.05") as served:
        control = json.loads((served.folder / "control.json").read_bytes())
        assert served.ready == {
            "event": "ready",
            **control,
            "recording": served.folder.name,
            "notes": [],
        }
        assert control["pid"] == served.process.pid
        with served.connect() as connection:
            for run, first in (("run-a", 1), ("run-b", 10)):
                request = traces(3, first=first, resource={"voiceload.run.id": run})
                connection.sendall(post(request.SerializeToString()))
                assert read_answer(connection)[0] == 200
            connection.sendall(post(b"not protobuf"))
            assert read_answer(connection)[0] == 400
            begun, found = time.monotonic(), {}
            while found.get(("ovl.collector.refused", "undecodable")) != 1:
                assert time.monotonic() - begun < WAIT_S, found
                time.sleep(0.02)
                found = figures(served, connection)
        each = {"spans": 3, "metric_points": 0}
        assert served.control("GET", "/control/stats")["runs"] == {"run-a": each, "run-b": each}
        served.control("POST", "/control/stop")
        said, _ = served.process.communicate(timeout=WAIT_S)
        assert served.process.returncode == 0
        assert not (served.folder / "control.json").exists()
    assert read_manifest(served.folder).ended
    assert [found["ovl.collector.items", what] for what in ("received", "stored")] == [6, 6]
    assert [found["ovl.collector.items", what] for what in ("rejected", "resent")] == [0, 0]
    assert found["ovl.collector.commits", None] >= 1
    assert found["ovl.collector.commit.duration", None] > 0
    assert found["ovl.collector.segments", None] == 1
    assert found["ovl.collector.queue.size", None] >= 0  # the most there was at any time
    assert json.loads(said) == {
        "event": "ended",
        "recording": served.folder.name,
        "spans": 6,
        "metric_points": 0,  # its own are none of its senders'
        "refused": {"undecodable": 1},
        "rejected": {},
    }


def test_a_second_collector_on_the_same_recording_is_refused_at_once(tmp_path, capfd):
    store = tmp_path / "store"
    with Served(store) as served:
        assert main(["--store", str(store), *FREE, "--recording", served.folder.name]) == 2
        out, errors = capfd.readouterr()
        assert out == ""
        assert errors.count("\n") == 1
        assert f"in use by pid {served.process.pid} on " in errors
        with Served(store) as beside:
            assert beside.folder != served.folder


def test_it_ends_in_order_when_its_parent_is_gone(tmp_path):
    parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with Served(tmp_path / "store", *FREE, "--parent-pid", str(parent.pid)) as served:
        with served.connect() as connection:
            connection.sendall(post(traces(2).SerializeToString()))
            assert read_answer(connection)[0] == 200
        served.process.send_signal(signal.SIGINT)  # Ctrl-C is the parent's business
        assert served.control("GET", "/control/stats")["live"]["spans"] == 2
        parent.kill()
        parent.wait()
        assert served.process.wait(WAIT_S) == 0
    assert read_manifest(served.folder).ended
    assert query(files(served.folder)[0], COUNT) == [(2, 2)]


def stored(folder):
    return [row[0] for path in files(folder) for row in query(path, "select span_id from spans")]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits of others need Linux")
def test_a_full_disk_is_refused_as_retryable_and_survived(tmp_path):
    """A limit on the size of files stands for the full disk; lifting it is the space returning."""
    with Served(tmp_path / "store") as served, served.connect() as connection:

        def send(first):
            connection.sendall(post(traces(100, first=first).SerializeToString()))
            return read_answer(connection)

        def limit(size):
            resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, -1))

        assert send(1)[0] == 200
        limit(60_000)
        statuses = [send(100 * number + 1) for number in range(1, 13)]
        assert {status for status, _, _ in statuses} == {200, 503}, "the fault fired"
        refused = next(headers for status, headers, _ in statuses if status == 503)
        assert refused["retry-after"] == "1"
        assert served.control("GET", "/control/stats")["problem"]
        limit(-1)
        for number in range(1, 13):  # a client would resend the refused ones; these are all
            assert send(100 * number + 1)[0] == 200
        code, errors = served.stop()
    assert code == 0
    assert [line.split(":")[1].split(",")[0] for line in errors.splitlines()] == [
        " can not store",
        " storing again",
    ]
    assert sorted(stored(served.folder)) == [span_id(number) for number in range(1, 1301)]
    losses = [row for path in files(served.folder) for row in query(path, "from losses")]
    assert {row[2] for row in losses} == {"disk"}


def test_dead_recordings_are_repaired_on_request(tmp_path):
    with Served(tmp_path / "store") as served:
        with served.connect() as connection:
            connection.sendall(post(traces(3).SerializeToString()))
            assert read_answer(connection)[0] == 200
        served.process.kill()
        served.process.wait(WAIT_S)
    repair = start(tmp_path / "store", "--recover")
    out, errors = repair.communicate(timeout=WAIT_S)
    assert (repair.returncode, errors) == (0, "")
    assert json.loads(out) == {"event": "recovered", "recordings": [served.folder.name]}
    assert [entry.state for entry in read_manifest(served.folder).segments] == ["sealed"]
    assert recover_dead(tmp_path / "store") == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--http", "nowhere"), "--http 'nowhere' is no address"),
        (("--recording", "nope"), "there is no recording nope"),
        (("--recover",), "is not a store"),
    ],
)
def test_what_can_not_be_started_is_one_line_and_exit_code_2(tmp_path, capfd, options, message):
    assert main(["--store", str(tmp_path / "store"), *FREE, *options]) == 2
    out, errors = capfd.readouterr()
    assert out == ""
    assert errors.startswith("ovl-collector: ")
    assert message in errors
    assert errors.count("\n") == 1
    assert not list(tmp_path.glob("*/recordings/*"))


def test_what_was_stored_is_forwarded_to_another_collector(tmp_path):
    with (
        Served(tmp_path / "far") as far,
        Served(tmp_path / "near", *FREE, "--forward", far.http) as near,
    ):
        provider = TracerProvider(resource=Resource({"service.name": "forwarded"}))
        provider.add_span_processor(BatchSpanProcessor(exporter(near, "grpc gzip")))
        provider.get_tracer("tests").start_span("once").end()
        provider.shutdown()
        with near.connect() as connection:
            connection.sendall(post(b"no OTLP"))
            assert read_answer(connection)[0] == 400
        assert near.stop()[0] == 0
        assert far.stop()[0] == 0
    for served in (near, far):
        assert query(files(served.folder)[0], "select name from spans") == [("once",)]


def test_a_live_store_stays_within_its_size_and_answers_questions(tmp_path):
    with Served(tmp_path / "store", *FREE, "--max-age", "1s") as served:
        with served.connect() as connection:
            connection.sendall(post(traces(5).SerializeToString()))
            assert read_answer(connection)[0] == 200
            question = json.dumps({"sql": COUNT}).encode()
            token = f"authorization: Bearer {served.ready['token']}"
            connection.sendall(post(question, token, path="/control/query"))
            status, _, body = read_answer(connection)
        assert (status, json.loads(body)["rows"]) == (200, [[5, 5]])
        assert served.control("POST", "/control/seal")["sealed"] == ["segment-0001.duckdb"]
        while (served.folder / "segment-0001.duckdb").exists():  # swept every second
            time.sleep(0.05)
        assert "segment-0001.duckdb" not in [path.name for path in files(served.folder)]
        assert served.stop() == (0, "")
