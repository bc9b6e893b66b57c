from __future__ import annotations

import pytest

from otel_voiceload.reports.render import html_tables, terminal
from otel_voiceload.reports.render.grid import build
from otel_voiceload.reports.render.origins import QUERIES, origin
from otel_voiceload.store import catalogue
from tests.reports.samples import demo_report


@pytest.mark.parametrize("section", QUERIES)
def test_every_query_that_a_section_names_can_be_asked(section: str) -> None:
    assert set(QUERIES[section]) <= set(catalogue.catalogue())


@pytest.mark.parametrize("section", ["verdict", "carries", "levels", "thresholds", "calls"])
def test_the_text_names_the_queries_of_its_sections(section: str) -> None:
    said = " ".join(terminal.render(demo_report()).split())
    assert origin(section) in said


def test_the_tables_of_the_page_name_their_queries() -> None:
    report = demo_report()
    assert origin("levels") in html_tables.level_table(build(report), report)
    assert origin("thresholds") in html_tables.threshold_table(report)
