from __future__ import annotations

import json
import re
import sys
from html import unescape

import pytest

from otel_voiceload.errors import MissingExtra
from otel_voiceload.reports.exhibits import Exhibits
from otel_voiceload.reports.render import html
from otel_voiceload.reports.render.figures import figures
from otel_voiceload.reports.report import Candidate
from tests.reports.samples import demo_exhibits, demo_report

HOSTILE = '</script><img src="https://example.com/x" onerror=alert(1)>'


@pytest.fixture(scope="module")
def page() -> str:
    return html.render(demo_report(), demo_exhibits())


@pytest.fixture(scope="module")
def static_page() -> str:
    return html.render(demo_report(), demo_exhibits(), static=True)


def test_the_page_says_the_verdict_first(page: str) -> None:
    body = page[page.index("<body>") :]

    assert body.index("llm bends first, at 46 calls") < body.index("planted llm at 48, found 46")
    assert body.index("planted llm at 48") < body.index("<figure")


def test_what_was_planted_is_green_only_when_it_was_found(page: str, static_page: str) -> None:
    assert '<p class="planted good">' in page
    assert '<p class="planted good">' in static_page

    report = demo_report()
    report["inflection"]["candidates"][0]["component"] = "stt"
    assert '<p class="planted bad">' in html.render(report, demo_exhibits())


def test_a_card_without_a_figure_says_why_once() -> None:
    report = demo_report()
    report["ceiling"]["degradation"] = {"calls": None, "ci": None, "limited_by": None}
    report["baseline"]["kind"] = "none"
    report["headroom"] = {"expected_peak": None, "calls": None, "ratio": None}
    page = html.render(report, demo_exhibits())
    cards = unescape(page[page.index('<div class="cards">') : page.index("<section>")])

    assert "no limit was reached" not in cards
    assert "no baseline: tag a run with `ovl runs baseline RUN`" in cards
    assert "<b>unknown</b><span>say what you expect with --expected-peak N" in cards


def test_the_page_asks_nothing_of_the_network(page: str, static_page: str) -> None:
    for text in (page, static_page):
        assert "default-src 'none'" in unescape(text)
        elements = re.sub(r"(<script[^>]*>).*?</script>", r"\1", text, flags=re.DOTALL)
        assert not re.findall(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=", elements)
        assert "@import" not in elements
        assert "url(" not in elements.replace("url(#", "")


def test_the_static_page_has_no_script_and_a_drawing_for_either_paper(static_page: str) -> None:
    shown = figures(demo_report(), demo_exhibits())

    assert "<script" not in static_page
    assert static_page.count("<svg") == 2 * len(shown)
    assert static_page.count('class="chart dark-only"') == len(shown)
    assert len(static_page) < 600_000


def test_the_page_with_the_library_stays_below_its_size(page: str) -> None:
    assert len(page) < 1_300_000


def test_the_charts_of_the_page_are_those_of_the_report(page: str) -> None:
    found = re.search(r'id="ovl-specs">(.*?)</script>', page, re.DOTALL)
    specs = json.loads(found[1]) if found else {}
    holders = re.findall(r'data-figure="([^"]+)"', page)

    assert holders == list(specs)
    assert specs["latency-llm"]["title"]["text"] == "llm"


def test_our_script_stands_in_a_scope_of_its_own_after_the_library(page: str) -> None:
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)

    assert len(scripts) == 2
    assert "vegaEmbed" in scripts[0]
    assert scripts[1].lstrip("/ \n").partition("(function")[2].rstrip().endswith("})();")


@pytest.mark.parametrize("static", [False, True])
def test_text_from_outside_is_only_text(static: bool) -> None:
    report, exhibits = demo_report(), demo_exhibits()
    report["run"].update(target=HOSTILE, tag=HOSTILE, validity_reasons=[HOSTILE])
    report["headline"] = report["next_step"] = HOSTILE
    exhibits.exemplar_turns[0]["error_type"] = HOSTILE
    exhibits.exemplar_turns[0]["call_id"] = HOSTILE
    page = html.render(report, exhibits, static=static)

    assert '<img src="https' not in page
    assert page.count("</script>") == page.count("<script")


def test_a_report_without_any_chart_data_is_still_a_page() -> None:
    report = demo_report()
    report["components"], report["levels"], report["thresholds"] = [], [], []
    report["inflection"].update(status="cannot_tell", candidates=[], climb=None)
    report["turn_inflection"].update(status="cannot_tell", candidates=[], climb=None)

    page = html.render(report, Exhibits([], [], []), static=True)

    assert "cannot tell" in page
    assert "None were judged." in page


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)

    with pytest.raises(MissingExtra, match=r"otel-voiceload\[report\]"):
        html.render(demo_report(), demo_exhibits())


@pytest.mark.parametrize(
    ("begins", "says"), [(33.0, "latency climbs from 33 on"), (46.1, "tested up to 96 calls")]
)
def test_where_latency_climbs_is_told_only_where_it_does_so_before_the_bend(
    begins: float, says: str
) -> None:
    report = demo_report()
    report["inflection"]["climb"] = {"from": begins, "to": 96.0}
    assert says in html.render(report, demo_exhibits())


def test_of_several_that_bent_together_none_is_said_to_be_the_first() -> None:
    report = demo_report()
    found = report["inflection"]
    (llm,) = found["candidates"]
    tts: Candidate = {**llm, "component": "tts"}
    found.update(status="ambiguous", candidates=[llm, tts])
    page = html.render(report, demo_exhibits())
    assert "llm and tts bend at" in page
    assert "one of those that bend at 46" in page
    assert "bends first, at" not in page.replace(report["headline"], "")
