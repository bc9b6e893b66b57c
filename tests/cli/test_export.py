from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.ovl import ovl
from tests.reports.samples import PLANTED

Capture = pytest.CaptureFixture[str]


def test_one_file_can_be_analysed_in_place_of_the_store(
    store: Path, tmp_path: Path, capsys: Capture
) -> None:
    path = tmp_path / "run.duckdb"
    ended = ovl(capsys, store, "export", "friday", "-o", str(path))
    report = ovl(capsys, tmp_path, "analyze", str(path), "-f", "json")

    assert ended.code == 0
    assert PLANTED in ended.err
    assert json.loads(report.out)["first_inflection"]["component"] == "llm"


def test_otlp_lines_go_to_stdout(store: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        from otel_voiceload.cli import main as cli

        patch.setattr("sys.argv", ["ovl", "export", "friday", "--store", str(store)])
        with pytest.raises(SystemExit):
            cli.main()
    lines = capsysbinary.readouterr().out.splitlines()

    assert all("resourceSpans" in json.loads(line) for line in lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-o", "run.zip"), "say --as"),
        (("--as", "parquet"), "does not go to stdout"),
        (("-o", "x.csv", "--view", "nonsense"), "no view is called 'nonsense'"),
        (("-o", "nowhere/x.csv"), "no folder nowhere"),
    ],
)
def test_what_can_not_be_exported_is_one_line(
    words: tuple[str, ...], said: str, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "export", "friday", *words)

    assert ended.code == 2
    assert said in ended.err
    assert ended.err.count("\n") == 1
