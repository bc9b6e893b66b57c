from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from otel_voiceload.loading import ended_at_once

SWALLOWS = """
import signal, sys, weakref
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
from otel_voiceload.loading import ended_at_once

class Model:
    pass

with ended_at_once():
    model = Model()
    made = weakref.ref(model, lambda _: signal.raise_signal(signal.SIGINT))
    del model  # an exception in a callback is printed, and forgotten
print("went on")
"""


def test_ctrl_c_while_modules_load_is_swallowed_by_nobody() -> None:
    ended = subprocess.run([sys.executable, "-c", SWALLOWS], capture_output=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")


@pytest.mark.parametrize("handler", [signal.default_int_handler, signal.SIG_IGN])
def test_afterwards_ctrl_c_does_what_it_did(handler: signal.Handlers) -> None:
    before = signal.signal(signal.SIGINT, handler)
    try:
        with ended_at_once():
            inside = signal.getsignal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) == handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert inside == (signal.SIG_IGN if handler == signal.SIG_IGN else signal.SIG_DFL)
