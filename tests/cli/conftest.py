"""The stores that the verbs read in tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.made_once import once
from tests.reports.samples import demo_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs; nobody may change it."""
    return once(tmp_path_factory, "demo-store", demo_store)
