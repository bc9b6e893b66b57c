"""The stores that the verbs read in tests."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest

from otel_voiceload.reports.build import ReportOptions, build_report
from otel_voiceload.reports.report import Report
from otel_voiceload.store.open import open_store
from otel_voiceload.store.reading import Reading
from tests.made_once import once
from tests.reports.samples import demo_store

SHARED = "demo-store"
OPENERS = ("store.open", "cli.runs", "reports.compare_select", "reports.copies", "reports.runs")
VERBS = ("analyze", "reading", "report")  # modules that build reports
_told: dict[tuple[Path, str, str], Report] = {}
_open: dict[Path, Reading] = {}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two runs; nobody may change it."""
    yield once(tmp_path_factory, SHARED, demo_store)
    while _open:
        Reading.close(_open.popitem()[1])


def open_once(path: Path | None = None) -> Reading:
    """As ``open_store``: the store that nobody changes stays open from one verb to the next."""
    if path is None or path.name != SHARED:
        return open_store(path)
    if path not in _open:
        _open[path] = open_store(path)
        _open[path].close = lambda: None  # type: ignore[method-assign]  # until the last test
    return _open[path]


def build_once(reading: Reading, run_id: str, options: ReportOptions | None = None) -> Report:
    """As ``build_report``: of the store that nobody changes, each report is built only once."""
    if reading.path.name != SHARED:
        return build_report(reading, run_id, options)
    asked = (reading.path, run_id, repr(options))
    if asked not in _told:
        _told[asked] = build_report(reading, run_id, options)
    return deepcopy(_told[asked])


@pytest.fixture(autouse=True)
def read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in OPENERS:
        monkeypatch.setattr(f"otel_voiceload.{module}.open_store", open_once)
    for verb in VERBS:
        monkeypatch.setattr(f"otel_voiceload.cli.{verb}.build_report", build_once)
