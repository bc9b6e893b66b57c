from __future__ import annotations

from otel_voiceload.reports.render.grid import build
from otel_voiceload.reports.render.html_tables import (
    level_table,
    phase_table,
    resource_table,
    threshold_table,
)
from tests.reports.samples import demo_report


def test_a_table_has_a_cell_under_every_head() -> None:
    report = demo_report()
    for table in (threshold_table(report), resource_table(report)):
        heads, cells = table.count("<th>"), table.count("<td")
        assert cells % heads == 0
        assert cells >= heads


def test_a_cell_that_bends_is_marked_and_the_bend_has_a_row_of_its_own() -> None:
    report = demo_report()
    table = level_table(build(report), report)
    assert 'class="bent"' in table
    assert 'class="bend"' in table


def test_what_a_run_does_not_have_gets_no_table() -> None:
    report = demo_report()
    report["phases"], report["resources"]["levels"] = [], []
    assert phase_table(report) == resource_table(report) == ""
