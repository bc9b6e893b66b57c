from ovl_collector.manifest import read_manifest
from ovl_collector.rollup import roll_up, runs_of

from .requests import T0, key_values, traces
from .stores import new_segments, query
from .test_segments import commit

OWN = {"service.name": "ovl-caller", "voiceload.run.id": "run-1"}


def run_span(name="run.start", run="run-1", tag="", number=900):
    """The span that says a run began, or its end."""
    request = traces(1, first=number, resource={**OWN, "voiceload.run.id": run})
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.name = name
    if tag:
        span.attributes.extend(key_values({"voiceload.run.tag": tag}))
    return request


def turns(latencies, first=1, run="run-1"):
    request = traces(len(latencies), first=first, resource={**OWN, "voiceload.run.id": run})
    spans = request.resource_spans[0].scope_spans[0].spans
    for span, seconds in zip(spans, latencies, strict=True):
        span.name = "turn"
        span.attributes.extend(
            key_values(
                {"voiceload.turn.response_latency": seconds, "voiceload.concurrency.target": 10}
            )
        )
    return request


def of_target(seconds, number):
    """A component span that the target sent itself: no run id, the same trace."""
    request = traces(1, first=number, resource={"service.name": "agent"})
    request.resource_spans[0].scope_spans[0].spans[0].attributes.extend(
        key_values({"voiceload.component.name": "llm", "voiceload.component.latency": seconds})
    )
    return request


def sealed(folder, *requests, at=T0):
    segments = new_segments(folder)
    for index, request in enumerate(requests):
        commit(segments, request, at=at + index)
    segments.end()
    return folder / "segment-0001.duckdb", read_manifest(folder).segments[0]


def test_the_runs_of_a_segment_are_known(tmp_path):
    path, _ = sealed(
        tmp_path, run_span(), run_span("run", tag="kept", number=901), turns([1.0], run="run-2")
    )
    found = runs_of(path)
    assert found.runs == {"run-1", "run-2"}
    assert found.began == found.ended == found.tagged == {"run-1"}


def test_raw_spans_go_and_cells_ledger_and_run_stay(tmp_path):
    path, entry = sealed(
        tmp_path, run_span(), turns([0.5, 0.5, 2.0]), of_target(0.25, 50), run_span("run")
    )
    before = query(path, "select sum(items_stored) from batches")
    rolled = roll_up(path, entry, T0)
    assert (rolled.rolled_up, rolled.spans, rolled.bytes) == (True, 2, path.stat().st_size)
    assert query(path, "select name from spans order by all") == [("run",), ("run.start",)]
    assert query(path, "select sum(items_stored) from batches") == before
    assert query(path, "select reason, items from losses") == [("retention", 4)]
    assert query(
        path,
        "select run_id, component, concurrency_target, bin, spans, sum_s from rollup_cells "
        "order by component, bin",
    ) == [
        ("run-1", "llm", None, -16, 1, 0.25),
        ("run-1", "turn", 10, -8, 2, 1.0),
        ("run-1", "turn", 10, 8, 1, 2.0),
    ]
    assert not list(tmp_path.glob("*.tmp*"))


def test_stored_spans_are_the_ones_found_and_the_ones_named_as_removed(tmp_path):
    path, entry = sealed(tmp_path, run_span(), turns([0.1] * 7))
    roll_up(path, entry, T0)
    assert query(
        path,
        "select (select sum(items_stored) from batches) - (select count(*) from spans)"
        " - (select sum(items) from losses)",
    ) == [(0,)]
