"""The order of the tests: whatever waits for real calls begins first, beside all that computes.

``make test`` plays them in several processes, each with its own stretch of this list; those that
are done early take over from the others.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.made_once import shared

CACHES = "caches"
WAITING = Path(__file__).parent / "end_to_end"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: WAITING not in item.path.parents)
    lost = [
        item.nodeid
        for item in items
        if item.get_closest_marker("live") and WAITING not in item.path.parents
    ]
    if lost:
        raise pytest.UsageError(f"make test looks for live tests in {WAITING.name} only: {lost}")


@pytest.fixture(scope="session", autouse=True)
def caches(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One folder for all processes of a test run, and not the user's own."""
    os.environ["XDG_CACHE_HOME"] = str(shared(tmp_path_factory) / CACHES)


@pytest.fixture
def hang_ups_heard() -> Iterator[None]:
    """As in a terminal: who runs the tests under nohup has hang-ups ignored, children too."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def interrupts_heard() -> Iterator[None]:
    """As in a terminal: what a script starts in its background has Ctrl-C ignored, children too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
