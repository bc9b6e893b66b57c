from ovl_collector.errors import CollectorError, RequestRefused, Unavailable, UsageError


def test_usage_errors_leave_with_2_and_others_with_1():
    assert UsageError("x").exit_code == 2
    assert CollectorError("x").exit_code == 1


def test_a_refusal_ends_one_request_and_not_the_collector():
    refused = Unavailable("full", reason="queue_full")
    assert isinstance(refused, RequestRefused)
    assert not isinstance(refused, CollectorError)
    assert (refused.reason, refused.counted) == ("queue_full", False)
