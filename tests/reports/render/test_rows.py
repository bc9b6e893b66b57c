from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal

from otel_voiceload.reports.render import rows

COLUMNS = ("name", "value", "at")
ROWS = [
    ("llm", 0.512345, datetime(2026, 11, 23, 10, 15)),  # noqa: DTZ001  # the store's are UTC
    ("a|b", None, None),
]


def test_json_is_an_array_of_row_objects() -> None:
    assert json.loads(rows.render("json", COLUMNS, ROWS)) == [
        {"name": "llm", "value": 0.512345, "at": "2026-11-23T10:15:00Z"},
        {"name": "a|b", "value": None, "at": None},
    ]


def test_json_has_a_form_for_blobs_and_decimals() -> None:
    text = rows.render("json", ("id", "n"), [(b"\x01\xff", Decimal("1.5"))])

    assert json.loads(text) == [{"id": "01ff", "n": 1.5}]


def test_csv_leaves_unknown_empty() -> None:
    assert rows.render("csv", COLUMNS, ROWS) == (
        "name,value,at\nllm,0.512345,2026-11-23T10:15:00Z\na|b,,\n"
    )


def test_markdown_keeps_its_columns_whatever_a_value_holds() -> None:
    text = rows.render("md", COLUMNS, ROWS)

    assert "| a\\|b | - | - |" in text


def test_text_lines_up_and_puts_numbers_to_the_right() -> None:
    text = rows.render("text", ("name", "turns"), [("llm", 7), ("network", 1234)])

    assert text.splitlines() == [
        "name     turns",
        "-------  -----",
        "llm          7",
        "network   1234",
        "(2 rows)",
    ]


def test_no_rows_is_a_table_too() -> None:
    assert rows.render("text", ("name",), []).splitlines()[-1] == "(0 rows)"
    assert rows.render("json", ("name",), []) == "[]"


def test_sentences_are_wrapped_beside_their_names() -> None:
    text = rows.in_words([("levels", "turns " * 20), ("p", "short")])

    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[0].startswith("levels  turns turns")
    assert text.splitlines()[1].startswith("        turns")
    assert text.splitlines()[-1] == "p       short"


def test_what_is_cut_says_so() -> None:
    assert (rows.cut("friday", 6), rows.cut("saturday", 6)) == (
        "friday",
        "satur\N{HORIZONTAL ELLIPSIS}",
    )
