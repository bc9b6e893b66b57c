"""The plan file as ``ovl plan --print-assumptions`` writes it: every assumption, ready to edit.

What a run measured is written as a comment, so that an edited file does not freeze the numbers of
the run it was made from; limits are comments as well, since nobody but the user knows them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from otel_voiceload.analysis.inputs import KNOWN
from otel_voiceload.capacity.plan_file import KEYS, Granted
from otel_voiceload.reports.plan_types import PlanInput

_HELP: Final = {known.name: known.help for known in KNOWN}
_HEAD: Final = """\
# What your providers grant, and what is assumed where a run does not tell.
# Use it with: ovl plan --target-calls N --limits FILE

# Take the # off what you know. A limit that is not written is unknown; it is not taken for endless.
limits:
"""
_BETWEEN: Final = """
# Lengths of time as 400ms, 2s or 3m. A # stands before what the run measured, or what follows from
# other lines; take it off to say otherwise.
assumptions:
"""
_EXAMPLES: Final = {
    "streams": (100, "open at once, one for all of a call"),
    "concurrent": (40, "at work at once"),
    "requests_per_minute": (500, ""),
    "tokens_per_minute": (200_000, "input and output together"),
    "channels": (200, ""),
    "calls_per_second": (1, ""),
}
_NOTE_COLUMN: Final = 34


def as_yaml(inputs: Sequence[PlanInput], limits: Granted) -> str:
    """The whole file; reading it back gives the same limits and assumptions."""
    lines = [_HEAD.rstrip("\n")]
    for service, keys in KEYS.items():
        lines.append(f"  {service}:")
        for key in keys:
            example, why = _EXAMPLES[key]
            value = limits.get((service, key))
            written = f"    # {key}: {example}" if value is None else f"    {key}: {value:.12g}"
            lines.append(_noted(written, why))
    lines.append(_BETWEEN.rstrip("\n"))
    sections: dict[str, list[str]] = defaultdict(list)
    for each in inputs:
        section, _, key = each["name"].rpartition(".")
        sections[section].append(_assumption(each, key, "    " if section else "  "))
    for section, written_lines in sections.items():
        lines += [f"  {section}:"] if section else []
        lines += written_lines
    return "\n".join(lines) + "\n"


def _assumption(each: PlanInput, key: str, indent: str) -> str:
    why = "; ".join(filter(None, (_HELP[each["name"]], each["where"])))
    hidden = each["source"] == "run" or (each["source"] == "assumption" and each["where"])
    return _noted(f"{indent}{'# ' if hidden else ''}{key}: {_value(each)}", why)


def _noted(line: str, why: str) -> str:
    return f"{line:<{_NOTE_COLUMN}}# {why}" if why else line


def _value(each: PlanInput) -> str:
    value = each["value"]
    return value if isinstance(value, str) else f"{value:.6g}{each['unit']}"
