"""Child processes that announce themselves."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from otel_voiceload.errors import OvlError, UsageError
from otel_voiceload.runner import children

READY = """
import json, signal, sys
print(json.dumps({"event": "ready", "port": 7}), flush=True)
signal.sigwait({signal.SIGTERM})
print("drained", file=sys.stderr)
sys.exit(0)
"""


Write = Callable[[str, str], str]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    def write(name: str, text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def test_a_child_is_ready_when_it_says_so_and_drains_when_told(
    module: Write,
) -> None:
    source = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})" + READY
    child = children.start("collector", module("child_ready", source), [], {})

    assert child.ready["port"] == 7
    assert child.alive
    assert child.stop() == 0


def test_what_a_child_says_meanwhile_and_at_last_is_heard(
    module: Write,
) -> None:
    source = """
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("first", "half", sep="\\n", end="", file=sys.stderr, flush=True)
print('{"event": "ready"}', flush=True)
signal.sigwait({signal.SIGTERM})
print(" and the rest", file=sys.stderr, flush=True)
print('{"event": "ended", "spans": 3}', flush=True)
"""
    child = children.start("collector", module("child_talks", source), [], {})

    assert child.news() == ["first"]
    assert child.news() == []
    assert child.farewell == {}
    assert child.stop() == 0
    assert child.farewell == {"event": "ended", "spans": 3}


def test_a_child_that_refuses_its_options_is_a_usage_error_in_its_own_words(
    module: Write,
) -> None:
    name = module(
        "child_refuses", "import sys; sys.exit(print('port 1 is taken', file=sys.stderr) or 2)"
    )

    with pytest.raises(UsageError, match="port 1 is taken"):
        children.start("collector", name, [], {})


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise SystemExit(5)", "it said nothing"),
        ("raise RuntimeError('no disk')", "no disk"),
        ("print('hello')", "it said nothing"),
    ],
)
def test_a_child_that_does_not_start_is_named_with_its_last_words(
    module: Write, source: str, words: str
) -> None:
    with pytest.raises(OvlError, match=rf"the collector did not start.*{words}"):
        children.start("collector", module(f"child_{abs(hash(source))}", source), [], {})


def test_a_child_that_ignores_the_signal_is_killed(
    module: Write,
) -> None:
    source = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        'print(\'{"event": "ready"}\', flush=True)\n'
        "time.sleep(30)"
    )
    child = children.start("agent", module("child_deaf", source), [], {})

    assert child.stop(timeout_s=0.2) == -9
