from ovl_collector.run_counts import RunCounts

from .requests import T0, traces
from .stores import commit_batch, new_segments


def send(segments, number, run, count, first):
    resource = {"service.name": "x"} | ({"voiceload.run.id": run} if run else {})
    body = traces(count, first=first, resource=resource).SerializeToString()
    commit_batch(segments, "traces", body, number, T0)


def test_stored_rows_are_counted_by_run_over_segments_and_others_not_at_all(tmp_path):
    segments = new_segments(tmp_path)
    send(segments, 1, "run-1", 3, 1)
    send(segments, 2, "run-1", 2, 10)  # its resource is in the file already
    send(segments, 3, None, 5, 20)
    segments.rotate().result()
    send(segments, 4, "run-2", 1, 30)
    send(segments, 5, "run-1", 4, 40)
    assert segments.runs.as_dict() == {
        "run-1": {"spans": 9, "metric_points": 0},
        "run-2": {"spans": 1, "metric_points": 0},
    }
    segments.end()


def test_made_up_runs_cost_no_memory_without_end(monkeypatch):
    monkeypatch.setattr("ovl_collector.run_counts._MOST_RUNS", 2)
    counts = RunCounts()
    for run in ("a", "b", "a", "c"):
        counts._add(run, "spans", 1)
    assert list(counts.as_dict()) == ["b", "c"]
