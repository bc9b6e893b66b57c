from ovl_collector.columns import SPANS, from_rows
from ovl_collector.decoded import MAX_MESSAGE_CHARS, Decoded, Limits


def test_the_message_counts_each_reason_and_stays_short():
    reasons = {f"reason_{number:03}": 1 for number in range(500)}
    found = Decoded("traces", 1, from_rows(SPANS, []), 500, reasons)
    assert found.rejected == 500
    assert found.error_message.startswith("500 of 500 spans rejected (reason_000: 1, reason_001")
    assert len(found.error_message) == MAX_MESSAGE_CHARS


def test_problems_of_the_limits_are_named_all_at_once():
    assert Limits().problems() == []
    assert Limits(body_bytes=0, items=-1).problems() == [
        "limit body_bytes must be positive, not 0",
        "limit items must be positive, not -1",
    ]
