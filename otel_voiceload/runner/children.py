"""Child processes that announce themselves: the collector and the reference agent.

Both print one JSON line when they can be used. They live in a session of their own, so that Ctrl-C
reaches the runner alone and they can still take what the hung up calls have to say.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import orjson

from otel_voiceload.errors import OvlError, UsageError

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0
_MOST_NEWS_BYTES = 64 * 1024


class Child:
    """A running child and what its ready line said."""

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        stderr: IO[bytes],
        ready: dict[str, object],
    ) -> None:
        self.name = name
        self.ready = ready
        self.farewell: dict[str, object] = {}  # what it said on stdout on its way out
        self._process = process
        self._stderr = stderr
        self._told_bytes = 0  # of stderr, passed on by ``news``

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> int:
        """Ends it in order with SIGTERM, by force when that takes too long; its exit code."""
        if self.alive:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self.farewell = _object(_what_is_left(self._process.stdout))
            self._process.stdout.close()
        self._stderr.close()
        return self._process.returncode

    def last_words(self) -> str:
        return _last_line(self._stderr)

    def news(self) -> list[str]:
        """Whole lines that it has said on stderr since the last time.

        The place in the file is shared with the child, which writes there, so it is not moved.
        """
        found = os.pread(self._stderr.fileno(), _MOST_NEWS_BYTES, self._told_bytes)
        whole = found[: found.rfind(b"\n") + 1]
        self._told_bytes += len(whole)
        return whole.decode(errors="replace").splitlines()


def start(name: str, module: str, arguments: Sequence[str], env: Mapping[str, str]) -> Child:
    """Start ``python -m module`` and wait for its ready line.

    Raises:
        UsageError: the child refused what it was told (exit code 2); its own line is passed on.
        OvlError: it ended for another reason or said nothing in time.
    """
    stderr = TemporaryFile()  # noqa: SIM115  # lives as long as the child
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments, "--parent-pid", str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, **env, "PYTHONPATH": _python_path()},
        start_new_session=True,
    )
    line = _first_line(process, READY_TIMEOUT_S)
    ready = _object(line)
    if ready.get("event") == "ready":
        return Child(name, process, stderr, ready)
    if process.poll() is None:
        process.kill()
    code = process.wait()
    words = _last_line(stderr) or "it said nothing"
    stderr.close()
    if process.stdout is not None:
        process.stdout.close()
    if code == 2:
        raise UsageError(words.removeprefix("ovl: "))
    raise OvlError(f"the {name} did not start: {words}; run it by hand with python -m {module}")


def _first_line(process: subprocess.Popen[bytes], timeout_s: float) -> bytes:
    assert process.stdout is not None
    deadline = time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if selector.select(max(0.0, deadline - time.monotonic())):
            return process.stdout.readline()
    return b""


def _what_is_left(stdout: IO[bytes]) -> bytes:
    """Without waiting: a grandchild may hold the pipe open."""
    os.set_blocking(stdout.fileno(), False)
    return stdout.read() or b""


def _object(line: bytes) -> dict[str, object]:
    """A line's JSON object; empty when it is none."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _last_line(stderr: IO[bytes]) -> str:
    stderr.flush()
    stderr.seek(0)
    lines = [line for line in stderr.read()[-4000:].decode(errors="replace").splitlines() if line]
    return lines[-1].strip() if lines else ""


def _python_path() -> str:
    """Children import what this process imports, also when run from a checkout without install."""
    return os.pathsep.join(str(Path(p).resolve()) for p in sys.path if p)
