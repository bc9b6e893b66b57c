from ovl_collector.farewell import farewell
from ovl_collector.ledger import Ledger


def test_a_collector_that_took_nothing_says_so():
    assert farewell("r", Ledger(lambda: 0).as_dict(), 0) == {
        "event": "ended",
        "recording": "r",
        "spans": 0,
        "metric_points": 0,
        "refused": {},
        "rejected": {},
    }


def test_what_was_stored_and_what_was_not_is_counted_without_its_own_points():
    ledger = Ledger(lambda: 0)
    ledger.answered("traces", received=5, stored=3, reasons={"bad_span_id": 2}, resend=False)
    ledger.answered("metrics", received=30, stored=30, reasons={}, resend=False)
    for signal in ("traces", "metrics"):
        ledger.refused(signal, "undecodable")
    said = farewell("r", ledger.as_dict(), 24)
    assert (said["spans"], said["metric_points"]) == (3, 6)
    assert (said["refused"], said["rejected"]) == ({"undecodable": 2}, {"bad_span_id": 2})
