from __future__ import annotations

import pytest

from otel_voiceload.load.clock import Discipline, Steps, Timex, discipline


def kernel(status: int, offset: int, answer: int = 0) -> object:
    def ask(found: Timex) -> int:
        assert found.modes == 0, "nothing is to be set"
        found.status, found.offset, found.maxerror = status, offset, 12_500
        return answer

    return ask


@pytest.mark.parametrize(
    ("status", "offset", "expected"),
    [
        (0x0001, 1500, Discipline(True, 0.0015, 0.0125)),
        (0x2001, 1500, Discipline(True, 1.5e-6, 0.0125)),
        (0x0040, 0, Discipline(False, 0.0, 0.0125)),
    ],
)
def test_the_kernels_word_is_read_in_its_own_unit(
    status: int, offset: int, expected: Discipline
) -> None:
    found = discipline(kernel(status, offset))  # type: ignore[arg-type]

    assert found is not None
    assert found.synchronised is expected.synchronised
    assert found.offset_s == pytest.approx(expected.offset_s)
    assert found.max_error_s == pytest.approx(expected.max_error_s)


def test_a_kernel_that_does_not_answer_says_nothing() -> None:
    assert discipline(kernel(0, 0, answer=-1)) is None  # type: ignore[arg-type]


def test_this_kernel_answers_or_is_silent_and_never_fails() -> None:
    found = discipline()

    assert found is None or found.max_error_s >= 0


def test_a_clock_that_is_set_is_told_from_one_that_goes_on() -> None:
    now = {"wall": 5_000_000_000, "mono": 1_000_000_000}
    steps = Steps(lambda: now["wall"], lambda: now["mono"])

    now["wall"] += 7_000_000_000
    now["mono"] += 7_000_000_000
    assert (steps.moved_s(), steps.watched_s()) == (0.0, 7.0)

    now["wall"] -= 2_000_000_000
    assert steps.moved_s() == pytest.approx(-2.0)
