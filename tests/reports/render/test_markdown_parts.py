from __future__ import annotations

from otel_voiceload.reports.render.markdown_parts import bullets, escape, section, table


def test_text_of_users_stays_in_its_cell_and_is_no_markup() -> None:
    assert escape("a|b <img>\n`c`") == "a\\|b &lt;img&gt; \\`c\\`"
    assert bullets(["*a*", "b"]) == "- \\*a\\*\n- b"


def test_a_table_has_its_rule_under_the_head() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n|---|---|\n| 1 | 2 |"


def test_a_section_names_its_queries_and_without_a_body_there_is_none() -> None:
    assert section("Split", "body", "split") == (
        "## Split",
        "body",
        "from `ovl query split_latency`",
    )
    assert section("Next", "body") == ("## Next", "body")
    assert section("Split", "", "split") == ()
