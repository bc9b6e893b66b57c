import asyncio

import pytest

from ovl_collector.errors import Unavailable

from .asgi import Collector
from .requests import traces


def test_large_bodies_are_decoded_off_the_event_loop_with_the_same_result(tmp_path):
    collector = Collector(tmp_path)
    request = traces(3, attributes={"long": "x" * 200_000})
    assert collector.request(request.SerializeToString())[0] == 200
    assert collector.segments.live.spans == 3
    assert collector.admission.used_bytes == 0
    collector.close()


def test_an_empty_request_makes_no_batch(tmp_path):
    collector = Collector(tmp_path)
    assert collector.request(b"")[0] == 200
    assert collector.segments.live.is_empty
    collector.close()


def test_a_request_of_rejected_spans_only_is_in_the_ledger(tmp_path):
    collector = Collector(tmp_path)
    request = traces(2)
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.trace_id = b"short"
    assert collector.request(request.SerializeToString())[0] == 200
    counts = collector.ledger.as_dict()["signals"]["traces"]
    assert (counts["received"], counts["stored"], counts["rejected"]) == (2, 0, 2)
    assert collector.segments.live.batches == 1
    collector.close()


def test_a_refusal_is_counted_once(tmp_path):
    collector = Collector(tmp_path)
    assert collector.request(b"\x08")[0] == 400
    counts = collector.ledger.as_dict()["signals"]["traces"]
    assert counts["refused_requests"] == {"undecodable": 1}
    collector.close()


def test_what_arrives_together_is_committed_together(tmp_path):
    collector = Collector(tmp_path)
    bodies = [traces(2, first=10 * number + 1).SerializeToString() for number in range(5)]

    async def all_at_once():
        with collector.admission.reserve(0) as room:
            await asyncio.gather(
                *(collector.receiver.export("traces", body, room, peer="p") for body in bodies)
            )

    asyncio.run(all_at_once())
    assert collector.segments.live.spans == 10
    assert collector.ledger.as_dict()["commits"] == 1
    collector.close()


def test_after_the_writer_has_closed_a_request_is_refused_as_retryable(tmp_path):
    collector = Collector(tmp_path)
    collector.writer.close()

    async def late():
        with collector.admission.reserve(0) as room:
            await collector.receiver.export("traces", traces().SerializeToString(), room, peer="p")

    with pytest.raises(Unavailable, match="shutting down"):
        asyncio.run(late())
    collector.close()
