"""Who takes the spans sent to an address: this store's collector, somebody else, or nobody.

An exporter fails without a word, and any receiver of OTLP says yes to it. So an agent could send
the spans of a whole load test to whoever had the port first, and nobody would notice.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from otel_voiceload.errors import UsageError
from otel_voiceload.store.locate import find_recordings
from otel_voiceload.telemetry.batches import Batch
from otel_voiceload.telemetry.posting import Answer, HttpPoster, collector_endpoint

TRY_TIMEOUT_S: Final = 2.0
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

Post = Callable[[str], Answer]


def post_nothing(url: str) -> Answer:
    """Sends an empty batch to an OTLP/HTTP address. Raises OSError or ValueError."""
    poster = HttpPoster(collector_endpoint(url))
    try:
        return poster.post(Batch("traces", b"", 0), TRY_TIMEOUT_S)
    finally:
        poster.close()


def doubt(url: str, store: Path, post: Post = post_nothing) -> str | None:
    """A sentence when spans for ``url`` do not reach the collector of ``store``; else None.

    An address on another machine is only asked whether it takes spans: it is nobody's mistake.

    Raises:
        UsageError: ``url`` is no address of OTLP/HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"--otlp {url!r} is no OTLP/HTTP endpoint; write http://127.0.0.1:4318, the address"
            " that `ovl collect` prints"
        )
    try:
        answer = post(url)
    except (OSError, ValueError) as error:
        return f"nobody takes OTLP/HTTP at {url} ({error}): spans are lost until somebody does"
    if answer.reason and not answer.retry:
        return (
            f"{url} takes no spans from here ({answer.reason}): another program may hold the port;"
            " give the address that `ovl collect` prints"
        )
    if parts.hostname not in _LOOPBACK:
        return None
    living = _living(store)
    if parts.port in [urlsplit(each).port for each in living]:
        return None
    where = f"which listens at {living[-1]}" if living else "of which none is running"
    return f"whoever takes the spans at {url} is no collector of the store {store}, {where}"


def _living(store: Path) -> list[str]:
    """Addresses of the collectors that write into a store right now."""
    if not (store / "recordings").is_dir():
        return []
    controls = [each.control for each in find_recordings(store) if each.alive]
    return [control.http for control in controls if control is not None]
