"""The pacing self-test: a few calls of this machine to itself, judged as a worker judges seconds.

It is the hearing check with more calls and with the eyes on our own part: the same serving end, the
same wire, the same ticker, and the bounds by which a run's seconds are thrown away. A machine that
is too busy for this would spoil a load as well.

It is a process of its own, ``python -m otel_voiceload.runner.pacing_trial``: in the process of the
command it would measure that one's imports and threads.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import orjson
import uvloop

from otel_voiceload import transports
from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.errors import OvlError, WireError
from otel_voiceload.load.health import LoopLag, Probe
from otel_voiceload.model import Health
from otel_voiceload.runner import calibrate, children
from otel_voiceload.transports.ticker import FrameTicker

MOST_CALLS: Final = 25  # both ends share one process here, so more would test that
ATTEMPTS: Final = 2  # one busy moment of the machine is no verdict on it


@dataclass(frozen=True, slots=True)
class Paced:
    """How ``calls`` were paced; ``limited_by`` are the signs by which it was not good enough."""

    calls: int
    pacing_error_p99_s: float
    late_share: float
    loop_lag_p99_s: float
    run_delay_share: float
    hearing_bias_s: float | None
    limited_by: tuple[str, ...]


async def _play(
    scheme: str, port: int, pack: ClipPack, calls: int
) -> tuple[Health, dict[str, list[int]]]:
    ticker, lag = FrameTicker(), LoopLag()
    probe = Probe(0, time.monotonic_ns())
    lag.start()
    heard = await calibrate.listen(scheme, port, pack, calls=calls, ticker=ticker)
    lag.stop()
    health = probe.take(
        time.monotonic_ns(),
        ticker.take_health(),
        lag.take_p99_s(),
        calls_active=calls,
        late_starts=0,
        connect_pending=0,
    )
    return health, heard


def measure(wire: str, calls: int) -> Paced:
    """Serve and call in this process. Raises OvlError when that can not be done."""
    scheme = transports.served_scheme(wire, secure=False)
    pack = ClipPack.load(transports.load(scheme).ENCODING)
    try:
        with calibrate.Server(scheme, pack) as server:
            health, heard = uvloop.run(_play(scheme, server.port, pack, calls))
    except (WireError, OSError) as error:
        raise OvlError(f"the pacing test could not call itself: {error}") from error
    hearing = calibrate.summary(server.late_s(heard))
    return Paced(
        calls=calls,
        pacing_error_p99_s=health.pacing_error_p99_s,
        late_share=health.late_share,
        loop_lag_p99_s=health.loop_lag_p99_s,
        run_delay_share=health.run_delay_share,
        hearing_bias_s=None if hearing is None else hearing.bias_s,
        limited_by=health.limited_by,
    )


# --- from the runner ------------------------------------------------------------------------------


def ask(wire: str, calls: int) -> Paced:
    """Measure in a process of its own. Raises OvlError when it said nothing."""
    child = children.start("pacing test", __name__, ["--wire", wire, "--calls", str(calls)], {})
    child.stop()
    return told(child.ready)


def told(ready: Mapping[str, object]) -> Paced:
    """What the line of the process says."""
    number = {name: value for name, value in ready.items() if isinstance(value, int | float)}
    reasons = ready.get("limited_by")
    return Paced(
        calls=int(number["calls"]),
        pacing_error_p99_s=float(number["pacing_error_p99_s"]),
        late_share=float(number["late_share"]),
        loop_lag_p99_s=float(number["loop_lag_p99_s"]),
        run_delay_share=float(number["run_delay_share"]),
        hearing_bias_s=number.get("hearing_bias_s"),
        limited_by=tuple(map(str, reasons)) if isinstance(reasons, list) else (),
    )


def pace(wire: str, calls: int, ask: Callable[[str, int], Paced] = ask) -> Paced:
    """As a worker with up to ``calls`` calls would do; the best of two attempts.

    Raises OvlError when nothing could be measured.
    """
    paced = ask(wire, min(calls, MOST_CALLS))
    for _ in range(ATTEMPTS - 1):
        if not paced.limited_by:
            return paced
        paced = ask(wire, min(calls, MOST_CALLS))
    return paced


def main(argv: Sequence[str] | None = None) -> int:
    words = argparse.ArgumentParser(prog="ovl-pacing", description=__doc__.partition("\n")[0])
    words.add_argument("--wire", default="plain")
    words.add_argument("--calls", type=int, default=MOST_CALLS)
    words.add_argument("--parent-pid", type=int, help="not heeded: this lasts three seconds")
    asked = words.parse_args(argv)
    try:
        paced = measure(asked.wire, asked.calls)
    except OvlError as error:
        print(f"ovl-pacing: {error}", file=sys.stderr)
        return error.exit_code
    sys.stdout.buffer.write(orjson.dumps({"event": "ready", **asdict(paced)}) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
