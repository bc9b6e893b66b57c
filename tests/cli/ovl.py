"""Runs the ``ovl`` command in this process, as a shell would."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from otel_voiceload.cli import main as cli


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str


def ovl(capsys: pytest.CaptureFixture[str], store: Path, *words: str) -> Ended:
    """``ovl words... --store store`` from its first word to its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["ovl", *words, "--store", str(store)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return Ended(int(ended.value.code), said.out, said.err)
