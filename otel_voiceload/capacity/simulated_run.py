"""What a simulated run says of itself, and which configurations can not be simulated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.faults import SIMULATED_ONLY
from otel_voiceload.errors import ConfigError
from otel_voiceload.model import NS_PER_S, RunRecord

SIMULATED_FAULTS: Final = (
    "drop", "leak", "cold", "incident", "noisy", "autoscale", "shared_quota", *SIMULATED_ONLY,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """What is known of a run before it plays."""

    run_id: str = "simulated"
    target: str = "sim:"
    profile: str = "custom"
    tag: str = ""
    planted: str = ""
    start_mono_ns: int = 1_000 * NS_PER_S

    def record(
        self, *, seed: int, end_mono_ns: int, stop_reason: str, starts_dropped: int
    ) -> RunRecord:
        """The run's own record at its end."""
        return RunRecord(
            run_id=self.run_id,
            target=self.target,
            wire="sim",
            profile=self.profile,
            seed=seed,
            tag=self.tag,
            scenario_hash="simulated",
            clip_pack="simulated",
            co_located=False,
            thresholds={},
            start_mono_ns=self.start_mono_ns,
            end_mono_ns=end_mono_ns,
            stop_reason=stop_reason,
            planted=self.planted,
            starts_dropped=starts_dropped,
        )


def refuse_audible(config: AgentConfig) -> None:
    """Raises ConfigError when a fault needs real audio to be seen."""
    for fault in config.faults:
        if fault.name not in SIMULATED_FAULTS:
            raise ConfigError(
                f"fault {fault.name} needs real audio and can not be simulated; remove it or call "
                "a running reference agent"
            )
