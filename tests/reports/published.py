"""The published schema, ready for reports: to check the schema takes longer than to check one."""

from __future__ import annotations

from typing import Final

import orjson
from jsonschema import Draft202012Validator

from otel_voiceload.reports.schema import schema

_SCHEMA: Final = Draft202012Validator(schema())


def hold_to_schema(report: object) -> None:
    """Raises ValidationError where the report, as JSON, is not what the schema says."""
    _SCHEMA.validate(orjson.loads(orjson.dumps(report)))
