"""``ovl collect``: a collector in the foreground, from its first word to what it stored.

The collector is a process of its own, so that a run and this verb have the same one. Secrets reach
it in its environment: a command line can be read by everybody on the machine.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from otel_voiceload.errors import UsageError
from otel_voiceload.runner import children
from otel_voiceload.runner.collector import CollectorHandle
from otel_voiceload.runner.plan import Access

_POLL_S: Final = 0.5
_STOPPERS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_HANDED: Final = "OVL_HANDED"  # prefix of the variables in which secrets go to the collector
_FROM_ENVIRONMENT: Final = "env:"
_OWN_NAME: Final = "ovl-collector: "


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a collector is to be started with; ``env:NAME`` stands for a variable's value.

    ``forward_headers`` are ``Name: value``.
    """

    store: Path
    options: tuple[str, ...] = ()  # words of the collector's own command line
    token: str | None = field(default=None, repr=False)
    forward_headers: tuple[str, ...] = field(default=(), repr=False)
    config: Path | None = None  # --collector-config here, --config there

    def problems(self) -> list[str]:
        found = []
        if self.token == "":  # as from a variable that nobody set: it would open the door
            found.append("--token is empty; give one, or leave the option out")
        if not all(all(_name_and_value(text)) for text in self.forward_headers):
            found.append("--forward-header wants 'Name: value' or 'Name: env:VARIABLE'")
        return found

    def shown(self) -> list[str]:
        """The collector's words with the secrets in them: for this process only."""
        return self._words(lambda text: text)

    def handed_over(self) -> tuple[list[str], dict[str, str]]:
        """The collector's words without any secret, and the environment that has them."""
        environment: dict[str, str] = {}

        def hide(secret: str) -> str:
            if secret.startswith(_FROM_ENVIRONMENT):
                return secret
            name = f"{_HANDED}_{len(environment)}"
            environment[name] = secret
            return _FROM_ENVIRONMENT + name

        return self._words(hide), environment

    def _words(self, written: Callable[[str], str]) -> list[str]:
        # With "=", since a value may begin with a dash.
        words = [f"--store={self.store}", *self.options]
        if self.token is not None:
            words.append(f"--token={written(self.token)}")
        for name, value in map(_name_and_value, self.forward_headers):
            words.append(f"--forward-header={name}: {written(value)}")
        if self.config is not None:
            words.append(f"--config={self.config}")
        return words


def _name_and_value(header: str) -> tuple[str, str]:
    name, _, value = header.partition(":")
    return name.strip(), value.strip()


def effective_config(wanted: Wanted) -> str:
    """The collector's whole configuration as TOML, secrets masked. Raises UsageError."""
    if problems := wanted.problems():
        raise UsageError("; ".join(problems))
    from ovl_collector import serve  # with all of the collector, which this process else never has

    try:
        return serve.printed_config(wanted.shown())
    except serve.CollectorError as error:
        raise UsageError(_as_typed(str(error))) from error


def collect_in_foreground(
    wanted: Wanted,
    say: Callable[[str], None],
    note: Callable[[str], None],
    access: Access,
) -> None:
    """Run a collector until Ctrl-C, SIGTERM or a hang-up, or until it ends by itself.

    ``say`` hears once where it is, ``note`` what earlier runs had left for it and, at the end, what
    was stored. ``access`` is what ``wanted`` makes it ask of its senders.

    Raises:
        UsageError: it refused its options.
        CollectorError: it ended otherwise than in order.
    """
    if problems := wanted.problems():
        raise UsageError("; ".join(problems))
    words, environment = wanted.handed_over()
    with _stopping() as told:
        try:
            child = children.start("collector", "ovl_collector.serve", words, environment)
        except UsageError as error:
            raise UsageError(_as_typed(str(error))) from error
        handle = CollectorHandle(
            str(child.ready["http"]),
            str(child.ready["grpc"]),
            str(child.ready["token"]),
            child,
            wanted.store,
            access,
        )
        try:
            say("\n".join(_where(child, handle)))
            for left in handle.deliver_leftovers(wanted.store, {}):
                note(left)
            while child.alive and not told.wait(_POLL_S):
                for line in child.news():
                    note(line)
        finally:
            handle.stop()
        if child.farewell:
            with contextlib.suppress(OSError):  # after a hang-up there is nobody to tell
                note(what_was_stored(child.farewell, wanted.store))


@contextlib.contextmanager
def _stopping() -> Iterator[Event]:
    """Set by the first signal that asks for an end."""
    told = Event()
    before = {
        number: signal.signal(number, lambda *_: told.set())
        for number in _STOPPERS
        # Under nohup a hang-up is no end.
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _where(child: children.Child, handle: CollectorHandle) -> list[str]:
    """Lines to be copied: both doors in the words of every OpenTelemetry SDK."""
    notes = child.ready.get("notes")
    scheme = handle.http.partition("://")[0]
    lines = [
        *(str(each) for each in (notes if isinstance(notes, list) else [])),
        f"recording {child.ready['recording']}",
        "point your agent at one of these (Ctrl-C ends it):",
        f"  OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT={scheme}://{handle.grpc}",
        f"  OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf OTEL_EXPORTER_OTLP_ENDPOINT={handle.http}",
    ]
    if handle.access.headers:
        lines.append(
            "  OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20TOKEN   (with your token)"
        )
    if handle.access.ca is not None:
        lines.append(f"  OTEL_EXPORTER_OTLP_CERTIFICATE={handle.access.ca}   (or what signed it)")
    return lines


def what_was_stored(farewell: Mapping[str, object], store: Path) -> str:
    """One line from the collector's last word."""
    spans, points = (_count(farewell.get(key)) for key in ("spans", "metric_points"))
    text = (
        f"the collector ended in order: {_many(spans, 'span')} and {_many(points, 'metric point')}"
        f" stored in recording {farewell.get('recording', '?')} of {store}"
    )
    for key, what in (("refused", "requests refused"), ("rejected", "spans or points rejected")):
        reasons = farewell.get(key)
        if isinstance(reasons, dict) and reasons:
            named = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
            text += f"; {what}: {named}"
    return text


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _as_typed(words: str) -> str:
    """A complaint of the collector in the words of this command's line."""
    words = words.removeprefix(_OWN_NAME)
    return words.replace("--config ", "--collector-config ")
