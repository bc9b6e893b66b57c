"""Complaints of the libraries below, in the words of somebody who never heard of them.

Every message passes here on its way to the terminal: files are checked by pydantic, options by the
parser, SQL by DuckDB, certificates by OpenSSL, and each of them has words for programmers.
"""

from __future__ import annotations

import re
from typing import Final

_TOLD: Final[tuple[tuple[re.Pattern[str], str], ...]] = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"Input should be a valid (?:number|float)(?:, unable to .*? as a number)?", "no number"),
        (r"Input should be a valid integer(?:, unable to .*? as an integer)?", "no whole number"),
        (r"Input should be a valid boolean(?:, unable to interpret input)?", "neither yes nor no"),
        (r"Input should be a valid string", "no text"),
        (r"Input should be a valid (?:list|tuple)", "no list"),
        (
            r"Input should be a valid (?:dictionary|mapping)(?: or (?:object|instance of \w+))?",
            "no `key: value` lines",
        ),
        (r"Input should be (?:a )?", "it should be "),
        (r"greater than or equal to (\S+)", r"\1 or more"),
        (r"less than or equal to (\S+)", r"\1 or less"),
        (r"greater than (\S+)", r"more than \1"),
        (r"Field required", "is missing"),
        (r"Extra inputs are not permitted", "nothing has that name"),
        (r"Value error, |Assertion failed, ", ""),
        (r"\b(?:[A-Z][a-z]+ ){0,2}(?:Error|Exception): (?=\S)", ""),
        (r"\[Errno -?\d+\] ", ""),
        (r"\[(?:SSL|X509)[^\]]*\] PEM lib", "no certificate or key is in it"),
        (r"\[(?:SSL|X509)[^\]]*\] ", ""),
        (r" \(_ssl\.c:\d+\)", ""),
        (r"'utf-8' codec can't \w+ .*?: (?:[a-z ]+)", "it is not UTF-8"),
    )
)


def plain(message: str) -> str:
    """``message`` on one line, without the names that libraries give to things."""
    text = " ".join(message.split())
    for pattern, words in _TOLD:
        text = pattern.sub(words, text)
    return text
