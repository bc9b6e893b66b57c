"""What pages of Markdown are put together from, those of reports, plans and comparisons alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from otel_voiceload.reports.render.origins import QUERIES


def section(title: str, body: str, numbers_of: str = "") -> tuple[str, ...]:
    """A heading, its body and where its numbers come from; nothing when there is no body."""
    if not body:
        return ()
    return (f"## {title}", body, *([origin(numbers_of)] if numbers_of else []))


def origin(numbers_of: str) -> str:
    """The queries of a section, as a line of its own."""
    return f"from `ovl query {', '.join(QUERIES[numbers_of])}`"


def bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {escape(line)}" for line in lines)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines)


def escape(text: str) -> str:
    """User text must not become markup: a tag with a pipe would break the table it stands in."""
    for sign in "\\`*_[]|":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")
