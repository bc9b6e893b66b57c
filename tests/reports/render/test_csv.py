from __future__ import annotations

import csv as stdlib_csv

from otel_voiceload.reports.render import csv
from tests.reports.samples import GOLDEN, demo_report


def test_the_demo_reads_as_agreed() -> None:
    assert csv.render(demo_report()) == (GOLDEN / "demo.csv").read_text("utf-8")


def test_every_row_has_every_column_and_unknown_is_empty() -> None:
    report = demo_report()
    report["levels"][0]["p99_s"] = None
    rows = list(stdlib_csv.DictReader(csv.render(report).splitlines()))

    assert {len(row) for row in rows} == {len(csv.COLUMNS)}
    assert rows[0]["p99_s"] == ""
