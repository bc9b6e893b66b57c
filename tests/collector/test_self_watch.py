import asyncio

import pytest

from ovl_collector.self_watch import SelfWatch

from .asgi import Collector
from .requests import T0, traces
from .stores import query


@pytest.fixture
def collector(tmp_path):
    made = Collector(tmp_path)
    yield made
    made.close()


def watch(collector):
    return SelfWatch(collector.receiver, collector.control.stats, unix_ns=lambda: T0)


def test_a_collector_at_rest_says_nothing(collector):
    watcher = watch(collector)
    assert asyncio.run(watcher.speak()) is False
    assert collector.segments.live.is_empty
    collector.request(traces(3).SerializeToString())
    assert asyncio.run(watcher.speak()) is True
    assert asyncio.run(watcher.speak()) is False, "its own points are no traffic"


def test_counts_queue_latency_and_segments_are_in_the_store(collector):
    request = traces(3)
    request.resource_spans[0].scope_spans[0].spans[1].trace_id = b"short"
    collector.request(request.SerializeToString())
    collector.request(b"not protobuf")
    asyncio.run(watch(collector).speak())
    path = collector.segments.live.path
    collector.writer.seal().result()
    found = query(
        path,
        "select m.name, m.attributes ->> 'outcome', m.attributes ->> 'reason', m.value, m.kind "
        "from metric_points m join resources r using (resource_id) "
        "where r.service_name = 'ovl-collector' and r.run_id is null",
    )
    values = {row[:3]: row[3] for row in found}
    assert values["ovl.collector.items", "stored", None] == 2
    assert values["ovl.collector.items", "rejected", None] == 1
    assert values["ovl.collector.refused", None, "undecodable"] == 1
    assert values["ovl.collector.segments", None, None] == 1
    assert values["ovl.collector.queue.size", None, None] == 0
    assert values["ovl.collector.commit.duration", None, None] > 0
    assert {row[4] for row in found} == {"sum", "gauge"}


def test_refused_points_are_counted_and_no_error(collector, monkeypatch):
    collector.request(traces(3).SerializeToString())
    monkeypatch.setattr(collector.admission, "_room_bytes", 0)
    assert asyncio.run(watch(collector).speak()) is True
    counts = collector.control.stats()["signals"]["metrics"]
    assert counts["refused_requests"] == {"queue_full": 1}


def test_its_own_points_are_counted_apart(collector):
    collector.request(traces(3).SerializeToString())
    watcher = watch(collector)
    asyncio.run(watcher.speak())
    stored = collector.control.stats()["signals"]["metrics"]["stored"]
    assert watcher.points == stored > 5
