"""Random draws that depend on names only, never on the order in which they are made.

The same call draws the same latencies whether ten or a thousand calls run beside it, so two load
levels differ by load alone. A draw is a hash of (seed, call, turn, what), read as a uniform number.
"""

from __future__ import annotations

import hashlib

from otel_voiceload.capacity.config import AgentConfig, ServedComponent
from otel_voiceload.model import NS_PER_S


def uniform(seed: int, *names: str | int) -> float:
    """A number over 0 and under 1 that belongs to these names."""
    text = "\x1f".join(str(name) for name in (seed, *names))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    # 53 bits: more would round up to 1.0.
    return ((int.from_bytes(digest, "big") >> 11) + 0.5) / (1 << 53)


def draw_latency_ns(
    config: AgentConfig,
    seed: int,
    call_id: str,
    turn: int,
    component: ServedComponent,
    attempt: int,
) -> int:
    """Unloaded latency of one attempt: from being served to the first token or byte."""
    share = uniform(seed, call_id, turn, component, attempt)
    return round(config.components.named(component).latency.quantile(share) * NS_PER_S)


def draw_reply_s(config: AgentConfig, seed: int, call_id: str, turn: int) -> float:
    """Length of the agent's spoken reply in this turn."""
    return config.reply.quantile(uniform(seed, call_id, turn, "reply"))


def draw_retry_wait_ns(
    retry_after_ns: int,
    seed: int,
    call_id: str,
    turn: int,
    component: ServedComponent,
    attempt: int,
) -> int:
    """Wait before asking again: what the component said plus up to a quarter.

    Without the quarter all refused requests would come back at the same moment.
    """
    return round(
        retry_after_ns * (1 + uniform(seed, call_id, turn, component, attempt, "retry") / 4)
    )


def strikes(share: float, seed: int, call_id: str, turn: int, fault: str) -> bool:
    """Whether a fault that strikes ``share`` of the turns strikes this one."""
    return uniform(seed, call_id, turn, "fault", fault) < share
