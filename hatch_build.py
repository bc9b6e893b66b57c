"""Puts the SQL into real wheels; an editable install reads it from the checkout instead."""

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class QueriesHook(BuildHookInterface[Any]):  # Any: hatchling checks the configuration itself
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            build_data["force_include"]["queries"] = "otel_voiceload/queries"
