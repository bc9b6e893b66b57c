import numpy as np

from ovl_collector.duplicates import SeenRequests, SeenSpans


def keys(seed: int, count: int = 512):
    return np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64)


def test_spans_seen_before_are_noticed_always():
    seen = SeenSpans(words_bits=16)
    for seed in range(20):
        seen.add(keys(seed))
    assert all(seen.add(keys(seed)[100:101]) for seed in range(20))


def test_new_spans_are_hardly_ever_taken_for_seen_ones():
    seen = SeenSpans()
    false_alarms = sum(seen.add(keys(seed)) for seed in range(400))
    assert false_alarms <= 2


def test_one_span_twice_in_a_batch_is_noticed():
    assert SeenSpans(words_bits=10).add(np.array([5, 6, 5], dtype=np.uint64))
    assert not SeenSpans(words_bits=10).add(np.array([], dtype=np.uint64))


def test_requests_are_remembered_up_to_a_limit():
    seen = SeenRequests()
    seen.load((number, number) for number in range(65_536))
    assert 0 in seen
    seen.add(70_000, 1)
    assert 0 not in seen
    assert 1 in seen
    assert 70_000 in seen
