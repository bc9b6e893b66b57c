"""Running ``ovl`` as its users do: as a command, in a folder of its own, to its end.

``ovl`` is a process like theirs. ``ovl_here`` is the same from its words to its exit code without
one: a second saved where nothing is started and what counts is what is said.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from otel_voiceload.cli import main as cli

ROOT = Path(__file__).parents[2]
FAULTS_TOLD = {"PYTHONFAULTHANDLER": "1"}  # a process that hangs says where, when it is aborted


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


def ovl(folder: Path, *words: str, timeout_s: float = 60.0) -> Done:
    with started(folder, *words) as process:
        out, err = process.communicate(timeout=timeout_s)
    return Done(process.returncode, out, err)


def ovl_here(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> Done:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.argv", ["ovl", *words])
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "80")
        with pytest.raises(SystemExit) as ended:
            cli.main()
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return Done(ended.value.code, said.out, said.err)


@contextlib.contextmanager
def started(
    folder: Path, *words: str, before: Sequence[Path] = ()
) -> Iterator[subprocess.Popen[str]]:
    """A running ``ovl``; whatever is left of it is killed at the end of the block.

    Its Python looks for modules in the folders ``before`` first.
    """
    path = os.pathsep.join([*map(str, before), str(ROOT), str(ROOT / "collector")])
    process = subprocess.Popen(
        [sys.executable, "-m", "otel_voiceload", *words],
        cwd=folder,
        env={**os.environ, **FAULTS_TOLD, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "80"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@contextlib.contextmanager
def agent(folder: Path, *words: str) -> Iterator[str]:
    """The reference agent; its address."""
    with started(folder, "agent", "--port", "0", *words) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert first.startswith("reference agent at "), first
        yield first.split()[3].rstrip(";")
        process.send_signal(signal.SIGTERM)
        process.wait(60)
