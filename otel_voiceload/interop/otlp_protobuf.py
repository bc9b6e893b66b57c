"""OTLP protobuf in files: one request, or many with their lengths before them.

One request is a row of ``ResourceSpans``, so it is read one of them at a time, however large it is.
Lengths come as varints, as protobuf's own delimited streams have them, or as four bytes, the
highest first, as the file exporter of collectors writes them. Which of the three a file is shows in
its first bytes: a request begins with the tag 0x0a and a length that lies within what is around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader
from typing import Final, Literal

from otel_voiceload.interop.requests import Broken, Part, part_of

Framing = Literal["one", "varint", "fixed"]
MESSAGE_BYTES: Final = 256 << 20
_TAG: Final = b"\x0a"  # field 1, with a length: resource_spans
_LONGEST_VARINT: Final = 10
_PEEK: Final = 4 + 2 * _LONGEST_VARINT + 2


def framing_of(file: BufferedReader) -> Framing | None:
    """How the messages are kept apart; None when the file does not look like OTLP."""
    start = file.peek(_PEEK)[:_PEEK]
    if start[:1] == b"\0" and _holds_request(start[4:], int.from_bytes(start[:4], "big")):
        return "fixed"
    length, used = _varint(start)
    if used and _holds_request(start[used:], length):
        return "varint"
    if start[:1] == _TAG and _varint(start[1:])[1]:
        return "one"
    return None


def _holds_request(start: bytes, length: int) -> bool:
    inner, used = _varint(start[1:])
    return start[:1] == _TAG and used > 0 and 1 + used + inner <= length


def requests(file: BufferedReader) -> Iterator[Part | Broken]:
    framing = framing_of(file)
    number = at = 0
    while True:
        number += 1
        where = f"message {number} at byte {at}"
        head = file.peek(_PEEK)[:_PEEK]
        if not head:
            return
        if framing == "fixed":
            used, length = 4, int.from_bytes(head[:4], "big")
        else:
            skip = 1 if framing == "one" else 0
            length, used = _varint(head[skip:])
            used = used and used + skip
            if skip and head[:1] != _TAG:
                used = 0
        if not used or length > MESSAGE_BYTES:
            # Without a length nobody knows where the next one begins.
            yield Broken(where, "it has no length that can be; the rest of the file is not read")
            return
        file.read(used)
        body = file.read(length)
        at += used + len(body)
        if len(body) < length or len(head) < used:
            yield Broken(where, f"the file ends {length - len(body)} bytes before it does")
            return
        yield part_of("traces", head[:used] + body if framing == "one" else body, where)


def _varint(data: bytes) -> tuple[int, int]:
    """The number and the bytes it takes; (0, 0) when there is none."""
    number = 0
    for place, byte in enumerate(data[:_LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, place + 1
    return 0, 0
