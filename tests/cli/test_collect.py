from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from otel_voiceload.errors import CollectorError, OvlError, UsageError
from otel_voiceload.runner import collector
from otel_voiceload.runner.plan import Access
from tests.cli.ovl import ovl

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


class Collected:
    """Stands for the collector in the foreground."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.access = Access()
        self.error: OvlError | None = None

    def __call__(
        self,
        words: Sequence[str],
        say: Callable[[str], None],
        note: Callable[[str], None],
        store: Path,
        access: Access,
    ) -> None:
        self.words = list(words)
        self.access = access
        if self.error is not None:
            raise self.error
        say("recording 7\nOTLP/HTTP http://127.0.0.1:4318")


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Collected:
    monkeypatch.chdir(tmp_path)
    one = Collected()
    monkeypatch.setattr(collector, "collect_in_foreground", one)
    return one


def test_without_options_only_the_store_is_told(
    collected: Collected, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "collect")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "recording 7\nOTLP/HTTP http://127.0.0.1:4318\n"
    assert collected.words == ["--store", str(store)]


def test_every_option_is_handed_on(
    collected: Collected, store: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    words = (
        *("--grpc", "127.0.0.1:1", "--http", "127.0.0.1:2", "--token", "env:TOKEN"),
        *("--tls-cert", "c.pem", "--tls-key", "k.pem", "--tls-client-ca", "ca.pem"),
        *("--cors-origin", "https://app.example", "--collector-config", "c.toml", "--insecure"),
    )

    ovl(capsys, store, "collect", *words)

    handed = ["--config" if word == "--collector-config" else word for word in words]
    assert collected.words == ["--store", str(store), *handed]
    assert collected.access == Access({"authorization": "Bearer s3cret"}, Path("c.pem"))


def test_where_it_is_can_be_written_to_a_file(
    collected: Collected, store: Path, tmp_path: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "collect", "-o", "where.txt")

    assert ended.out == ""
    assert (tmp_path / "where.txt").read_text().splitlines()[0] == "recording 7"


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("port 4317 is taken"), 2), (CollectorError("it ended with code 1"), 1)],
)
def test_a_collector_that_does_not_run_is_one_line(
    collected: Collected, store: Path, capsys: Capture, error: OvlError, code: int
) -> None:
    collected.error = error

    ended = ovl(capsys, store, "collect")

    assert ended.code == code
    assert ended.err == f"ovl: {error}\n"
