"""How long a client may take over each part of its connection.

In one place, so that tests can make them short and watch a slow client being sent away.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadlines:
    header_s: float = 10.0  # from the connection, or the first byte of a request, to its headers
    body_s: float = 20.0  # from the headers to the last byte of the body; gRPC's is its Intake's
    idle_s: float = 75.0  # between two requests; exporters of metrics speak once a minute
    drain_s: float = 10.0  # for what is left of a refused body when an HTTP client wants to close
