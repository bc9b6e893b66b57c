from ovl_collector.manifest import read_manifest
from ovl_collector.rollup import Other, roll_up, runs_of

from .requests import T0, key_values, trace_id, traces
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


def turns(latencies, first=1, run="run-1", call="c1", ended=True):
    """Turns of one call in one trace each, and the span that says the call ended."""
    count = len(latencies) + ended
    request = traces(count, first=first, resource={**OWN, "voiceload.run.id": run})
    scope = request.resource_spans[0].scope_spans[0]
    scope.scope.name = "otel_voiceload"
    for place, (span, seconds) in enumerate(zip(scope.spans, latencies, strict=False)):
        span.name = "turn"
        span.attributes.extend(
            key_values(
                {
                    "session.id": call,
                    "voiceload.turn.index": place,
                    "voiceload.turn.outcome": "answered",
                    "voiceload.turn.response_latency": seconds,
                }
            )
        )
    if ended:
        span = scope.spans[-1]
        span.name = "call"
        span.attributes.extend(
            key_values({"session.id": call, "voiceload.call.outcome": "completed"})
        )
    return request


def of_target(seconds, number):
    """A component span that the target sent itself: no run id, the same trace."""
    request = traces(1, first=number, resource={"service.name": "agent"})
    request.resource_spans[0].scope_spans[0].scope.name = "otel_voiceload"
    request.resource_spans[0].scope_spans[0].spans[0].attributes.extend(
        key_values(
            {
                "voiceload.component.name": "llm",
                "voiceload.component.latency": seconds,
                "voiceload.component.source": "target_trace",
            }
        )
    )
    return request


def foreign(count, first=800):
    """Spans of nobody's run, in a trace of their own."""
    request = traces(count, first=first)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.trace_id = trace_id(9)
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


def test_raw_turns_go_and_cells_ledger_run_and_call_stay(tmp_path):
    path, entry = sealed(tmp_path, run_span(), turns([0.5, 0.5, 2.0]), run_span("run"))
    before = query(path, "select sum(items_stored) from batches")
    rolled = roll_up(path, entry, T0)
    assert (rolled.rolled_up, rolled.spans, rolled.bytes) == (True, 3, path.stat().st_size)
    assert query(path, "select name from spans order by all") == [
        ("call",),
        ("run",),
        ("run.start",),
    ]
    assert query(path, "select sum(items_stored) from batches") == before
    assert query(path, "select reason, items from losses") == [("retention", 3)]
    assert query(
        path,
        "select run_id, component, first, bucket, turns, sum_s from rollup_cells order by all",
    ) == [
        ("run-1", "turn", False, -32, 1, 0.5),
        ("run-1", "turn", False, 32, 1, 2.0),
        ("run-1", "turn", True, -32, 1, 0.5),
    ]
    assert query(path, "select turns, spans_of_generator, spans_of_others from rollup_runs") == [
        (3, 3, 0)
    ]
    assert not list(tmp_path.glob("*.tmp*"))
    assert not (tmp_path / "spill-rollup").exists()


def test_the_last_turn_of_a_call_without_an_end_stays(tmp_path):
    """The call is taken to have ended with it, and the load with the call."""
    path, entry = sealed(tmp_path, run_span(), turns([0.5, 0.5, 2.0], ended=False))
    roll_up(path, entry, T0)
    assert query(path, "select turn_index from spans where name = 'turn'") == [(2,)]
    assert query(path, "select sum(turns) from rollup_cells") == [(2,)]


def test_spans_of_a_target_are_found_by_their_trace_and_foreign_ones_keep_nothing(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    caller, _ = sealed(here, turns([0.5] * 3))
    target, entry = sealed(there, of_target(0.2, 2), foreign(4, first=700))
    near = [Other(caller, frozenset({"run-1"}), True)]
    rolled = roll_up(target, entry, T0, near)
    assert rolled.rolled_up
    assert query(target, "select component from spans") == [("llm",)], (
        "its turn is in the other file, so it stays until that one goes"
    )
    nothing, entry = sealed(tmp_path, foreign(4))
    before = nothing.read_bytes()
    assert roll_up(nothing, entry, T0, near) is None
    assert nothing.read_bytes() == before


def test_a_turn_that_another_file_holds_too_stays_there(tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    (one, entry), (two, _) = (sealed(folder, turns([0.5] * 3)) for folder in folders)
    roll_up(one, entry, T0, [Other(two, frozenset({"run-1"}), True)])
    assert query(one, "select count(*) from rollup_cells") == [(0,)]


def test_a_file_that_was_rolled_up_before_a_kill_only_gets_its_line(tmp_path):
    path, entry = sealed(tmp_path, run_span(), turns([0.5] * 9))
    rolled = roll_up(path, entry, T0)
    content = path.read_bytes()
    assert roll_up(path, entry, T0) == rolled
    assert path.read_bytes() == content


def test_stored_spans_are_the_ones_found_and_the_ones_named_as_removed(tmp_path):
    path, entry = sealed(tmp_path, run_span(), turns([0.1] * 7))
    roll_up(path, entry, T0)
    assert query(
        path,
        "select (select sum(items_stored) from batches) - (select count(*) from spans)"
        " - (select sum(items) from losses)",
    ) == [(0,)]
