"""OTLP's checklist in the collector's README, row by row, against the tests that it names."""

import re
from pathlib import Path

HERE = Path(__file__).parent
README = (HERE.parents[1] / "collector/README.md").read_text()
ROWS = {
    int(number): re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests)
    for number, tests in re.findall(r"^\| (\d+) \|.*\| (.*) \|$", README, flags=re.MULTILINE)
}


def test_all_nineteen_rows_name_a_test():
    assert list(ROWS) == list(range(1, 20))
    assert [number for number, tests in ROWS.items() if not tests] == []


def test_the_tests_that_are_named_are_there():
    missing = [
        f"{file}::{name}"
        for tests in ROWS.values()
        for file, name in tests
        if f"\ndef {name}(" not in (HERE / file).read_text()
    ]
    assert missing == []
