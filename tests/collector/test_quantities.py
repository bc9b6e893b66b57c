import pytest

from ovl_collector.errors import UsageError
from ovl_collector.quantities import parse_age, parse_size


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10", 10), ("20GiB", 20 * 2**30), ("1.5 MB", 1_500_000), ("3kib", 3072), ("7B", 7)],
)
def test_sizes(text, expected):
    assert parse_size(text, "--max-size") == expected


@pytest.mark.parametrize(("text", "expected"), [("7d", 604_800), ("90m", 5400), ("1.5h", 5400)])
def test_ages(text, expected):
    assert parse_age(text, "--max-age") == expected


@pytest.mark.parametrize("text", ["", "GiB", "-1MB", "5 parsecs", "1e9"])
def test_what_is_no_quantity_is_named(text):
    with pytest.raises(UsageError, match="--max-size"):
        parse_size(text, "--max-size")
    with pytest.raises(UsageError, match="--max-age"):
        parse_age(text, "--max-age")
