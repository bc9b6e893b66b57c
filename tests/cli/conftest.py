"""The stores that the verbs read in tests."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest

from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.report import Report
from otel_voiceload.store.reading import Reading
from tests.made_once import once
from tests.reports.samples import demo_store

SHARED = "demo-store"
VERBS = ("analyze", "reading", "report")  # modules that build reports
_told: dict[tuple[Path, str, str], Report] = {}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs; nobody may change it."""
    return once(tmp_path_factory, SHARED, demo_store)


def build_once(reading: Reading, run_id: str, options: ReportOptions | None = None) -> Report:
    """As ``build_report``: of the store that nobody changes, each report is built only once."""
    if reading.path.name != SHARED:
        return build_report(reading, run_id, options)
    asked = (reading.path, run_id, repr(options))
    if asked not in _told:
        _told[asked] = build_report(reading, run_id, options)
    return deepcopy(_told[asked])


@pytest.fixture(autouse=True)
def reports_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in VERBS:
        monkeypatch.setattr(f"otel_voiceload.cli.{verb}.build_report", build_once)
