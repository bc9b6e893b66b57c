"""The collector of a run: a living one of this store, or one of our own for as long as we run.

A run always needs a place for its spans that acknowledges after the commit, so one is started when
nobody runs ``ovl collect`` on this store. The endpoint is printed before the first call: the target
under test should send its own spans there.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import orjson

from otel_voiceload.errors import CollectorError, UsageError
from otel_voiceload.runner import children
from otel_voiceload.runner.plan import Access
from otel_voiceload.store.locate import Control, find_recordings
from otel_voiceload.store.open import open_store
from otel_voiceload.store.spooled import TO_THIS_STORE
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.leftovers import deliver_all
from otel_voiceload.telemetry.posting import Endpoint, HttpPoster, collector_endpoint

QUIET_S = 5.0  # stock batch exporters flush every five seconds
LINGER_S = 15.0
TRY_TIMEOUT_S = 5.0
_POLL_S = 0.5
# A hint of what `trace_runs` will find: there the smoke call is no call of any run.
_SPANS_OF_TRACE = r"""
select count(*) from otel_spans
where trace_id = $trace_id or trace_id in (
    select trace_id from otel_spans
    where run_id is null and regexp_matches(
        attributes::varchar,
        '"[a-z_.]*(conversation|session|call|room)[a-z_.]*":"[^"]{0,40}' || $trace_id
    )
)
"""


@dataclass(slots=True)
class CollectorHandle:
    """Where to send OTLP. ``child`` is None for a collector that somebody else runs."""

    http: str
    grpc: str
    token: str | None
    child: children.Child | None
    store: Path | None = None  # where it writes, when that is known
    access: Access = field(default_factory=Access)

    @property
    def endpoint(self) -> Endpoint:
        ca = None if self.access.ca is None else str(self.access.ca)
        return collector_endpoint(self.http, self.access.headers, ca)

    @property
    def destination(self) -> str:
        """What a spool calls it: a store's next collector may have another address."""
        return self.endpoint.place if self.store is None else TO_THIS_STORE

    def deliver_leftovers(self, spools: Path, others: Mapping[str, Endpoint]) -> list[str]:
        """What earlier runs of a store could not deliver, here and to ``others``; what to say."""
        endpoints = {**others, self.destination: self.endpoint}
        return [words for each in deliver_all(spools, endpoints) if (words := each.words())]

    @property
    def pid(self) -> int | None:
        """Our own collector's process."""
        return None if self.child is None else self.child.pid

    def spans_of_trace(self, trace_id: str) -> int | None:
        """How many spans somebody sent in a trace, waited for as long as exporters hold back.

        Those of a trace of their own count too when its conversation or room id holds this one's.
        None when this collector's store can not be read from here.
        """
        if self.store is None:
            return None
        self.linger()
        with open_store(self.store) as reading:
            found = reading.sql(_SPANS_OF_TRACE, trace_id=trace_id)
        count = found.rows[0][0]
        return count if isinstance(count, int) else None

    def linger(self) -> None:
        """Wait until nothing has arrived for a while: targets flush their spans late."""
        wait_for_quiet(self._received, time.monotonic, time.sleep)

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
        host = address.hostname or "127.0.0.1"
        connection = http.client.HTTPConnection(host, address.port, timeout=5.0)
        try:
            if address.scheme == "https":
                context = ssl.create_default_context(cafile=self.access.ca)
                connection = http.client.HTTPSConnection(
                    host, address.port, timeout=5.0, context=context
                )
            connection.request(
                "GET", "/control/stats", headers={"Authorization": f"Bearer {self.token}"}
            )
            response = connection.getresponse()
            body = response.read()
            if response.status != 200:
                return None
            return orjson.loads(body)["signals"].get("traces", {}).get("received", 0)
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return None
        finally:
            connection.close()


def find_or_start(store: Path, choice: str | None, access: Access | None = None) -> CollectorHandle:
    """The collector that ``--collector`` asks for.

    ``choice`` is None (a living one of this store, else our own), ``embedded`` (always our own) or
    an OTLP/HTTP endpoint. ``access`` is for one that somebody else runs.

    Raises:
        UsageError: ``choice`` is none of these, or ``access`` can not be used.
        CollectorError: the one that runs takes no spans from us, or ours did not start.
    """
    if choice == "embedded":
        return start(store)
    access = access or Access()
    living = _living(store)
    if choice is not None:
        url = _endpoint(choice)
        if (ours := living.get(url)) is None:
            handle = CollectorHandle(url, "", None, None, access=access)
        else:
            handle = CollectorHandle(url, "", ours.token, None, store, access)
    elif living:
        url, ours = list(living.items())[-1]
        handle = CollectorHandle(url, "", ours.token, None, store, access)
    else:
        return start(store)
    _try(handle)
    return handle


def _endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"--collector {text!r} is not an OTLP/HTTP endpoint; write http://host:4318, "
            "or embedded"
        )
    return text.rstrip("/")


def _try(handle: CollectorHandle) -> None:
    """Send it nothing, and see that it is taken: a run whose spans are refused is lost work."""
    if problems := handle.endpoint.problems():
        raise UsageError(f"--collector: {'; '.join(problems)}")
    poster = HttpPoster(handle.endpoint)
    try:
        answer = poster.post(Batch("traces", b"", 0), TRY_TIMEOUT_S)
    except ssl.SSLCertVerificationError as error:
        raise CollectorError(
            f"the certificate of {handle.http} is not trusted ({error.verify_message}); "
            "give its CA with --collector-ca"
        ) from error
    except (OSError, ValueError) as error:
        raise CollectorError(
            f"nobody takes OTLP/HTTP at {handle.http}: {error}; "
            "start it, or give another --collector"
        ) from error
    finally:
        poster.close()
    if answer.reason in ("http_401", "http_403"):
        given = "another" if handle.access.headers else "its"
        raise CollectorError(
            f"the collector at {handle.http} takes no spans without {given} token "
            f"({answer.reason}); give --collector-header 'Authorization: env:VARIABLE'"
        )
    if answer.reason and not answer.retry:
        raise CollectorError(
            f"the collector at {handle.http} takes no spans from here ({answer.reason}); "
            "give another --collector, or embedded"
        )


def start(store: Path) -> CollectorHandle:
    words = ["--store", str(store), "--private"]
    child = children.start("collector", "ovl_collector.serve", words, {})
    ready = child.ready
    return CollectorHandle(
        http=str(ready["http"]),
        grpc=str(ready["grpc"]),
        token=str(ready["token"]),
        child=child,
        store=store,
    )


def is_collecting(store: Path) -> bool:
    """Whether somebody's collector writes into a store right now."""
    return bool(_living(store))


def _living(store: Path) -> dict[str, Control]:
    """Collectors that write into a store right now, by endpoint, the newest last.

    Not those of other runs: they end with their run, in the middle of ours.
    """
    if not (store / "recordings").is_dir():
        return {}
    controls = [r.control for r in find_recordings(store) if r.alive and r.control is not None]
    return {control.http: control for control in controls if not control.private}


def wait_for_quiet(
    received: Callable[[], object], clock: Callable[[], float], sleep: Callable[[float], None]
) -> None:
    """Until what was received stays the same for ``QUIET_S``, or can not be asked any more."""
    started = quiet_since = clock()
    seen = received()
    while seen is not None:
        now = clock()
        if now - quiet_since >= QUIET_S or now - started >= LINGER_S:
            return
        sleep(_POLL_S)
        if (latest := received()) != seen:
            seen, quiet_since = latest, clock()
