"""Who takes an agent's spans is said before its first call: nobody, another, or this store."""

from __future__ import annotations

import fcntl
import json
from pathlib import Path

import pytest

from otel_voiceload.errors import UsageError
from otel_voiceload.runner.listening import doubt
from otel_voiceload.telemetry.posting import Answer

OURS = "http://127.0.0.1:40123"


def takes(url: str) -> Answer:
    return Answer()


def refuses(url: str) -> Answer:
    return Answer(reason="http_404")


def is_gone(url: str) -> Answer:
    raise ConnectionRefusedError("connection refused")


@pytest.fixture
def collecting(tmp_path: Path) -> Path:
    """A store with a collector at OURS: what tells is the lock that is held."""
    folder = tmp_path / "recordings" / "rec"
    folder.mkdir(parents=True)
    control = {"http": OURS, "token": "t", "pid": 1}
    (folder / "control.json").write_text(json.dumps(control))
    return tmp_path


@pytest.mark.parametrize(
    ("url", "post", "said"),
    [
        (OURS, takes, None),
        ("http://localhost:40123", takes, None),
        ("http://127.0.0.1:4318", takes, f"which listens at {OURS}"),
        ("http://127.0.0.1:4318", refuses, "takes no spans from here (http_404)"),
        (OURS, is_gone, "nobody takes OTLP/HTTP"),
        ("https://traces.example.com", takes, None),
    ],
)
def test_spans_that_do_not_reach_this_store_are_told(
    collecting: Path, url: str, post: object, said: str | None
) -> None:
    with (collecting / "recordings" / "rec" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = doubt(url, collecting, post)  # type: ignore[arg-type]

    assert found is None if said is None else said in str(found)


def test_without_a_collector_of_the_store_it_must_be_somebody_elses(tmp_path: Path) -> None:
    assert "of which none is running" in str(doubt("http://127.0.0.1:4318", tmp_path, takes))


def test_what_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no OTLP/HTTP endpoint"):
        doubt("banana", tmp_path, takes)
