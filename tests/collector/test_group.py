from types import SimpleNamespace

from ovl_collector.duplicates import SeenRequests, SeenSpans
from ovl_collector.group import build_group

from .requests import T0, gauge, traces
from .stores import pending


def build(items, losses=(), *, live=None, seen=None, spans=None, suspect_until=0):
    return build_group(
        items,
        losses,
        live=live or SimpleNamespace(resource_ids=set(), scope_ids=set()),
        seen_requests=seen or SeenRequests(),
        seen_spans=spans or SeenSpans(words_bits=16),
        suspect_until_unix_ns=suspect_until,
    )


def flags(group):
    return [
        (row["items_stored"], row["is_resend"], row["may_hold_duplicates"])
        for row in group.tables["batches"].to_pylist()
    ]


def test_requests_of_both_signals_go_into_one_transaction():
    group = build([pending(traces(3)), pending(gauge()), pending(traces(2, first=10))])
    sizes = {name: table.num_rows for name, table in group.tables.items()}
    assert sizes == {"resources": 1, "scopes": 2, "batches": 3, "spans": 5, "metric_points": 1}


def test_what_the_file_already_has_is_not_written_again():
    item = pending()
    live = SimpleNamespace(
        resource_ids=set(item.decoded.resources), scope_ids=set(item.decoded.scopes)
    )
    assert set(build([item], live=live).tables) == {"batches", "spans"}


def test_a_resend_is_noted_and_not_stored():
    seen = SeenRequests()
    seen.add(77, 1)
    group = build(
        [pending(request_hash=77), pending(request_hash=5), pending(request_hash=5)], seen=seen
    )
    assert [is_resend for _, is_resend in group.requests] == [True, False, True]
    assert flags(group) == [(0, True, False), (1, False, False), (0, True, False)]
    assert group.tables["spans"].num_rows == 1


def test_a_batch_with_spans_seen_before_is_marked_and_the_first_is_not():
    spans = SeenSpans(words_bits=16)
    group = build(
        [pending(traces(3)), pending(traces(2, first=3)), pending(traces(1, first=9))], spans=spans
    )
    assert [flag for _, _, flag in flags(group)] == [False, True, False]


def test_after_an_unclean_end_early_batches_are_marked():
    group = build([pending(at=T0), pending(traces(1, first=5), at=T0 + 2)], suspect_until=T0 + 1)
    assert [flag for _, _, flag in flags(group)] == [True, False]


def test_losses_alone_make_a_group():
    group = build([], [(1, "traces", "queue_full", 4, None)])
    assert list(group.tables) == ["losses"]
