"""Models of a run as tests of the planner need them: a cycle of 4 s and limits where they like."""

from __future__ import annotations

from otel_voiceload.analysis.saturation import Basis, Cap, Model, Work

CYCLE_S = 4.0
WORK = {
    "stt": Work(0.10, 0.095, 0.14, 0.10, 0.01),
    "llm": Work(0.50, 0.490, 0.66, 0.60, 0.01),
    "tts": Work(0.10, 0.095, 0.14, 0.20, 0.01),
}


def full_at(name: str, calls: float, basis: Basis = "declared") -> Cap:
    """So many servers that the component is full at ``calls``."""
    servers = calls * WORK[name].busy_s / CYCLE_S
    span = (0.9, 1.1) if basis == "measured" else (1.0, 1.0)
    return Cap("servers", servers, basis, f"{basis} {name}", span)


def model(
    llm: float | None = 48.0,
    tts: float | None = None,
    stt: float | None = None,
    carried: float | None = 46.0,
    more: dict[str, tuple[Cap, ...]] | None = None,
) -> Model:
    """llm measured, the others declared or unknown."""
    caps: dict[str, tuple[Cap, ...]] = {}
    if llm is not None:
        caps["llm"] = (full_at("llm", llm, "measured"),)
    for name, calls in (("tts", tts), ("stt", stt)):
        if calls is not None:
            caps[name] = (full_at(name, calls),)
    return Model(CYCLE_S, 0.01, 0.9, WORK, {**caps, **(more or {})}, carried)
