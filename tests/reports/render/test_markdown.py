from __future__ import annotations

from otel_voiceload.reports.render import markdown
from tests.reports.samples import GOLDEN, demo_report


def test_the_demo_reads_as_agreed() -> None:
    assert markdown.render(demo_report()) == (GOLDEN / "demo.md").read_text("utf-8")


def test_text_from_outside_is_no_markup() -> None:
    report = demo_report()
    report["run"]["tag"] = "a|b <img src=x> `c`\n# d"
    text = markdown.render(report)

    assert "a\\|b &lt;img src=x&gt; \\`c\\` # d" in text
    assert "<img" not in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for block in markdown.render(demo_report()).split("\n\n"):
        rows = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]

        assert len({row.count("|") for row in rows}) <= 1, block
