import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ovl_collector.admission import Admission, gunzip
from ovl_collector.errors import TooLarge, Unavailable, Undecodable


def test_room_is_given_and_taken_back():
    admission = Admission(100, lambda: False)
    with admission.reserve(60) as held:
        held.grow_to(90)
        with pytest.raises(Unavailable, match="queue is full"), admission.reserve(20):
            pass
        assert (admission.used_bytes, admission.requests) == (90, 1)
    assert (admission.used_bytes, admission.requests) == (0, 0)


def test_a_request_that_grows_beyond_the_room_is_refused_and_gives_back_what_it_held():
    admission = Admission(100, lambda: False)
    with pytest.raises(Unavailable), admission.reserve(60) as held:
        held.grow_to(101)
    assert admission.used_bytes == 0


def test_what_a_lone_request_unfolds_to_always_fits_and_with_others_it_must_wait():
    admission = Admission(100, lambda: False)
    with admission.reserve(60) as held:
        held.unfolded_to(150)
        assert admission.used_bytes == 150
    with (
        admission.reserve(20),
        admission.reserve(20) as held,
        pytest.raises(Unavailable, match="queue is full"),
    ):
        held.unfolded_to(90)
    assert admission.used_bytes == 0


def test_behind_a_hanging_commit_one_request_may_try_and_the_next_is_refused():
    admission = Admission(100, lambda: True)
    with (
        admission.reserve(1),
        pytest.raises(Unavailable, match="slow"),
        admission.reserve(1),
    ):
        pass


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=200), max_size=4))
def test_gzip_of_any_number_of_members_is_unpacked(parts):
    assert gunzip(b"".join(map(gzip.compress, parts)), 1000) == b"".join(parts)


def test_the_limit_is_exact():
    assert gunzip(gzip.compress(b"x" * 1000), 1000) == b"x" * 1000
    with pytest.raises(TooLarge):
        gunzip(gzip.compress(b"x" * 1001), 1000)


def test_a_bomb_costs_no_more_than_the_limit():
    bomb = gzip.compress(bytes(64 * 2**20))
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            gunzip(bomb, 2**20)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        b"not gzip",
        gzip.compress(b"x" * 100)[:-9],
        gzip.compress(b"x" * 100)[:5],
        gzip.compress(b"x") + b"garbage",
        zlib.compress(b"x"),
    ],
    ids=["text", "cut", "a header", "more behind", "zlib"],
)
def test_what_is_no_gzip_is_refused(body):
    with pytest.raises(Undecodable):
        gunzip(body, 1000)
