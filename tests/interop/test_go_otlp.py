"""The Go SDK as a client: it shares no line of code with us or with Python's exporters."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from otel_voiceload.store.open import open_store
from tests.collector.processes import FREE, Served

SOURCE = Path(__file__).parent / "go_otlp"
TURNS = 100
BUILD_S = 600

SPANS = """
select
    service_name, name, kind, status_code, status_message, scope_name, scope_version,
    attributes, events, links, parent_span_id,
    (select any_value(p.span_id) from otel_spans p where p.span_id = s.parent_span_id) as parent
from otel_spans s order by service_name, start_time, name
"""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built program. Building needs Go and, once, its module proxy."""
    if os.environ.get("INTEROP") != "1":
        pytest.skip("builds a Go program; run by make interop")
    if shutil.which("go") is None:
        pytest.skip("there is no go on this machine")
    binary = tmp_path_factory.mktemp("go") / "go_otlp"
    done = subprocess.run(
        ["go", "build", "-mod=readonly", "-o", str(binary), "."],
        cwd=SOURCE,
        capture_output=True,
        text=True,
        timeout=BUILD_S,
    )
    assert done.returncode == 0, done.stderr
    return binary


def test_what_the_go_sdk_sends_over_http_and_grpc_is_stored_whole(
    client: Path, tmp_path: Path
) -> None:
    with Served(tmp_path, *FREE) as served:
        roads = (served.http.removeprefix("http://"), served.grpc)
        done = subprocess.run(
            [str(client), *roads, str(TURNS)], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert served.stop() == (0, "")
    with open_store(tmp_path) as reading:
        rows = reading.sql(SPANS).dicts()
        assert reading.notes == ()
    for service in ("go grpc", "go http", "go http gzip"):
        spans = [row for row in rows if row["service_name"] == service]
        assert len(spans) == 2 * TURNS
        assert {row["scope_name"] for row in spans} == {"go_otlp"}
        assert {row["scope_version"] for row in spans} == {"1.0"}
        for name, kind, status in (("turn", "SERVER", "UNSET"), ("llm", "CLIENT", "ERROR")):
            found = [row for row in spans if row["name"] == name]
            assert len(found) == TURNS
            assert {(row["kind"], row["status_code"]) for row in found} == {(kind, status)}
        for turn, row in enumerate(row for row in spans if row["name"] == "llm"):
            assert row["parent"] == row["parent_span_id"] != ""
            assert row["status_message"] == "cut off"
            assert json.loads(str(row["attributes"])) == {
                "session.id": service,
                "turn": turn,
                "seconds": 0.25,
                "first": turn == 0,
                "words": ["grüß", "dich"],
            }
            (event,) = json.loads(str(row["events"]))
            assert (event["name"], event["attributes"]) == ("first token", {"tokens": 1})
            (link,) = json.loads(str(row["links"]))
            assert link["attributes"] == {"link": turn}
            assert link["span_id"] == row["parent_span_id"]
