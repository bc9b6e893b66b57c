"""What a sender does with the answers of a collector; the real one is in test_importing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from otel_voiceload.errors import CollectorError
from otel_voiceload.runner.import_sender import HELD, Sender
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.posting import Answer

BATCH = Batch("traces", b"", 3)


class Scripted:
    """A poster that gives its answers in turn, and then takes everything."""

    def __init__(self, answers: list[Answer | OSError]) -> None:
        self.answers = answers
        self.posted = 0
        self.closed = False

    def post(self, batch: Batch, timeout_s: float) -> Answer:
        self.posted += 1
        answer = self.answers.pop(0) if self.answers else Answer()
        if isinstance(answer, OSError):
            raise answer
        return answer

    def close(self) -> None:
        self.closed = True


def sender(
    poster: Scripted, rejected: Counter[str], paused: list[float], alive: bool = True
) -> tuple[Sender, list[str]]:
    ended: list[str] = []
    child: Any = SimpleNamespace(alive=alive, ready={"recording": "r1"})
    handle: Any = SimpleNamespace(child=child, endpoint="e", stop=lambda: ended.append("stopped"))
    made = Sender(Path("s"), rejected, lambda _: handle, lambda _: poster, paused.append)
    return made, ended


def test_what_is_not_taken_is_sent_again_and_what_is_rejected_is_counted() -> None:
    poster = Scripted(
        [
            OSError("refused"),
            Answer(retry=True, retry_after_s=0.5, reason="full"),
            Answer(rejected=2, reason="no trace id"),
        ]
    )
    rejected, paused = Counter[str](), list[float]()
    with sender(poster, rejected, paused)[0] as open_sender:
        open_sender.send(BATCH)
        open_sender.drain()

    assert (poster.posted, paused, poster.closed) == (3, [0.05, 0.5], True)
    assert rejected == {"no trace id": 2}
    assert open_sender.recording == "r1"


def test_more_than_are_held_are_all_sent() -> None:
    poster, rejected = Scripted([]), Counter[str]()
    made, ended = sender(poster, rejected, [])
    with made as open_sender:
        for _ in range(3 * HELD):
            open_sender.send(BATCH)

    assert (poster.posted, ended) == (3 * HELD, ["stopped"])


def test_a_collector_that_ended_is_an_error_that_says_how_to_go_on() -> None:
    made, _ = sender(Scripted([]), Counter(), [], alive=False)
    with made as open_sender:
        open_sender.send(BATCH)
        with pytest.raises(CollectorError, match=r"takes nothing more \(it ended\).*same import"):
            open_sender.drain()
