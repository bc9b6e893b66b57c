"""Ctrl-C while modules load, where nobody can take a KeyboardInterrupt.

What is written in other languages may swallow it on its way (seen of a pydantic model in the
making: one in 400), and the load that was not wanted any more would begin all the same; or it may
crash (seen of orjson). So this imports nothing but what the interpreter brings.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ended_at_once() -> Iterator[None]:
    """Ctrl-C in here ends the process by the signal itself: nothing has begun that it would undo.

    For the main thread, as all handling of signals is.
    """
    before = signal.getsignal(signal.SIGINT)
    if before != signal.SIG_IGN:  # nohup and its like have said otherwise
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
