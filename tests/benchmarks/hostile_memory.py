"""How far requests of ill will make the collector's memory grow, beside a client of good will.

The whole hostile corpus over HTTP, several times over, and the largest gRPC messages from several
connections at once, which stay in memory longest. Peak memory is the kernel's own (VmHWM). Leaves
with 1 when it grows by more than is allowed, when anything is answered otherwise than it must be,
or when the good client loses a batch.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import grpc

from tests.benchmarks.running import json_line, machine, need_proc, table
from tests.collector.processes import FREE, Served
from tests.faults.findings import look, peak_mib
from tests.faults.hostile import MIB, corpus, status_of
from tests.faults.load import EXPORT, Load, span_ids

MOST_MIB = 256.0
CHANNELS = 4
MESSAGES = 40
SETTLE_BATCHES = 200  # of the good clients, until memory is what it is without hostility
_OWN = [("grpc.use_local_subchannel_pool", 1)]  # else all channels share one connection
_ALLOWED = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAVAILABLE}


def over_http(served: Served, rounds: int) -> list[str]:
    """Plays the corpus; what was answered wrongly."""
    wrong = []
    for _ in range(rounds):
        for hostile in corpus():
            status = status_of(served, hostile)
            if status not in hostile.statuses:
                wrong.append(f"{hostile.name} was answered {status}")
    return wrong


def over_grpc(served: Served) -> list[str]:
    """Large messages at once; what was answered wrongly."""
    body = b"\xff" * (15 * MIB)

    def export(channel: grpc.Channel) -> grpc.StatusCode:
        try:
            channel.unary_unary(EXPORT)(body, timeout=60)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    with ExitStack() as held, ThreadPoolExecutor(MESSAGES) as pool:
        channels = [
            held.enter_context(grpc.insecure_channel(served.grpc, options=_OWN))
            for _ in range(CHANNELS)
        ]
        codes = Counter(pool.map(export, [channels[n % CHANNELS] for n in range(MESSAGES)]))
    return [f"{count} messages were answered {code}" for code, count in codes.items()
            if code not in _ALLOWED]  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of the corpus over HTTP")
    asked = parser.parse_args()
    need_proc()
    before = machine()
    with tempfile.TemporaryDirectory(prefix="ovl-hostile-") as folder:
        store = Path(folder, "store")
        with Served(store, *FREE) as served:
            load = Load(served, clients=2)
            load.wait_for(SETTLE_BATCHES)
            quiet_mib = peak_mib(served.process.pid)
            wrong = over_http(served, asked.rounds)
            http_mib = peak_mib(served.process.pid)
            wrong += over_grpc(served)
            load.wait_for(20)
            acked = load.stop()
            peak = peak_mib(served.process.pid)
            code, errors = served.stop()
        copies = look(store).copies
    if code or errors:
        wrong.append(f"the collector ended with {code}: {errors}")
    if {copies.get(identifier) for identifier in span_ids(acked)} != {1} or load.broken:
        wrong.append("the good clients lost something, or had it stored twice")
    growth = peak - quiet_mib
    table(
        (f"collector, {asked.rounds} rounds of the hostile corpus", "VmHWM"),
        [
            ("with good clients alone", f"{quiet_mib:.0f} MiB"),
            ("after hostile HTTP requests", f"+{http_mib - quiet_mib:.0f} MiB"),
            ("after large gRPC messages at once too", f"+{growth:.0f} MiB"),
        ],
    )
    holds = growth <= MOST_MIB
    word = "holds" if holds else "SHORT"
    print(f"{word}  MiB, growth of peak memory: {growth:,.0f}, at most {MOST_MIB:,.0f}")
    for line in wrong:
        print(f"SHORT  {line}")
    json_line(
        "hostile_memory",
        before,
        rounds=asked.rounds,
        quiet_mib=round(quiet_mib),
        growth_http_mib=round(http_mib - quiet_mib),
        growth_mib=round(growth),
        wrong=wrong,
    )
    return 0 if holds and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
