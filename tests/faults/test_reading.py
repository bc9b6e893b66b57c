"""Reading while others write: seals, questions to the live segment and offline readers at once."""

from __future__ import annotations

import json
from pathlib import Path

from otel_voiceload.store.open import open_store
from tests.collector.processes import FREE, Served, post, read_answer
from tests.faults.findings import assert_in_order, assert_kept, span_ids
from tests.faults.load import SIZE, Load
from tests.faults.rounds import IS_FULL

READINGS = 20 if IS_FULL else 3
ACK_WITHIN_S = 1.0  # of every request, whoever reads meanwhile; told by the clock in full rounds
COUNT = json.dumps({"sql": "select count(*) from spans"}).encode()


def ask_live(served: Served) -> int:
    """Spans in the segment that is being written, through the collector's own cursor."""
    token = f"authorization: Bearer {served.ready['token']}"
    with served.connect() as connection:
        connection.sendall(post(COUNT, token, path="/control/query"))
        status, _, body = read_answer(connection)
    assert status == 200, body
    ((spans,),) = json.loads(body)["rows"]
    return int(spans)


def test_readers_of_every_kind_find_what_was_acknowledged_and_disturb_nobody(
    tmp_path: Path,
) -> None:
    live = sealed = 0
    with Served(tmp_path, *FREE) as served:
        load = Load(served, clients=2)
        for _ in range(READINGS):
            load.wait_for(3)
            live += ask_live(served)
            before = set(load.acked)
            sealed += len(served.control("POST", "/control/seal")["sealed"])
            with open_store(tmp_path) as reading:
                rows = reading.sql("select span_id from otel_spans").rows
                notes = reading.notes
            assert span_ids(before) <= {str(span) for (span,) in rows}, "acknowledged, not shown"
            assert notes == ()
        acked = load.stop()
        assert served.stop() == (0, "")
    assert live >= READINGS * SIZE, "the live segment was hardly ever asked"
    assert sealed >= READINGS
    assert not IS_FULL or max(load.latencies_s) < ACK_WITHIN_S
    assert_kept(tmp_path, acked, load.sent)
    assert_in_order(served.folder)
