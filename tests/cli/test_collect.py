from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from otel_voiceload.errors import CollectorError, OvlError, UsageError
from otel_voiceload.runner import collecting
from otel_voiceload.runner.collecting import Wanted
from otel_voiceload.runner.plan import Access
from tests.cli.ovl import ovl

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


class Collected:
    """Stands for the collector in the foreground."""

    def __init__(self) -> None:
        self.wanted: Wanted | None = None
        self.access = Access()
        self.error: OvlError | None = None

    def __call__(
        self,
        wanted: Wanted,
        say: Callable[[str], None],
        note: Callable[[str], None],
        access: Access,
    ) -> None:
        self.wanted = wanted
        self.access = access
        if self.error is not None:
            raise self.error
        say("recording 7\nOTLP/HTTP http://127.0.0.1:4318")


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Collected:
    monkeypatch.chdir(tmp_path)
    one = Collected()
    monkeypatch.setattr(collecting, "collect_in_foreground", one)
    return one


def test_without_options_only_the_store_is_told(
    collected: Collected, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "collect")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == "recording 7\nOTLP/HTTP http://127.0.0.1:4318\n"
    assert collected.wanted == Wanted(store)


def test_every_option_is_handed_on(
    collected: Collected, store: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    handed = (
        *("--grpc=127.0.0.1:1", "--http=127.0.0.1:2", "--tls-cert=c.pem", "--tls-key=k.pem"),
        *("--tls-client-ca=ca.pem", "--max-size=1GiB", "--max-age=7d"),
        *("--forward=http://far:4318", "--cors-origin=https://app.example", "--insecure"),
    )
    kept = (
        *("--token", "env:TOKEN", "--forward-header", "a: b", "--forward-header", "c: env:D"),
        *("--collector-config", "c.toml"),
    )

    ovl(capsys, store, "collect", *handed, *kept)

    assert collected.wanted == Wanted(
        store, handed, "env:TOKEN", ("a: b", "c: env:D"), Path("c.toml")
    )
    assert collected.access == Access({"authorization": "Bearer s3cret"}, Path("c.pem"))


def test_the_configuration_can_be_shown_instead(
    collected: Collected, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "collect", "--token", "s3cret", "--print-config")

    assert (ended.code, ended.err) == (0, "")
    assert 'token = "***"' in ended.out
    assert "s3cret" not in ended.out
    assert collected.wanted is None


def test_a_file_that_can_not_be_read_is_named_by_the_option_that_was_typed(
    collected: Collected, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "collect", "--collector-config", "/nope", "--print-config")

    assert ended.code == 2
    assert ended.err.startswith("ovl: --collector-config /nope can not be read")


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
