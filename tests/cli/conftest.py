"""The stores that the verbs read in tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.samples import demo_store


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs; nobody may change it."""
    return demo_store(tmp_path_factory.mktemp("store"))
