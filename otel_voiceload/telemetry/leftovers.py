"""What earlier runs left in their spools, delivered by whoever next has their destination at hand.

A run ends before its collector is back, or its telemetry process is killed: then batches stay on
disk. Nobody waits for them, so the next start on the same store sends them first. They are the same
bytes with the same ids as ever; one that had been stored before its answer was lost counts once.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import orjson

from otel_voiceload.store import spooled
from otel_voiceload.store.spooled import Damage, Frame
from otel_voiceload.telemetry.backlog import SPOOL_DAMAGED
from otel_voiceload.telemetry.batches import Batch, Signal
from otel_voiceload.telemetry.posting import Answer, Endpoint, Poster
from otel_voiceload.telemetry.process import open_poster

_POST_TIMEOUT_S = 10.0
_TRIES = 3
_PAUSE_S = 1.0
# Whatever else a destination answers may be mended by its owner: a wrong token, a wrong path.
_FINAL = frozenset({"http_400", "http_413", "http_422", "grpc_invalid_argument", "rejected"})


@dataclass(slots=True)
class Delivered:
    """What became of one lane of one run. Spans, metrics apart."""

    run_id: str
    lane: Path
    destination: str
    spans: int = 0
    waiting: int = 0
    why: str = ""  # it waits
    lost: Counter[str] = field(default_factory=Counter)
    cut_batches: int = 0  # half written when their process was killed; nobody knows how many spans

    def words(self) -> str:
        """One line; empty when there was nothing to do."""
        parts = []
        if self.spans:
            parts.append(f"stored {self.spans} spans that run {self.run_id} had left in its spool")
        if self.lost:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self.lost.items())
            parts.append(f"{sum(self.lost.values())} of its spans are lost: {reasons}")
        if self.cut_batches:
            parts.append("its last batch was cut short when it was killed")
        if self.waiting:
            parts.append(
                f"{self.waiting} spans of run {self.run_id} wait for {self.destination} in "
                f"{self.lane} ({self.why})"
            )
        return "; ".join(parts)


def deliver_all(
    store: Path,
    endpoints: Mapping[str, Endpoint],
    *,
    opened: Callable[[Endpoint], Poster] = open_poster,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Delivered]:
    """Send what waits for these destinations; the rest is only counted.

    Lanes of runs that are still going on are left alone.
    """
    found = []
    for lane in spooled.lanes(store):
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours to read
            descriptor = spooled.lock(lane)
            if descriptor is None:
                continue
            try:
                found.append(_deliver(lane, endpoints, opened, sleep))
            finally:
                os.close(descriptor)
    return found


def _deliver(
    lane: Path,
    endpoints: Mapping[str, Endpoint],
    opened: Callable[[Endpoint], Poster],
    sleep: Callable[[float], None],
) -> Delivered:
    told = Delivered(lane.parent.name, lane, spooled.destination(lane))
    endpoint = endpoints.get(told.destination)
    if endpoint is None:
        told.why = "it is not what this run sends to"
    else:
        poster = opened(endpoint)
        try:
            told.why = _send(lane, poster, told, sleep)
        finally:
            poster.close()
    if told.why:
        frames = spooled.frames_waiting(lane, with_body=False)
        told.waiting = sum(
            found.items
            for _, found, _ in frames
            if isinstance(found, Frame) and found.signal == "traces"
        )
    lost = Counter(spooled.read_lost(lane)) + told.lost
    if lost:
        (lane / spooled.LOST_FILE).write_bytes(orjson.dumps(lost))
    if not told.why:
        _clear(lane, keep=bool(lost))
    return told


def _send(lane: Path, poster: Poster, told: Delivered, sleep: Callable[[float], None]) -> str:
    """Batch after batch, noting how far it came; why it stopped, empty when all is done."""
    cursor = os.open(lane / spooled.CURSOR_FILE, os.O_WRONLY | os.O_CREAT, 0o644)
    before: Path | None = None
    try:
        for path, found, end in spooled.frames_waiting(lane):
            if before is not None and before != path:
                before.unlink(missing_ok=True)
            before = path
            if isinstance(found, Damage):
                if found.items is None:
                    told.cut_batches += 1
                elif found.signal == "traces":
                    told.lost[SPOOL_DAMAGED] += found.items
            else:
                answer = _post(poster, found, sleep)
                if answer.retry or (answer.rejected == found.items and answer.reason not in _FINAL):
                    return answer.reason or "it does not answer"
                if found.signal == "traces":
                    told.spans += found.items - answer.rejected
                    if answer.rejected:
                        told.lost[answer.reason] += answer.rejected
            with contextlib.suppress(OSError):
                spooled.write_cursor(cursor, path.name, end)
    finally:
        os.close(cursor)
    return ""


def _post(poster: Poster, frame: Frame, sleep: Callable[[float], None]) -> Answer:
    batch = Batch(cast(Signal, frame.signal), frame.body, frame.items)
    answer = Answer(retry=True)
    for attempt in range(_TRIES):
        if attempt:
            sleep(answer.retry_after_s or _PAUSE_S)
        try:
            answer = poster.post(batch, _POST_TIMEOUT_S)
        except OSError as error:
            answer = Answer(retry=True, reason=str(error))
        if not answer.retry:
            break
    return answer


def _clear(lane: Path, *, keep: bool) -> None:
    """What was lost stays named for the reports of that run."""
    if keep:
        for path in spooled.segments(lane):
            path.unlink()
        (lane / spooled.DESTINATION_FILE).unlink()  # nothing is to be delivered any more
        return
    shutil.rmtree(lane, ignore_errors=True)
    with contextlib.suppress(OSError):  # the other lane may still have something
        lane.parent.rmdir()
