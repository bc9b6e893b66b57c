"""What people write into files becomes lengths of time and spreads, or a reason why not."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from otel_voiceload.capacity.fields import Seconds, Spread
from otel_voiceload.capacity.lognormal import Lognormal

SECONDS = TypeAdapter(Seconds)
SPREAD = TypeAdapter(Spread)


def test_what_is_written_becomes_a_value() -> None:
    assert [SECONDS.validate_python(each) for each in ("500ms", 3)] == [0.5, 3.0]
    assert SPREAD.validate_python({"median": "200ms", "p95": 1}) == Lognormal(0.2, 1.0)
    assert SPREAD.validate_python(Lognormal(1.0, 2.0)) == Lognormal(1.0, 2.0)


@pytest.mark.parametrize(
    ("field", "written", "said"),
    [
        (SECONDS, None, "None is not a length of time"),
        (SECONDS, "soon", "'soon' is not a length of time"),
        (SPREAD, 0.2, "{median: 200ms, p95: 350ms}"),
        (SPREAD, {"median": "2s", "p95": "1s"}, "at least the median"),
    ],
)
def test_what_is_none_is_told(field: TypeAdapter[object], written: object, said: str) -> None:
    with pytest.raises(ValidationError) as error:
        field.validate_python(written)

    assert said in str(error.value)
