from otel_voiceload.telemetry import context


def test_run_ids_sort_by_their_start() -> None:
    first = context.new_run_id(1_763_892_900_000_000_000, "ff")
    second = context.new_run_id(1_763_892_901_000_000_000, "00")
    assert first == "20251123T101500-ff"
    assert first < second
    assert context.new_run_id() != context.new_run_id()


def test_a_call_has_the_same_ids_however_often_they_are_made() -> None:
    one = context.call_identity("run", 3, "booking", sampled=True)
    assert one == context.call_identity("run", 3, "booking", sampled=True)
    assert one.call_id.startswith(one.trace_id)
    assert (len(one.trace_id), len(one.span_id)) == (32, 16)


def test_ids_differ_between_runs_calls_kinds_and_siblings() -> None:
    ids = {
        *(context.trace_id(run, index) for run in ("a", "a1", "b") for index in range(12)),
        context.run_trace_id("a"),
        *(context.span_id("t", kind, *at) for kind in ("llm", "tts") for at in ((1, 11), (11, 1))),
        context.span_id("t", "llm"),
    }
    assert len(ids) == 36 + 1 + 4 + 1


def test_the_trace_context_carries_the_call_span_and_the_sampled_flag() -> None:
    for sampled, flag in ((True, "01"), (False, "00")):
        call = context.call_identity("run", 0, "booking", sampled)
        assert context.traceparent(call) == f"00-{call.trace_id}-{call.span_id}-{flag}"
        assert context.headers(call)["baggage"] == "synthetic_request=true"


def test_a_ratio_keeps_its_share_of_calls_and_a_larger_one_keeps_them_too() -> None:
    traces = [context.trace_id("run", index) for index in range(2000)]
    tenth = {trace for trace in traces if context.in_ratio(trace, 0.1)}
    half = {trace for trace in traces if context.in_ratio(trace, 0.5)}
    assert 140 < len(tenth) < 260
    assert tenth < half
    assert all(context.in_ratio(trace, 1.0) for trace in traces)
    assert not any(context.in_ratio(trace, 0.0) for trace in traces)
