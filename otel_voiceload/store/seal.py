"""The one request a reader makes of a living collector: close the current file so I may read it.

It goes over loopback with the token of the control file. A collector that does not answer is no
error: the sealed files can be read all the same, and the report says that the newest are missing.
Few readers find a living collector, so only they load what speaks HTTP, and TLS with it.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from otel_voiceload.store.locate import Control

SEAL_TIMEOUT_S = 20.0
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Post = Callable[[Control], int]


def ask_for_seal(control: Control) -> int:
    """HTTP status of the seal request; raises OSError or HTTPException when nobody answers."""
    import http.client

    address = urlsplit(control.http)
    if address.hostname not in LOOPBACK:
        raise OSError(f"{address.hostname} is not this host")
    connection = http.client.HTTPConnection(
        address.hostname, address.port or 80, timeout=SEAL_TIMEOUT_S
    )
    try:
        connection.request(
            "POST", "/control/seal", headers={"Authorization": f"Bearer {control.token}"}
        )
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def seal(control: Control, post: Post = ask_for_seal) -> str | None:
    """Asks; None when the live file is now sealed, else one sentence about what is missing."""
    from http.client import HTTPException

    try:
        status = post(control)
    except (OSError, HTTPException) as error:
        problem = f"did not answer ({str(error) or type(error).__name__})"
    else:
        if status < 300:
            return None
        problem = f"refused to seal (HTTP {status})"
    return f"The collector (pid {control.pid}) {problem}: its newest rows are missing."
