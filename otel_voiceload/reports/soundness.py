"""What a run's validity rests on: read once, for the report and for the list of runs alike.

The two must say the same of a run, so both come here and nobody else asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, cast

from otel_voiceload.analysis import validity
from otel_voiceload.analysis.offered import Offered
from otel_voiceload.analysis.saturation import SERVED
from otel_voiceload.reports import build_findings as findings
from otel_voiceload.reports import build_kept as kept
from otel_voiceload.reports import said
from otel_voiceload.reports.build_window import Window
from otel_voiceload.store import spooled
from otel_voiceload.store.reading import Reading

UNTIMED: Final = 0.05  # of the answered turns: as the doctor warns of it
IN_SPOOL: Final = "waiting_in_spool"  # among the lost until it is delivered: so the ledger closes
Row = Mapping[str, object]


class Soundness:
    """The rows of one run, or of a window of it; ``facts`` is its row of run_facts."""

    def __init__(
        self, reading: Reading, run_id: str, facts: Row, window: Window | None = None
    ) -> None:
        self._facts = facts
        self._window = window
        self._notes = reading.notes
        self._losses = reading.losses
        self._spooled = spooled.waiting(reading.path, run_id)
        self.ledger: Row = reading.query("run_ledger", run_id=run_id)[0]
        self.levels = reading.query("level_table", run_id=run_id)
        self.sources = reading.query("component_sources", run_id=run_id)
        self.faulty = reading.query("faulty_components", run_id=run_id)
        self.clocks = reading.query("component_clocks", run_id=run_id)
        self.health: Row = reading.query("generator_health", run_id=run_id)[0]
        self.starts: Row = reading.query("turn_starts", run_id=run_id)[0]

    def judged(self) -> tuple[validity.Validity, list[str]]:
        """The run's validity and the reasons for it."""
        facts, ledger = self._facts, self.ledger
        sources: dict[str, list[str]] = {}
        for row in self.sources:
            sources.setdefault(str(row["component"]), []).append(str(row["source"]))
        return validity.assess(
            validity.Facts(
                turns=cast(int, ledger["turns"]),
                calls=cast(int, ledger["calls"]),
                levels=len(self.levels),
                levels_limited=self._excluded("the generator"),
                levels_thin=self._excluded("fewer"),
                shut_down=bool(facts["shut_down"]),
                stop_reason=cast("str | None", facts["stop_reason"]),
                spans_ended=cast("int | None", facts["spans_ended"]),
                spans_stored=cast(int, ledger["spans_stored"]),
                spans_lost=self.lost(),
                untimed=self._untimed(sources),
                spans_waiting=self._spooled.spans,
                impossible_turns=cast(int, ledger["impossible_turns"]),
                impossible_calls=cast(int, ledger["impossible_calls"]),
                sources=sources,
                notes=self._remarks(),
                losses=kept.losses(self._losses, ledger),
                shards=cast("int | None", facts["shards"]) or 1,
                shards_lost=self._shards_lost(),
                calls_failed_here=cast(int, ledger["calls_failed_here"]),
                hearing_unknown=self._hearing_unknown(),
                offered=self._offered(),
                window="" if self._window is None else self._window.holds_no_turn,
            )
        )

    def lost(self) -> dict[str, int]:
        """Spans by reason: what the run said at its end, and what became of its spool since."""
        told = said.counts(self._facts["spans_lost"])
        return dict(Counter(told) + Counter(self._spooled.lost))

    def lost_or_waiting(self) -> dict[str, int]:
        waiting = self._spooled.spans
        return self.lost() | ({IN_SPOOL: waiting} if waiting else {})

    def _untimed(self, timed: Iterable[str]) -> dict[str, float]:
        """Of the components that have timing, the share of answered turns that lack it. Turns that
        were rolled up are not known by their answer."""
        answered = cast(int, self.ledger["answered"])
        if not answered or self.ledger["turns_removed"]:
            return {}
        turns: Counter[str] = Counter()
        for row in self.sources:
            turns[str(row["component"])] += cast(int, row["turns"])
        shares = {name: 1 - turns[name] / answered for name in timed if name in SERVED}
        return {name: share for name, share in shares.items() if share > UNTIMED}

    def _excluded(self, why: str) -> int:
        return sum(str(row["excluded_why"] or "").startswith(why) for row in self.levels)

    def _remarks(self) -> list[str]:
        notes = kept.notes(self._notes, self._losses, self.ledger)
        if missing := findings.missing_components(self.sources):
            notes.append(f"no timing of {', '.join(missing)}: it counts as unattributed")
        notes += [
            f"{row['source']} tells latencies of {row['component']} that can not be: "
            + (f"{row['instead']} stands in its place" if row["instead"] else "nothing else does")
            for row in self.faulty
        ]
        notes += [
            f"the clock of {row['component']} ({row['source']}) is"
            f" {abs(cast(float, row['off_s'])):.1f} s or more"
            f" {'ahead' if cast(float, row['off_s']) > 0 else 'behind'}: what its turns leave"
            " without account is not known"
            for row in self.clocks
        ]
        if dropped := cast(int, self._facts["starts_dropped"]):
            notes.append(
                f"{dropped} arrivals found all of --max-calls held and were dropped: the load was"
                " less than asked for"
            )
        return notes

    def _hearing_unknown(self) -> bool:
        """Only a live generator knows its machine; the simulated and imported hear nothing."""
        live = self._facts["machine_cores"] is not None
        return live and self._facts["hearing_bias_s"] is None

    def _shards_lost(self) -> list[tuple[int, float]]:
        return said.shards_lost(self._facts["shards_lost"])

    def _offered(self) -> Offered:
        health, starts = self.health, self.starts
        return Offered(
            limited_s=cast(float, health["limited_s"]),
            limited_share=cast("float | None", health["limited_share"]),
            limited_by=str(health["limited_by"] or ""),
            told=bool(health["judged"]),
            dispersion=cast("float | None", starts["dispersion"]),
            bins=cast(int, starts["bins"]),
            turns=cast(int, starts["turns"]),
            prompt_repeat_ratio=cast("float | None", starts["prompt_repeat_ratio"]),
        )
