"""The sender of an import: a file's requests to a collector that runs for as long as they do.

Threads, since reading a file waits for nobody: one request is decoded while the other is committed.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from otel_voiceload.errors import CollectorError
from otel_voiceload.runner import collector
from otel_voiceload.runner.children import Child
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.posting import Endpoint, HttpPoster, Poster

SENDERS: Final = 2
HELD: Final = 8  # requests of 4 MiB at most: those that are read while the collector starts
PATIENCE_S: Final = 60.0
_POST_TIMEOUT_S: Final = 60.0
_LONGEST_PAUSE_S: Final = 2.0


class Sender:
    """Sends requests, a few at a time, so that memory is bounded by them whatever the file is.

    Its collector starts while the first of them are read, since both take half a second.
    """

    def __init__(
        self,
        store: Path,
        rejected: Counter[str],
        start: Callable[[Path], collector.CollectorHandle] = collector.start,
        poster: Callable[[Endpoint], Poster] = HttpPoster,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """``rejected`` counts items by reason; the rest is for tests."""
        self._rejected = rejected
        self._poster = poster
        self._sleep = sleep
        self._pool = ThreadPoolExecutor(SENDERS, thread_name_prefix="import")
        self._collector = self._pool.submit(start, store)
        self._posters: SimpleQueue[Poster] = SimpleQueue()
        self._under_way: set[Future[None]] = set()

    @property
    def recording(self) -> str:
        return str(_child(self._collector.result()).ready["recording"])

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Also of an import that is cut off all is stored that was handed over.
        in_vain = kind is not None and issubclass(kind, CollectorError)
        self._pool.shutdown(wait=True, cancel_futures=in_vain)
        while not self._posters.empty():
            self._posters.get().close()
        if self._collector.exception() is None:
            self._collector.result().stop()

    def send(self, batch: Batch) -> None:
        if len(self._under_way) >= HELD:
            done, self._under_way = wait(self._under_way, return_when=FIRST_COMPLETED)
            for each in done:
                each.result()
        self._under_way.add(self._pool.submit(self._post, batch))

    def drain(self) -> None:
        for each in self._under_way:
            each.result()
        self._under_way = set()

    def _post(self, batch: Batch) -> None:
        handle = self._collector.result()
        poster = self._poster(handle.endpoint) if self._posters.empty() else self._posters.get()
        try:
            self._post_until_taken(_child(handle), poster, batch)
        finally:
            self._posters.put(poster)

    def _post_until_taken(self, child: Child, poster: Poster, batch: Batch) -> None:
        until_s, pause_s, why = time.monotonic() + PATIENCE_S, 0.05, ""
        while time.monotonic() < until_s and child.alive:
            try:
                answer = poster.post(batch, _POST_TIMEOUT_S)
            except OSError as error:
                why = str(error)
            else:
                if not answer.retry:
                    if answer.rejected:
                        self._rejected[answer.reason] += answer.rejected
                    return
                why, pause_s = answer.reason, max(pause_s, answer.retry_after_s or 0.0)
            self._sleep(min(pause_s, _LONGEST_PAUSE_S))
            pause_s *= 2
        raise CollectorError(
            f"the collector takes nothing more ({why or 'it ended'}); what it took is in the "
            "store, and the same import once more adds the rest"
        )


def _child(handle: collector.CollectorHandle) -> Child:
    assert handle.child is not None  # it is our own
    return handle.child
