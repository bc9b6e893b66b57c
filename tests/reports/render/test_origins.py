"""Every number names the query it came from: held over the sections of each form of the report."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import cast

import pytest

from otel_voiceload.analysis.thresholds import parse
from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.render import html, markdown, terminal
from otel_voiceload.reports.render.origins import QUERIES, origin
from otel_voiceload.store import catalogue
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Arrays, Reading
from tests.reports.samples import PLANTED, demo_exhibits
from tests.reports.whole import whole_report

WITHOUT_NUMBERS = ("Next",)
NOT_ON_THE_PAGE = ("split",)  # --by is an option of `ovl analyze`
SECTION = re.compile(r"<section>(.*?)</section>", re.DOTALL)


@pytest.mark.parametrize("section", QUERIES)
def test_every_query_that_a_section_names_can_be_asked(section: str) -> None:
    assert set(QUERIES[section]) <= set(catalogue.catalogue())


@pytest.mark.parametrize("section", QUERIES)
def test_every_form_names_the_queries_of_every_section(section: str) -> None:
    text = " ".join(terminal.render(whole_report()).split())
    pages = markdown.render(whole_report()).replace("`", "")
    page = html.render(whole_report(), demo_exhibits())

    assert origin(section) in text
    assert origin(section) in pages
    assert origin(section) in page or section in NOT_ON_THE_PAGE


def test_no_part_of_the_markdown_is_without_its_queries() -> None:
    head, *parts = re.split(r"^## ", markdown.render(whole_report()), flags=re.MULTILINE)
    silent = [part.partition("\n")[0] for part in parts if "\n\nfrom `ovl query " not in part]

    assert "\n\nfrom `ovl query " in head
    assert silent == list(WITHOUT_NUMBERS)


def test_no_part_of_the_page_is_without_its_queries() -> None:
    sections = SECTION.findall(html.render(whole_report(), demo_exhibits()))
    charts = [part for part in sections if "<figure" in part]

    assert len(sections) > len(charts) >= 3
    assert [part[:60] for part in sections if "ovl query " not in unescape(part)] == []
    for part in charts:
        assert part.count("ovl query ") == part.count("<figure")


class Listening:
    """An open store that remembers what it was asked."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> object:
        return getattr(self._reading, name)

    def query(self, name: str, **parameters: object) -> list[dict[str, object]]:
        self.asked.add(name)
        return self._reading.query(name, **parameters)

    def arrays(self, name: str, **parameters: object) -> Arrays:
        self.asked.add(name)
        return self._reading.arrays(name, **parameters)


def test_the_sections_name_what_a_report_asks_and_nothing_else(store: Path) -> None:
    promised = (*parse("llm: p95<2s"), *parse("audio_gap: p95<100ms"))
    options = ReportOptions(thresholds=promised, by="voiceload.scenario.name")
    with open_store(store) as reading:
        listening = Listening(reading)
        build_report(cast(Reading, listening), PLANTED, options)

    named = {query for queries in QUERIES.values() for query in queries}
    assert listening.asked - named == set()
    assert named - listening.asked == {"hold_promises", "spike_turns"}, "asked of runs with a jump"
