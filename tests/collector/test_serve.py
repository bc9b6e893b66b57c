"""The collector's process: real exporters, orderly ends, and ends that are not."""

import json
import resource
import signal
import subprocess
import sys
import threading
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
        code, errors = served.stop()
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
        assert served.stop() == (0, "")
    (path,) = files(served.folder)
    rows = query(path, "select name, kind, value, point from metric_points order by name")
    assert [row[:3] for row in rows] == [
        ("counter", "sum", 3.0),
        ("counter", "sum", 3.0),
        ("histogram", "histogram", None),
        ("histogram", "histogram", None),
    ]
    assert json.loads(rows[2][3])["sum"] == 0.25


def test_the_ready_line_and_the_control_file_say_where_it_is(tmp_path):
    with Served(tmp_path / "store") as served:
        control = json.loads((served.folder / "control.json").read_bytes())
        assert served.ready == {
            "event": "ready",
            **control,
            "recording": served.folder.name,
            "notes": [],
        }
        assert control["pid"] == served.process.pid
        served.control("POST", "/control/stop")
        assert served.process.wait(WAIT_S) == 0
        assert not (served.folder / "control.json").exists()
    assert read_manifest(served.folder).ended


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


class Load:
    """Clients that send batches of unique spans until their connection breaks."""

    def __init__(self, served, clients=4, size=40, seed=0):
        self.acked = set()
        self.size = size
        self._served = served
        self._progress = threading.Condition()
        self._threads = [
            threading.Thread(target=self._run, args=(seed * 1000 + number,))
            for number in range(1, clients + 1)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, client):
        first = client * 10_000_000
        try:
            with self._served.connect() as connection:
                while True:
                    first += self.size
                    body = traces(self.size, first=first).SerializeToString()
                    connection.sendall(post(body))
                    if read_answer(connection)[0] == 200:
                        with self._progress:
                            self.acked.add(first)
                            self._progress.notify()
        except OSError:
            return

    def wait_for(self, batches):
        with self._progress:
            assert self._progress.wait_for(lambda: len(self.acked) >= batches, WAIT_S)

    def join(self):
        for thread in self._threads:
            thread.join(WAIT_S)
        return self.acked


def stored(folder):
    return [row[0] for path in files(folder) for row in query(path, "select span_id from spans")]


def assert_exactly_once(folder, acked, size):
    found = stored(folder)
    wanted = {span_id(first + n) for first in acked for n in range(size)}
    assert wanted <= set(found), f"{len(wanted - set(found))} acknowledged spans are gone"
    assert len(found) == len(set(found))
    assert len(found) % size == 0, "a batch is there in part"


@pytest.mark.parametrize("batches", [1, 15, 40])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path, batches):
    """Tiny segments, so that kills land in commits, rotations, checkpoints and manifests."""
    with Served(tmp_path / "store", *FREE, "--segment-items", "300") as served:
        load = Load(served)
        load.wait_for(batches)
        served.process.send_signal(signal.SIGKILL)
        acked = load.join()
        served.process.wait(WAIT_S)
    assert_exactly_once(served.folder, acked, load.size)  # as a reader finds it
    again = Served(tmp_path / "store", *FREE, "--recording", served.folder.name)
    with again, again.connect() as connection:
        first = max(acked)
        connection.sendall(post(traces(load.size, first=first).SerializeToString()))
        assert read_answer(connection)[0] == 200  # a resend after a lost answer
        assert again.stop()[0] == 0
    manifest = read_manifest(served.folder)
    assert (manifest.ended, manifest.damaged, manifest.shortened) == (True, (), ())
    assert_exactly_once(served.folder, acked, load.size)


def test_sigterm_under_load_commits_exactly_what_it_acknowledges(tmp_path):
    with Served(tmp_path / "store", *FREE, "--segment-items", "300") as served:
        load = Load(served)
        load.wait_for(30)
        code, errors = served.stop()
        acked = load.join()
    assert (code, errors) == (0, "")
    assert {span_id(first + n) for first in acked for n in range(load.size)} == set(
        stored(served.folder)
    )
    assert read_manifest(served.folder).ended


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
        while (served.folder / "segment-0001.duckdb").exists():  # swept every five seconds
            time.sleep(0.05)
        assert "segment-0001.duckdb" not in [path.name for path in files(served.folder)]
        assert served.stop() == (0, "")
