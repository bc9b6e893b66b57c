import pytest

from ovl_collector import block, decode
from ovl_collector.decode import Decoder

from .requests import traces


def test_a_request_of_many_blocks_is_one_table_in_its_order(monkeypatch):
    request = traces(10, attributes={"session.id": "s", "n": 1})
    body = request.SerializeToString()
    whole = Decoder().decode("traces", body, 1, json=False)
    monkeypatch.setattr(block, "_BLOCK_ROWS", 3)
    parts = Decoder().decode("traces", body, 1, json=False)
    assert parts.rows.column("name").num_chunks == 4
    assert parts.rows.equals(whole.rows)
    assert parts.span_keys.tolist() == whole.span_keys.tolist()


def test_long_json_closes_a_block_early(monkeypatch):
    monkeypatch.setattr(block, "_BLOCK_CHARACTERS", 50)
    request = traces(4, attributes={"text": "x" * 30})
    found = Decoder().decode("traces", request.SerializeToString(), 1, json=False)
    assert found.rows.column("name").num_chunks == 2


def test_no_rows_are_an_empty_table():
    table, keys = block.SpanBlocks().finish()
    assert (table.num_rows, keys.size) == (0, 0)


def test_large_groups_and_small_ones_give_the_same_rows(monkeypatch):
    body = traces(10, attributes={"session.id": "s", "n": 1}).SerializeToString()
    parsed = Decoder().decode("traces", body, 1, json=False)
    monkeypatch.setattr(decode, "LARGE_GROUP_BYTES", 0)
    walked = Decoder().decode("traces", body, 1, json=False)
    assert walked.rows.equals(parsed.rows)
    assert (walked.resources, walked.scopes) == (parsed.resources, parsed.scopes)


@pytest.mark.parametrize("counter", ["trace", "span", "both"])
def test_ids_that_count_up_have_fingerprints_of_their_own(counter):
    """Random ids are only a recommendation, and some senders and simulations count."""
    trace_ids = b"".join((n if counter != "span" else 7).to_bytes(16) for n in range(5000))
    span_ids = b"".join((n if counter != "trace" else 7).to_bytes(8) for n in range(5000))
    found = block.fingerprints(trace_ids, span_ids)
    assert len(set(found.tolist())) == 5000
