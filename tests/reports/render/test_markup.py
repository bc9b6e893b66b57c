from __future__ import annotations

import json

import pytest

from otel_voiceload.reports.render import markup
from otel_voiceload.reports.render.markup import Html, json_script, raw, tag


def test_text_and_attributes_are_escaped_and_markup_is_not_twice() -> None:
    inner = tag("b", "<script>")

    assert tag("p", inner, " & ", class_='a"b') == (
        '<p class="a&quot;b"><b>&lt;script&gt;</b> &amp; </p>'
    )


def test_void_elements_have_no_end_and_none_leaves_an_attribute_out() -> None:
    assert tag("meta", charset="utf-8", id=None) == '<meta charset="utf-8">'


def test_names_with_an_underscore_become_names_with_a_dash() -> None:
    assert tag("div", data_figure="x", aria_label="y") == (
        '<div data-figure="x" aria-label="y"></div>'
    )


@pytest.mark.parametrize("hostile", ["</script><script>alert(1)", "<!--", "]]>", "\u2028&"])
def test_data_can_not_leave_its_script_element(hostile: str) -> None:
    element = json_script("data", {"value": hostile})
    content = element.removeprefix('<script type="application/json" id="data">')
    content = content.removesuffix("</script>")

    assert "<" not in content
    assert ">" not in content
    assert json.loads(content) == {"value": hostile}


def test_raw_content_that_would_end_its_element_is_refused() -> None:
    with pytest.raises(ValueError, match="end its own <style>"):
        raw("style", "a{} </STYLE>")


def test_joining_escapes_only_what_is_text() -> None:
    assert markup.join(["<", Html("<br>")]) == "&lt;<br>"
