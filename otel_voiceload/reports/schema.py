"""The JSON schema of the report, read off the types of ``report``.

``docs/report.schema.json`` is this text, checked in so that others can hold their tools to it; a
test keeps it equal. Objects stay open: fields are added over time, none is renamed.
"""

from __future__ import annotations

import types
from typing import (
    Any,
    Final,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import orjson

from otel_voiceload.reports.report import Report

Schema = dict[str, Any]  # Any: JSON schema is free-form JSON
_PLAIN: Final[dict[object, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def schema() -> Schema:
    """The whole schema, with one definition per type."""
    definitions: dict[str, Schema] = {}
    root = _of(Report, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "otel-voiceload report",
        "description": (
            "What `ovl analyze -f json` prints. Ratios are 0..1, latencies seconds, times ISO 8601"
            " in UTC; null is unknown, never zero."
        ),
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """As it is checked in."""
    return orjson.dumps(schema(), option=orjson.OPT_INDENT_2).decode() + "\n"


def _of(kind: Any, definitions: dict[str, Schema]) -> Schema:
    """The schema of one type; the types it names go into ``definitions``."""
    if hasattr(kind, "__required_keys__"):  # a TypedDict, whichever module it comes from
        name = kind.__name__
        if name not in definitions:
            definitions[name] = {}  # stands in while its fields are read, should they name it again
            definitions[name] = _of_fields(kind, definitions)
        return {"$ref": f"#/$defs/{name}"}
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is NotRequired:
        return _of(arguments[0], definitions)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(each, definitions) for each in arguments]}
    if origin is list:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin is tuple:
        return {
            "type": "array",
            "prefixItems": [_of(each, definitions) for each in arguments],
            "minItems": len(arguments),
            "maxItems": len(arguments),
        }
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if kind is object:
        return {}
    return {"type": _PLAIN[kind]}


def _of_fields(kind: Any, definitions: dict[str, Schema]) -> Schema:
    hints = get_type_hints(kind, include_extras=True)
    return {
        "type": "object",
        "properties": {name: _of(hint, definitions) for name, hint in hints.items()},
        # What __required_keys__ says is wrong under postponed annotations.
        "required": [name for name, hint in hints.items() if get_origin(hint) is not NotRequired],
    }
