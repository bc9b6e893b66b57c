"""What libraries say is put into plain words, and what people wrote stays as it is."""

from __future__ import annotations

import pytest

from otel_voiceload.cli.plain_words import plain


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Invalid value for '-c': Input should be greater than or equal to 1", "it should be 1 or"),
        ("--x: Input should be a valid number, unable to parse string as a number", "--x: no numb"),
        ("--x: Input should be a valid integer, unable to parse string as an integer", "no whole"),
        ("a.yaml: colour: Extra inputs are not permitted", "colour: nothing has that name"),
        ("a.yaml: phases: Field required", "phases: is missing"),
        ("a.yaml: Input should be a valid dictionary or instance of Scenario", "`key: value` lin"),
        ("a.yaml: name: Input should be a valid string", "name: no text"),
        ("The SQL failed: Invalid Input Error: boom", "The SQL failed: boom"),
        ("The SQL failed: Catalog Error: Table x", "The SQL failed: Table x"),
        ("'-f': Value error, 'xml' is not one of", "'-f': 'xml' is not one of"),
        ("c.pem: [SSL] PEM lib (_ssl.c:3905)", "c.pem: no certificate or key is in it"),
        ("[X509: NO_CERTIFICATE] no certificate found (_ssl.c:4154)", "no certificate found"),
        ("two\nlines  of\ttext", "two lines of text"),
    ],
)
def test_no_word_of_a_library_is_left(said: str, told: str) -> None:
    assert told in plain(said)


@pytest.mark.parametrize(
    "text",
    [
        "The store s has no run 'Error'; the latest are: r1.",
        "can not write /x: there is no folder; make it",
        "words: 'the Field' is no wire",
    ],
)
def test_our_own_words_stay(text: str) -> None:
    assert plain(text) == text
