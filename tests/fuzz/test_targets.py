"""The fuzz targets' promises on hypothesis' examples; ``make fuzz`` plays a million inputs."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.run import SHARES
from tests.fuzz.targets import TARGETS, seeds

CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 4), st.binary(max_size=5)), min_size=1, max_size=5
)


@pytest.mark.parametrize("target", list(TARGETS))
@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes(target: str, data: bytes) -> None:
    TARGETS[target](data)


@pytest.mark.parametrize("target", ["protobuf", "json"])
@settings(max_examples=150, deadline=None)
@given(seed=st.sampled_from(seeds()), changes=CHANGES)
def test_changed_requests(
    target: str, seed: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    for place, removed, fresh in changes:
        at = int(place * len(seed))
        seed = seed[:at] + fresh + seed[at + removed :]
    TARGETS[target](seed)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 100), st.integers(1, 400))
def test_gzip_that_unfolds_or_is_cut(data: bytes, cut: int, times: int) -> None:
    packed = gzip.compress(data * times)
    TARGETS["gzip"](packed[: len(packed) - cut] if cut < 50 else packed)


def test_a_full_run_plays_a_million_inputs_and_every_target() -> None:
    assert set(SHARES) == set(TARGETS)
    assert sum(round(1_000_000 * share) for share in SHARES.values()) == 1_000_000
