"""The tree of errors, as drawn and as coded."""

from __future__ import annotations

import re

import pytest

from otel_voiceload import errors
from otel_voiceload.errors import ExitCode, OvlError, WireError


def tree(error: type[OvlError]) -> list[type[OvlError]]:
    return [error, *(below for child in error.__subclasses__() for below in tree(child))]


def of_the_module() -> list[type[OvlError]]:
    return [error for error in tree(OvlError) if error.__module__ == errors.__name__]


def test_the_drawing_shows_every_error_and_its_exit_code() -> None:
    drawn = re.findall(r"^\W*(\w+) {2,}(\d+)", errors.__doc__ or "", re.MULTILINE)

    assert {(name, int(code)) for name, code in drawn} == {
        (error.__name__, int(error.exit_code)) for error in of_the_module()
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.UsageError, 2),
        (errors.ConfigError, 2),
        (errors.TargetRefused, 3),
        (errors.Interrupted, 130),
        (errors.CollectorError, 1),
    ],
)
def test_an_error_knows_its_exit_code(error: type[OvlError], code: int) -> None:
    assert error("what, to what, and what to do").exit_code == code


def test_a_wire_error_says_which_outcome_of_a_call_it_stands_for() -> None:
    error = WireError("8765 refuses: too many calls", outcome="refused", error_type="rate_limited")

    assert (error.outcome, error.error_type) == ("refused", "rate_limited")
    assert str(error) == "8765 refuses: too many calls"
    assert error.exit_code is ExitCode.TARGET
