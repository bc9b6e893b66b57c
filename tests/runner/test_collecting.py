"""The collector in the foreground: its words, its secrets, its ends."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from otel_voiceload.errors import CollectorError, UsageError
from otel_voiceload.runner import children
from otel_voiceload.runner.collecting import (
    Wanted,
    collect_in_foreground,
    effective_config,
    what_was_stored,
)
from otel_voiceload.runner.plan import Access
from ovl_collector.command_line import config_from
from ovl_collector.options import read_options

FAREWELL: dict[str, object] = {
    "event": "ended",
    "recording": "20261123T101500-ab12",
    "spans": 1234,
    "metric_points": 56,
    "refused": {"undecodable": 3, "queue_full": 1},
    "rejected": {},
}


class FakeChild:
    """A collector process that ends when it is told, or has ended."""

    def __init__(self, *, alive: bool = True, code: int = 0, words: str = "") -> None:
        self.alive = alive
        self.code = code
        self.words = words
        self.stopped = 0
        self.farewell: dict[str, object] = {}
        self.pid = 7
        self.ready: dict[str, object] = {
            "http": "http://127.0.0.1:4318",
            "grpc": "127.0.0.1:4317",
            "token": "control",
            "recording": "20261123T101500-ab12",
            "notes": ["port 4317 is taken"],
        }

    def stop(self) -> int:
        self.stopped += 1
        self.alive = False
        self.farewell = FAREWELL
        return self.code

    def last_words(self) -> str:
        return self.words

    def news(self) -> list[str]:
        return ["can not store"]


class Start:
    """Stands for ``children.start``; keeps what it was told."""

    def __init__(self, child: FakeChild) -> None:
        self.child = child
        self.words: list[str] = []
        self.environment: dict[str, str] = {}

    def __call__(
        self, name: str, module: str, words: Sequence[str], environment: Mapping[str, str]
    ) -> FakeChild:
        self.words, self.environment = list(words), dict(environment)
        return self.child


pytestmark = pytest.mark.usefixtures("hang_ups_heard")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Start:
    made = Start(FakeChild())
    monkeypatch.setattr(children, "start", made)
    return made


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_it_says_where_it_is_drains_when_told_and_says_what_was_stored(
    start: Start, tmp_path: Path, number: int
) -> None:
    said, noted = list[str](), list[str]()

    def say(text: str) -> None:
        said.append(text)
        signal.raise_signal(number)

    before = signal.getsignal(number)
    collect_in_foreground(Wanted(tmp_path), say, noted.append, Access())

    assert start.child.stopped == 1
    lines = "".join(said).splitlines()
    assert lines[:2] == ["port 4317 is taken", "recording 20261123T101500-ab12"]
    assert [line.split() for line in lines[-2:]] == [
        [
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc",
            "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317",
        ],
        [
            "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
            "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318",
        ],
    ]
    assert noted[-1].startswith("the collector ended in order: 1,234 spans and 56 metric points")
    assert signal.getsignal(number) is before


def test_what_the_collector_complains_of_meanwhile_is_passed_on(
    start: Start, tmp_path: Path
) -> None:
    noted: list[str] = []

    def note(text: str) -> None:
        noted.append(text)
        signal.raise_signal(signal.SIGTERM)

    collect_in_foreground(Wanted(tmp_path), lambda _: None, note, Access())

    assert noted[0] == "can not store"


def test_under_nohup_a_hang_up_is_no_end(start: Start, tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:

        def say(_: str) -> None:
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            signal.raise_signal(signal.SIGTERM)

        collect_in_foreground(Wanted(tmp_path), say, lambda _: None, Access())
    finally:
        signal.signal(signal.SIGHUP, before)


def test_after_a_hang_up_nobody_has_to_be_told(start: Start, tmp_path: Path) -> None:
    def gone(_: str) -> None:
        raise OSError("the terminal is gone")

    start.child.news = list  # type: ignore[method-assign]
    collect_in_foreground(
        Wanted(tmp_path), lambda _: signal.raise_signal(signal.SIGHUP), gone, Access()
    )

    assert start.child.stopped == 1


def test_one_that_ends_by_itself_ends_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(children, "start", Start(FakeChild(alive=False, code=1, words="disk full")))

    with pytest.raises(CollectorError, match="disk full"):
        collect_in_foreground(Wanted(tmp_path), lambda _: None, print, Access())


def test_no_secret_stands_on_the_childs_command_line(start: Start, tmp_path: Path) -> None:
    wanted = Wanted(
        tmp_path,
        ("--forward=http://far:4318",),
        token="s3cret",
        forward_headers=("x-key: k:3y", "y: env:MINE"),
    )
    collect_in_foreground(
        wanted, lambda _: signal.raise_signal(signal.SIGTERM), lambda _: None, Access()
    )

    assert start.words == [
        f"--store={tmp_path}",
        "--forward=http://far:4318",
        "--token=env:OVL_HANDED_0",
        "--forward-header=x-key: env:OVL_HANDED_1",
        "--forward-header=y: env:MINE",
    ]
    assert start.environment == {"OVL_HANDED_0": "s3cret", "OVL_HANDED_1": "k:3y"}
    assert "3" not in repr(wanted).replace(str(tmp_path), "").replace("4318", "")


def test_what_was_handed_over_is_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = Wanted(tmp_path, ("--forward=http://far:4318",), "-s3cret", ("x: k:3y", "y: env:MINE"))
    words, environment = wanted.handed_over()
    for name, secret in {**environment, "MINE": "m1ne"}.items():
        monkeypatch.setenv(name, secret)

    config = config_from(read_options(words, {}))

    assert (config.store, config.token) == (tmp_path, "-s3cret")
    assert config.forward is not None
    assert dict(config.forward.headers) == {"x": "k:3y", "y": "m1ne"}


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        (Wanted(Path("s"), token=""), "--token is empty"),
        (Wanted(Path("s"), forward_headers=("secret",)), "wants 'Name: value'"),
        (Wanted(Path("s"), forward_headers=("secret: ",)), "wants 'Name: value'"),
    ],
)
def test_words_that_can_not_be_meant_start_nothing(
    start: Start, wanted: Wanted, complaint: str
) -> None:
    for ask in (
        lambda: collect_in_foreground(wanted, print, print, Access()),
        lambda: effective_config(wanted),
    ):
        with pytest.raises(UsageError, match=complaint) as refused:
            ask()
        assert "secret" not in str(refused.value)
    assert start.words == []


def test_a_file_that_is_not_there_is_named_as_it_was_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wanted = Wanted(tmp_path, config=Path("/nope"))

    def refuse(*_: object) -> None:
        raise UsageError("ovl-collector: --config /nope can not be read: No such file")

    monkeypatch.setattr(children, "start", refuse)
    with pytest.raises(UsageError, match=r"^--collector-config /nope can not be read"):
        collect_in_foreground(wanted, print, print, Access())
    with pytest.raises(UsageError, match=r"^--collector-config /nope can not be read"):
        effective_config(wanted)


def test_the_effective_configuration_shows_where_a_secret_is_and_none_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVL_MAX_AGE", "1d")  # of this command, which has read it
    file = tmp_path / "collector.toml"
    file.write_text('segment_items = 7\ntoken = "in-the-file"\n')
    shown = effective_config(
        Wanted(Path("here"), ("--max-size=1GiB",), "-s3cret", ("x: env:KEY", "y: z3"), file)
    )

    assert 'store = "here"' in shown
    assert 'token = "***"' in shown
    assert 'forward_header = ["x: env:KEY","y: ***"]' in shown
    assert "segment_items = 7" in shown
    assert 'max_size = "1GiB"' in shown
    assert "max_age" not in shown


def test_what_was_not_stored_is_said_beside_what_was() -> None:
    assert what_was_stored(FAREWELL, Path("s")) == (
        "the collector ended in order: 1,234 spans and 56 metric points stored in recording "
        "20261123T101500-ab12 of s; requests refused: queue_full 1, undecodable 3"
    )
    assert "1 span and 0 metric points stored" in what_was_stored({"spans": 1}, Path("s"))


def test_a_guarded_door_is_shown_with_what_opens_it(start: Start, tmp_path: Path) -> None:
    said: list[str] = []

    def say(text: str) -> None:
        said.extend(text.splitlines())
        signal.raise_signal(signal.SIGTERM)

    start.child.ready["http"] = "https://127.0.0.1:4318"
    access = Access({"authorization": "Bearer s3cret"}, Path("cert.pem"))
    collect_in_foreground(Wanted(tmp_path), say, lambda _: None, access)

    assert sum("=https://127.0.0.1:431" in line for line in said) == 2
    assert "OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN" in said[-2]
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE=cert.pem" in said[-1]
    assert "s3cret" not in " ".join(said)
