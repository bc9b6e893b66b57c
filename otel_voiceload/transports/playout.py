"""When received audio will have played, and the marks that wait for it.

A telephone network plays what an agent sends at the pace of real time: a piece begins when it has
arrived and the one before it has ended. It is the rule by which ``callers.hearing`` hears, so a
mark goes back when the caller has heard what was sent before it.
"""

from __future__ import annotations

from collections import deque

from otel_voiceload.audio.encoding import Encoding


class Playout:
    """One direction of one call. The methods that return names return each mark once, in order."""

    __slots__ = ("_encoding", "_marks", "_until_ns")

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._until_ns = 0
        self._marks: deque[tuple[int, str]] = deque()  # when it is due, and its name

    @property
    def waiting(self) -> bool:
        """Whether a mark waits for its audio."""
        return bool(self._marks)

    def heard(self, n_bytes: int, arrival_ns: int) -> None:
        """Audio arrived."""
        self._until_ns = max(arrival_ns, self._until_ns) + self._encoding.duration_ns(n_bytes)

    def mark(self, name: str, arrival_ns: int) -> None:
        """A mark arrived; it is due when all audio before it has played."""
        self._marks.append((max(arrival_ns, self._until_ns), name))

    def played(self, now_ns: int) -> list[str]:
        """The marks that are due."""
        names = []
        while self._marks and self._marks[0][0] <= now_ns:
            names.append(self._marks.popleft()[1])
        return names

    def clear(self, now_ns: int) -> list[str]:
        """Drop what was not played; all its marks are due at once."""
        self._until_ns = min(self._until_ns, now_ns)
        names = [name for _, name in self._marks]
        self._marks.clear()
        return names
