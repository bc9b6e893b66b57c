"""The kill switch: how a run is found from outside, and everything that can tell it to stop.

A run announces itself with a file in its store and holds that file's lock for as long as it lives,
so one that was killed is told from one that runs without trusting a process id. To stop it somebody
makes a second file beside the first: that needs no signal, no port and no right to the process, and
where ``ovl`` is not at hand ``touch`` does it too.

    <store>/runs/<run id>.json    who runs, locked
    <store>/runs/<run id>.stop    somebody wants it to stop
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Literal

import orjson

from otel_voiceload.errors import ExitCode, Interrupted, Terminated, UsageError
from otel_voiceload.store.locate import lock_is_held

FOLDER = "runs"
_STOPPERS = (signal.SIGINT, signal.SIGTERM)
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Running:
    """What a run tells of itself to those who may want to stop it."""

    run_id: str
    pid: int
    started_unix_ns: int
    target: str
    tag: str = ""

    def words(self) -> str:
        minutes, seconds = divmod(max(0, time.time_ns() - self.started_unix_ns) // 10**9, 60)
        named = f" ({self.tag})" if self.tag else ""
        return f"{self.run_id}{named} to {self.target} for {minutes}:{seconds:02}"


class RunControl:
    """Announces a run for as long as the block lasts; ``asked`` says whether it is to stop.

    Raises UsageError when the store can not be written to: a load that nobody else could stop is
    not started.
    """

    def __init__(self, store: Path, running: Running) -> None:
        self._running = running
        self._file = store / FOLDER / f"{running.run_id}.json"
        self._lock: int | None = None
        self.stop_file = stop_file(store, running.run_id)

    def __enter__(self) -> RunControl:
        fresh = self._file.with_suffix(".tmp")
        try:
            _make_store(self._file.parents[1])
            self._file.parent.mkdir(exist_ok=True)
            self._lock = os.open(fresh, os.O_CREAT | os.O_RDWR | os.O_TRUNC, 0o644)
            # Locked before it has its name: a reader never sees it without and takes it for stale.
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            os.write(self._lock, orjson.dumps(asdict(self._running)))
            fresh.rename(self._file)
        except OSError as error:
            raise UsageError(
                f"can not write {self._file}, by which `ovl stop` finds the run: "
                f"{error.strerror or error}; name another folder with --store"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.unlink(missing_ok=True)
        self.stop_file.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)

    def asked(self) -> bool:
        return self.stop_file.exists()


def _make_store(store: Path) -> None:
    """An empty store where there is none: a run may send its spans to a collector elsewhere."""
    if store.is_dir() and any(store.iterdir()):
        return
    (store / "recordings").mkdir(parents=True)
    (store / ".gitignore").write_text("*\n")


def stop_file(store: Path, run_id: str) -> Path:
    return store / FOLDER / f"{run_id}.stop"


def find_running(store: Path) -> tuple[Running, ...]:
    """The runs of a store that are alive now, oldest first; what dead ones left is removed."""
    found = []
    for path in sorted((store / FOLDER).glob("*.json")):
        if not lock_is_held(path):
            path.unlink(missing_ok=True)
            path.with_suffix(".stop").unlink(missing_ok=True)
            continue
        with suppress(OSError, orjson.JSONDecodeError, TypeError):  # it ended a moment ago
            found.append(Running(**orjson.loads(path.read_bytes())))
    return tuple(sorted(found, key=lambda running: running.started_unix_ns))


def choose(running: Sequence[Running], wanted: str | None, store: Path) -> tuple[Running, ...]:
    """The run that is meant by an id, the beginning of one, a tag or ``latest``.

    Raises:
        UsageError: none or several are meant; the message lists those that run.
    """
    if not running:
        raise UsageError(
            f"no run of the store {store} is going on; name the store of its generator with --store"
        )
    listed = "; ".join(each.words() for each in running)
    if wanted is None:
        if len(running) > 1:
            raise UsageError(f"{len(running)} runs are going on: {listed}; name one, or use --all")
        return tuple(running)
    if wanted == "latest":
        return (running[-1],)
    exact = [each for each in running if wanted in (each.run_id, each.tag)]
    meant = exact or [each for each in running if each.run_id.startswith(wanted)]
    if len(meant) != 1:
        which = "several of the runs are" if meant else "no run that is going on is"
        raise UsageError(f"{which} {wanted!r}; going on: {listed}")
    return tuple(meant)


def ask(store: Path, running: Running) -> None:
    """Tell a run to stop; raises UsageError when the file can not be made."""
    path = stop_file(store, running.run_id)
    try:
        path.touch()
    except OSError as error:
        raise UsageError(
            f"can not make {path}: {error.strerror or error}; kill -TERM {running.pid} stops it too"
        ) from None


def wait_over(
    store: Path,
    running: Sequence[Running],
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Running, ...]:
    """Those that still go on after at most ``timeout_s``."""
    until_s = clock() + timeout_s
    left = tuple(running)
    while left:
        alive = {each.run_id for each in find_running(store)}
        left = tuple(each for each in left if each.run_id in alive)
        if not left or clock() >= until_s:
            break
        sleep(_POLL_S)
    return left


class StopRequests:
    """What was asked for so far with signals or the stop file; a second signal means at once."""

    def __init__(self, asked: Callable[[], bool]) -> None:
        self._asked = asked
        self.count = 0
        self._number: int = signal.SIGINT
        self._by: Literal["user", "kill"] | None = None

    def take(self, number: int, _frame: FrameType | None) -> None:
        """As a signal handler."""
        self.count += 1
        self._number = number
        self._by = self._by or "user"

    def look(self) -> bool:
        """Whether anybody wants an end; looks for the stop file until there is a reason."""
        if self._by is None and self._asked():
            self._by = "kill"
            self.count += 1
        return self._by is not None

    @property
    def stop_reason(self) -> Literal["user", "kill"]:
        """``user``: a signal to the run itself; ``kill``: the kill switch, from elsewhere."""
        return self._by or "user"

    @property
    def how(self) -> str:
        """What asked for it, in words."""
        if self._by == "kill":
            return "ovl stop"
        return "SIGTERM" if self.terminated else "Ctrl-C"

    @property
    def terminated(self) -> bool:
        return self._number == signal.SIGTERM

    @property
    def exit_code(self) -> ExitCode | None:
        if self._by is None:
            return None
        return ExitCode.TERMINATED if self.terminated else ExitCode.INTERRUPTED

    def error(self, what: str) -> Interrupted:
        return Terminated(what) if self.terminated else Interrupted(what)


@contextmanager
def heeding(asked: Callable[[], bool]) -> Iterator[StopRequests]:
    """Signals are noted in here and not acted upon: whoever opens the block looks for them."""
    requests = StopRequests(asked)
    before = {number: signal.signal(number, requests.take) for number in _STOPPERS}
    try:
        yield requests
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def terminable() -> Iterator[None]:
    """SIGTERM unwinds like Ctrl-C in here, so that children are stopped and files removed."""

    def unwind(_number: int, _frame: FrameType | None) -> None:
        raise Terminated("told to end before the run was over; what is stored can be analysed")

    before = signal.signal(signal.SIGTERM, unwind)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
