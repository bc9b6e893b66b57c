"""The order of the tests: whatever waits for real calls begins first, beside all that computes.

``make test`` plays them in several processes, each with its own stretch of this list; those that
are done early take over from the others.
"""

from __future__ import annotations

from pathlib import Path

import pytest

WAITING = Path(__file__).parent / "end_to_end"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: WAITING not in item.path.parents)
