"""What one request may still unfold to while it is decoded.

The walk over the wire (wire.py) counts what is cheap to count. Two things only show in decoding:
how much JSON comes of an element (an empty event is two bytes on the wire and seventy characters
in the store: 16 MiB of them took 1.8 GB), and what is nested in small attributes.
"""

from __future__ import annotations

from ovl_collector.decoded import Limits
from ovl_collector.errors import TooLarge


class Budget:
    """One for each request. Both raise TooLarge when it is used up."""

    __slots__ = ("_characters", "_elements")

    def __init__(self, limits: Limits) -> None:
        self._elements = limits.elements
        self._characters = limits.json_characters

    def elements(self, count: int) -> None:
        self._elements -= count
        if self._elements < 0:
            raise TooLarge(
                "the request holds too many elements; send smaller batches",
                reason="too_many_elements",
            )

    def characters(self, count: int) -> None:
        self._characters -= count
        if self._characters < 0:
            raise TooLarge(
                "the request unfolds to too much JSON; send smaller batches",
                reason="too_many_elements",
            )
