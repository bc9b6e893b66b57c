"""The errors that end the collector before it serves, and those that refuse one request.

    CollectorError            1   one line on stderr, then this exit code
    └── UsageError            2   wrong words, a port in use, a recording that is held
    RequestRefused                one request is answered with an error; the collector goes on
    ├── Undecodable           400 / INVALID_ARGUMENT, never retried
    ├── TooLarge              413 / RESOURCE_EXHAUSTED without RetryInfo, never retried
    ├── TooSlow               408 / DEADLINE_EXCEEDED, and the connection is closed
    ├── Unavailable           503 / UNAVAILABLE with RetryInfo, to be retried
    └── Unexpected            500 / INTERNAL, never retried: a fault of the collector

The package keeps its own small tree because it imports nothing of otel_voiceload.
"""

from __future__ import annotations


class CollectorError(Exception):
    """Ends the process with one line: what happened, to what, what to do."""

    exit_code = 1


class UsageError(CollectorError):
    exit_code = 2


class RequestRefused(Exception):
    """One export request is not stored. ``reason`` is the word under which the ledger counts it;
    ``counted`` says that it already did."""

    def __init__(self, message: str, *, reason: str, counted: bool = False) -> None:
        super().__init__(message)
        self.reason = reason
        self.counted = counted


class Undecodable(RequestRefused):
    """The body is not what its content type says."""


class TooLarge(RequestRefused):
    """The body, or what it unfolds to, is over a limit."""


class TooSlow(RequestRefused):
    """The body did not arrive in time."""


class Unavailable(RequestRefused):
    """The request could be stored at another time: queue full, disk full, shutting down."""


class Unexpected(RequestRefused):
    """The collector itself failed at the request; it goes on with the next one."""
