from __future__ import annotations

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from otel_voiceload.agent import serve
from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.knee import Knee
from otel_voiceload.runner import listening
from otel_voiceload.transports.wire import ServeOptions
from tests.cli.ovl import ovl

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@dataclass
class Served:
    """Stands for the serving agent: listens nowhere, says that it does."""

    configs: list[AgentConfig] = field(default_factory=list)
    options: list[ServeOptions] = field(default_factory=list)
    wires: list[str] = field(default_factory=list)
    otlp: str | None = None

    def __call__(
        self,
        config: AgentConfig,
        knee: Knee,
        options: ServeOptions,
        wire: str,
        otlp: str | None,
        parent_pid: int | None,
        ready: Callable[[serve.Ready], None],
    ) -> None:
        assert parent_pid is None
        self.configs.append(config)
        self.options.append(options)
        self.wires.append(wire)
        self.otlp = otlp
        ready(serve.Ready("ws://127.0.0.1:8765", 8765, 1, "pack", config.seed, knee))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Served:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OVL_CONFIG", raising=False)
    one = Served()
    monkeypatch.setattr(serve, "run", one)
    return one


def test_it_says_where_it_is_where_it_will_bend_and_how_to_call_it(
    served: Served, store: Path, capsys: Capture
) -> None:
    ended = ovl(capsys, store, "agent")

    assert ended.code == 0
    assert ended.out.startswith("reference agent at ws://127.0.0.1:8765; llm is full at ")
    assert "ovl generate ws://127.0.0.1:8765" in ended.err
    assert (served.options[0].host, served.options[0].port) == ("127.0.0.1", 8765)


def test_whoever_reads_it_through_a_pipe_hears_of_it_while_it_serves(
    served: Served, store: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, write_through=False))

    ovl(capsys, store, "agent")

    assert pipe.getvalue().startswith(b"reference agent at ws://127.0.0.1:8765")


def test_options_reach_the_agent(served: Served, store: Path, capsys: Capture) -> None:
    ovl(
        capsys,
        store,
        *("agent", "--host", "0.0.0.0", "--port", "0", "--stt-capacity", "3"),
        *("--llm-capacity", "4", "--tts-capacity", "5", "--fault", "drop", "--seed", "9"),
        *("--otlp", "http://127.0.0.1:4318", "--tls-cert", "c.pem", "--tls-key", "k.pem"),
        *("--wire", "twilio"),
    )

    parts = served.configs[0].components
    assert (parts.stt.capacity, parts.llm.capacity, parts.tts.capacity) == (3, 4, 5)
    assert served.configs[0].seed == 9
    assert len(served.configs[0].faults) == 1
    assert served.otlp == "http://127.0.0.1:4318"
    assert served.wires == ["twilio"]
    options = served.options[0]
    assert (options.host, options.port) == ("0.0.0.0", 0)
    assert (options.tls_cert, options.tls_key) == (Path("c.pem"), Path("k.pem"))


def test_a_planted_limit_is_told(served: Served, store: Path, capsys: Capture) -> None:
    words = ("--plant", "tts:30", "--cycle", "speech=1.2s,think=200ms")

    ended = ovl(capsys, store, "agent", *words)

    assert "tts is full at 30 calls" in ended.out


def test_config_is_the_agents_own_file(
    served: Served, store: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "limits.yaml").write_text("seed: 5\nnetwork: {delay: 20ms}\n")

    ovl(capsys, store, "agent", "--config", "limits.yaml")

    assert served.configs[0].seed == 5
    assert served.options[0].network_delay is not None


def test_the_usual_file_gives_the_defaults_beside_it(
    served: Served, store: Path, tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "limits.yaml").write_text("seed: 5\n")
    (tmp_path / "ovl.yaml").write_text("agent: {port: 9000, config_file: limits.yaml}\n")

    ovl(capsys, store, "agent")
    ovl(capsys, store, "agent", "--port", "9001")

    assert [options.port for options in served.options] == [9000, 9001]
    assert [config.seed for config in served.configs] == [5, 5]


def test_the_usual_file_may_be_elsewhere(
    served: Served, store: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ci.yaml").write_text("agent: {port: 9000}\n")
    monkeypatch.setenv("OVL_CONFIG", "ci.yaml")

    ovl(capsys, store, "agent")

    assert served.options[0].port == 9000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--config", "gone.yaml"), "gone.yaml: No such file"),
        (("--config", "broken.yaml"), "broken.yaml: not YAML at line"),
        (("--plant", "brain:3"), "brain"),
        (("--cycle", "speech=soon"), "soon"),
        (("--fault", "earthquake"), "earthquake"),
    ],
)
def test_what_can_not_be_served_is_one_line(
    served: Served,
    store: Path,
    tmp_path: Path,
    capsys: Capture,
    words: tuple[str, ...],
    said: str,
) -> None:
    (tmp_path / "broken.yaml").write_text("name: [unclosed\n")

    ended = ovl(capsys, store, "agent", *words)

    assert (ended.code, served.configs) == (2, [])
    assert said in ended.err
    assert ended.err.count("\n") == 1


def test_an_endpoint_that_somebody_else_holds_is_told(
    served: Served, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    asked = []

    def doubt(url: str, where: Path) -> str:
        asked.append((url, where))
        return "whoever takes the spans is no collector of ours"

    monkeypatch.setattr(listening, "doubt", doubt)
    ended = ovl(capsys, store, "agent", "--otlp", "http://127.0.0.1:4318", "-q")

    assert asked == [("http://127.0.0.1:4318", store)]
    assert "ovl: whoever takes the spans is no collector of ours" in ended.err
