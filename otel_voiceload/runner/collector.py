"""The collector of a run: a living one of this store, or one of our own for as long as we run.

A run always needs a place for its spans that acknowledges after the commit, so one is started when
nobody runs ``ovl collect`` on this store. The endpoint is printed before the first call: the target
under test should send its own spans there.
"""

from __future__ import annotations

import http.client
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import orjson

from otel_voiceload.errors import CollectorError, UsageError
from otel_voiceload.runner import children
from otel_voiceload.store.locate import Recording, find_recordings
from otel_voiceload.store.open import open_store

QUIET_S = 5.0  # stock batch exporters flush every five seconds
LINGER_S = 15.0
_POLL_S = 0.5
_STOPPERS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class CollectorHandle:
    """Where to send OTLP. ``child`` is None for a collector that somebody else runs."""

    http: str
    grpc: str
    token: str | None
    child: children.Child | None
    store: Path | None = None  # where it writes, when that is known

    def spans_of_trace(self, trace_id: str) -> int | None:
        """How many spans somebody sent in a trace, waited for as long as exporters hold back.

        None when this collector's store can not be read from here.
        """
        if self.store is None:
            return None
        self.linger()
        with open_store(self.store) as reading:
            found = reading.sql(
                "select count(*) from otel_spans where trace_id = $trace_id", trace_id=trace_id
            )
        count = found.rows[0][0]
        return count if isinstance(count, int) else None

    def linger(self) -> None:
        """Wait until nothing has arrived for a while: targets flush their spans late."""
        started = quiet_since = time.monotonic()
        seen = self._received()
        while seen is not None:
            now = time.monotonic()
            if now - quiet_since >= QUIET_S or now - started >= LINGER_S:
                return
            time.sleep(_POLL_S)
            received = self._received()
            if received != seen:
                seen, quiet_since = received, time.monotonic()

    def stop(self) -> None:
        """Drain and seal our own collector; one that somebody else runs stays."""
        if self.child is None:
            return
        words = "" if self.child.alive else self.child.last_words()
        code = self.child.stop()
        if code != 0:
            raise CollectorError(
                f"the collector ended with code {code}: {words or 'no word from it'}; "
                "what it acknowledged is in the store and can be analysed"
            )

    def _received(self) -> object:
        """Spans that the collector received; None when it can not be asked."""
        if self.token is None:
            return None
        address = urlsplit(self.http)
        connection = http.client.HTTPConnection(
            address.hostname or "127.0.0.1", address.port or 80, timeout=5.0
        )
        try:
            connection.request(
                "GET", "/control/stats", headers={"Authorization": f"Bearer {self.token}"}
            )
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                return None
            return orjson.loads(body)["signals"].get("traces", {}).get("received", 0)
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return None
        finally:
            connection.close()


def find_or_start(store: Path, choice: str | None) -> CollectorHandle:
    """The collector that ``--collector`` asks for.

    ``choice`` is None (a living one of this store, else our own), ``embedded`` (always our own) or
    an OTLP/HTTP endpoint.
    """
    if choice not in (None, "embedded"):
        assert choice is not None
        if urlsplit(choice).scheme not in ("http", "https"):
            raise UsageError(
                f"--collector {choice!r} is not an OTLP/HTTP endpoint; "
                "write http://host:4318 or 'embedded'"
            )
        return CollectorHandle(choice.rstrip("/"), "", None, None)
    if choice is None and (living := _living(store)) is not None:
        assert living.control is not None
        return CollectorHandle(living.control.http, "", living.control.token, None, store)
    return start(store)


def start(store: Path) -> CollectorHandle:
    child = children.start("collector", "ovl_collector.serve", ["--store", str(store)], {})
    ready = child.ready
    return CollectorHandle(
        http=str(ready["http"]),
        grpc=str(ready["grpc"]),
        token=str(ready["token"]),
        child=child,
        store=store,
    )


def _living(store: Path) -> Recording | None:
    if not (store / "recordings").is_dir():
        return None
    living = [r for r in find_recordings(store) if r.alive and r.control is not None]
    return living[-1] if living else None


def collect_in_foreground(words: Sequence[str], say: Callable[[str], None]) -> None:
    """Run a collector until Ctrl-C or SIGTERM, or until it ends by itself.

    Raises:
        UsageError: it refused its options.
        CollectorError: it ended otherwise than in order.
    """
    told = Event()
    before = {number: signal.signal(number, lambda *_: told.set()) for number in _STOPPERS}
    try:
        child = children.start("collector", "ovl_collector.serve", words, {})
        handle = CollectorHandle(
            str(child.ready["http"]), str(child.ready["grpc"]), str(child.ready["token"]), child
        )
        for note in _notes(child):
            say(note)
        say(f"recording {child.ready['recording']}")
        say(f"OTLP/gRPC {handle.grpc}, OTLP/HTTP {handle.http}")
        say(f"point your agent at it: OTEL_EXPORTER_OTLP_ENDPOINT={handle.http}   (Ctrl-C ends it)")
        while child.alive and not told.wait(_POLL_S):
            pass
        handle.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _notes(child: children.Child) -> list[str]:
    notes = child.ready.get("notes")
    return [str(note) for note in notes] if isinstance(notes, list) else []
