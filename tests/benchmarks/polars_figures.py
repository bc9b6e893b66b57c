"""The same figures once more, by polars, from what `ovl export` wrote: a second opinion and a pace.

Turn latency per level, and the median own time of each component per level, reckoned from every
turn and every observation of a component's work by the words of docs/method.md, without a line of
our SQL. Only which quarter of a second counts for which level is taken from the store. Prints one
JSON object; a process of its own, so that its time and memory can be told.

Holds for simulated runs: one source per component, and no work that is told twice.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import polars as pl

TURNS: Final = "turns.parquet"
WORK: Final = "component_observations.parquet"
SLOTS: Final = "slots.csv"
_PLACES: Final = {"stt": 1, "endpointing": 2, "tool": 3, "llm": 4, "text_aggregation": 5, "tts": 6}
_SLOT_NS: Final = 250_000_000
_TURN: Final = ["call_id", "turn_index"]


def main() -> int:
    folder = Path(sys.argv[1])
    slots = pl.read_csv(folder / SLOTS).lazy()
    turns = _turns(folder / TURNS, slots)
    latency = (
        turns.filter(pl.col("level_no").is_not_null() & pl.col("response_latency_s").is_not_null())
        .filter(~pl.col("held_up") & (pl.col("keeps_first") | ~pl.col("first").fill_null(False)))
        .group_by("level_no")
        .agg(
            pl.col("response_latency_s").quantile(0.50, "linear").alias("p50_s"),
            pl.col("response_latency_s").quantile(0.95, "linear").alias("p95_s"),
        )
    )
    own = _own_times(folder / WORK, turns)
    answers = pl.collect_all([latency.sort("level_no"), own.sort("component", "level_no")])
    print(json.dumps({"turns": answers[0].to_dicts(), "own": answers[1].to_dicts()}))
    return 0


def _turns(path: Path, slots: pl.LazyFrame) -> pl.LazyFrame:
    columns = [*_TURN, "start_ns", "first", "held_up", "response_latency_s"]
    return (
        pl.scan_parquet(path)
        .select(columns)
        .with_columns((pl.col("start_ns") // _SLOT_NS).alias("slot"))
        .join(slots, on="slot", how="left")
    )


def _own_times(path: Path, turns: pl.LazyFrame) -> pl.LazyFrame:
    """What is left of a component's time when that of earlier ones of the turn is taken off."""
    work = (
        pl.scan_parquet(path)
        .select(*_TURN, "component", "start_ns", "first_ns", "error_type")
        .filter(pl.col("component").is_in(list(_PLACES)))
    )
    going_on = pl.col("error_type").is_null() | (pl.col("error_type") != "cancelled")
    moments = []
    for name in _PLACES:
        of = pl.col("component") == name
        moments += [
            pl.col("start_ns").filter(of).min().alias(f"{name}_begin"),
            pl.col("first_ns").filter(of).max().alias(f"{name}_done"),
            pl.col("start_ns").filter(of & going_on).min().alias(f"{name}_own_begin"),
            pl.col("first_ns").filter(of & going_on).max().alias(f"{name}_own_done"),
        ]
    wide = work.group_by(_TURN).agg(moments)
    counted = turns.filter(
        pl.col("level_no").is_not_null()
        & (pl.col("keeps_first") | ~pl.col("first").fill_null(False))
    ).select(*_TURN, "level_no", pl.col("response_latency_s").is_not_null().alias("heard"))
    each = wide.join(counted, on=_TURN)
    parts = []
    earlier: list[str] = []
    for name in _PLACES:
        # What was given up counts only where nothing else came of it, and somebody waited for it.
        given_up = pl.col(f"{name}_own_begin").is_null()
        begin = pl.coalesce(f"{name}_own_begin", f"{name}_begin")
        done = pl.coalesce(f"{name}_own_done", f"{name}_done")
        own_ns = done - begin
        if earlier:
            others_begin = pl.min_horizontal([f"{other}_begin" for other in earlier])
            others_done = pl.max_horizontal([f"{other}_done" for other in earlier])
            before = (pl.min_horizontal(done, others_begin) - begin).clip(lower_bound=0)
            after = (done - pl.max_horizontal(begin, others_done)).clip(lower_bound=0)
            own_ns = pl.when(others_begin.is_null()).then(own_ns).otherwise(before + after)
        earlier.append(name)
        parts.append(
            each.filter(begin.is_not_null() & (done >= begin) & (~given_up | pl.col("heard")))
            .select("level_no", (own_ns / 1e9).alias("self_s"))
            .group_by("level_no")
            .agg(pl.col("self_s").median())
            .select(pl.lit(name).alias("component"), "level_no", "self_s")
        )
    return pl.concat(parts)


if __name__ == "__main__":
    sys.exit(main())
