from ovl_collector.ledger import Ledger


def test_received_is_stored_and_resent_and_rejected():
    ledger = Ledger(lambda: 7)
    ledger.answered("traces", received=10, stored=8, reasons={"bad_span_id": 2}, resend=False)
    ledger.answered("traces", received=10, stored=0, reasons={"bad_span_id": 2}, resend=True)
    counts = ledger.as_dict()["signals"]["traces"]
    assert counts["requests"] == 2
    assert counts["received"] == counts["stored"] + counts["resent"] + counts["rejected"] == 20
    assert counts["reject_reasons"] == {"bad_span_id": 4}


def test_refusals_wait_for_the_next_commit_and_come_back_when_it_fails():
    ledger = Ledger(lambda: 7)
    ledger.refused("traces", "queue_full")
    ledger.refused("traces", "queue_full")
    ledger.refused("metrics", "disk", 5)
    assert ledger.has_losses
    rows = ledger.take_losses()
    assert rows == [(7, "traces", "queue_full", 2, None), (7, "metrics", "disk", 1, 5)]
    assert not ledger.has_losses
    ledger.return_losses(rows)
    ledger.refused("metrics", "disk", 1)
    assert ledger.take_losses()[1] == (7, "metrics", "disk", 2, 6)


def test_commit_times_are_summed_up():
    ledger = Ledger(lambda: 7)
    assert ledger.as_dict()["commit_p50_s"] is None
    for seconds in (0.1, 0.2, 0.9):
        ledger.committed(seconds)
    found = ledger.as_dict()
    assert (found["commits"], found["commit_p50_s"], found["commit_max_s"]) == (3, 0.2, 0.9)
