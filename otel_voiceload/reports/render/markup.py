"""HTML as values: text is escaped unless it is markup already, so nothing has to be remembered.

A run's tag, a target's name, an error type: all of it comes from outside and stands on the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

import orjson

VOID = frozenset({"meta", "br", "hr", "img", "link"})


class Html(str):
    """Text that is markup; only the functions below make it."""

    __slots__ = ()


def text(content: str) -> Html:
    return content if isinstance(content, Html) else Html(escape(content))


def join(parts: Iterable[str]) -> Html:
    return Html("".join(text(part) for part in parts))


def tag(name: str, /, *children: str, **attributes: str | None) -> Html:
    """An element; ``class_`` is class, ``data_figure`` is data-figure, None leaves it out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children)}</{name}>")


def raw(name: str, content: str, /, **attributes: str | None) -> Html:
    """``style`` and ``script``: their content is ours and is not HTML.

    Whoever passes content from outside goes through ``json_script``.
    """
    if f"</{name}" in content.lower():
        raise ValueError(f"the content would end its own <{name}>")
    return tag(name, Html(content), **attributes)


def json_script(identifier: str, value: object) -> Html:
    """Data for a script on the page; nothing in it can end the element or open a comment."""
    data = orjson.dumps(value).decode()
    for sign in "<>&\u2028\u2029":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    return raw("script", data, type="application/json", id=identifier)
