"""Planted faults of a call: whether and when each one strikes, by a seeded draw per turn."""

from __future__ import annotations

from otel_voiceload.capacity.config import AgentConfig
from otel_voiceload.capacity.draws import strikes
from otel_voiceload.capacity.faults import (
    Drop,
    FalseEndpoint,
    MemoryLeak,
    SlowBargeIn,
    TalkOver,
    WrongReply,
)
from otel_voiceload.model import NS_PER_S


class Mischief:
    """The faults of one call. Slowness (leak, autoscale) is the components' own.

    What ``memory_leak`` leaves behind goes to ``leaked``, which outlives the call.
    """

    def __init__(self, config: AgentConfig, call_id: str, leaked: list[bytes]) -> None:
        self._seed = config.seed
        self._call_id = call_id
        self._faults = {fault.name: fault for fault in config.faults}
        # Asked in every frame of the caller's speech, and nearly always for nothing.
        self.strikes_in_speech = not {"false_endpoint", "talk_over"}.isdisjoint(self._faults)
        slow = self._faults.get("slow_barge_in")
        delay_s = slow.delay if isinstance(slow, SlowBargeIn) else 0.0
        self.slow_to_stop_ns = round(delay_s * NS_PER_S)
        leak = self._faults.get("memory_leak")
        if isinstance(leak, MemoryLeak):
            leaked.append(b"\x01" * leak.bytes_per_call)

    def drops(self, turn: int) -> bool:
        fault = self._faults.get("drop")
        return isinstance(fault, Drop) and self._strikes(fault.share, turn, fault.name)

    def wrong_reply(self, turn: int) -> bool:
        fault = self._faults.get("wrong_reply")
        return isinstance(fault, WrongReply) and self._strikes(fault.share, turn, fault.name)

    def endpoints_falsely(self, turn: int, spoken_ns: int) -> bool:
        fault = self._faults.get("false_endpoint")
        return isinstance(fault, FalseEndpoint) and self._now(fault, turn, spoken_ns)

    def talks_over(self, turn: int, spoken_ns: int) -> bool:
        fault = self._faults.get("talk_over")
        return isinstance(fault, TalkOver) and self._now(fault, turn, spoken_ns)

    def _now(self, fault: FalseEndpoint | TalkOver, turn: int, spoken_ns: int) -> bool:
        return spoken_ns >= fault.after * NS_PER_S and self._strikes(fault.share, turn, fault.name)

    def _strikes(self, share: float, turn: int, name: str) -> bool:
        return strikes(share, self._seed, self._call_id, turn, name)
