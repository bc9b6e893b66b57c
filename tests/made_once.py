"""What tests only read is made once for all processes of a test run, whoever comes first."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that ``make`` filled; nobody may change it."""
    place = shared(factory)
    done, part = place / name, place / f"{name}.part"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            part.mkdir()
            make(part)
            part.rename(done)
    return done


def shared(factory: pytest.TempPathFactory) -> Path:
    """The folder that the processes of one test run have in common."""
    place = factory.getbasetemp()
    return place.parent if "PYTEST_XDIST_WORKER" in os.environ else place
