"""OTLP JSON in files: one request a line, or one document over many lines.

Lines are what the file exporter of collectors writes. They are translated by the collector's own
mapping, since the JSON of protobuf is another one: there ids are base64, here they are hex.
A line that can not be read is named and the next one is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BufferedReader
from typing import Any, Final

import orjson

from otel_voiceload.errors import UsageError
from otel_voiceload.interop.requests import Broken, Part, part_of
from otel_voiceload.telemetry.batches import Signal
from ovl_collector.decode import RequestRefused, encoded

LINE_BYTES: Final = 64 << 20
DOCUMENT_BYTES: Final = 512 << 20
_TEXT_BYTES: Final = 256
_BOM: Final = b"\xef\xbb\xbf"
_SIGNALS: Final[dict[str, Signal]] = {"resourceSpans": "traces", "resourceMetrics": "metrics"}
_NOT_STORED: Final = {"resourceLogs": "logs", "resourceProfiles": "profiles"}


def looks_like_it(file: BufferedReader) -> bool:
    return _is_text(_start(file)) and _start(file).lstrip()[:1] == b"{"


def looks_like_an_array(file: BufferedReader) -> bool:
    """Whether it is JSON of another kind, as Zipkin and the interface of Jaeger export it."""
    return _is_text(_start(file)) and _start(file).lstrip()[:1] == b"["


def requests(file: BufferedReader) -> Iterator[Part | Broken]:
    """Raises UsageError for a document that is too large to be read as one."""
    if _start(file) != file.peek(3):
        file.read(len(_BOM))
    if _is_document(_start(file)):
        yield from _document(file)
        return
    number = 0
    while line := file.readline(LINE_BYTES):
        number += 1
        where = f"line {number}"
        if not line.endswith(b"\n") and len(line) >= LINE_BYTES:
            while (rest := file.readline(LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield Broken(where, f"it is longer than {LINE_BYTES >> 20} MiB")
        elif line := line.strip():
            yield from _request(line, where)


def _start(file: BufferedReader) -> bytes:
    return file.peek(1).removeprefix(_BOM)


def _is_text(start: bytes) -> bool:
    """``[`` and ``{`` are lengths of protobuf messages as well, and what follows a newline is then
    their tag. But such a message goes on with tags that no text has."""
    return all(byte >= 0x20 or byte in b"\t\r\n" for byte in start[:_TEXT_BYTES])


def _is_document(start: bytes) -> bool:
    """Whether the first object goes on after its line. A broken first line of many is none: then
    the second begins an object as well."""
    first, _, rest = start.lstrip().partition(b"\n")
    if not rest.strip() or _is_whole(first):
        return False
    second = rest.lstrip().partition(b"\n")[0].strip()
    return not (second.startswith(b"{") and (_is_whole(second) or len(second) > 80))


def _is_whole(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _document(file: BufferedReader) -> Iterator[Part | Broken]:
    text = file.read(DOCUMENT_BYTES + 1)
    if len(text) > DOCUMENT_BYTES:
        raise UsageError(
            f"the JSON document is larger than {DOCUMENT_BYTES >> 20} MiB; "
            "write one request a line, which is read piece by piece"
        )
    yield from _request(text, "the document")


def _request(text: bytes, where: str) -> Iterator[Part | Broken]:
    try:
        parsed: Any = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        yield Broken(where, f"it is not JSON: {error}")
        return
    if not isinstance(parsed, dict):
        yield Broken(where, "it is no object with resourceSpans")
        return
    known = [key for key in (*_SIGNALS, *_NOT_STORED) if parsed.get(key) is not None]
    if not known:
        yield Broken(
            where, f"it is no OTLP request: it has {', '.join(list(parsed)[:5]) or 'nothing'}"
        )
    for key in known:
        if key in _NOT_STORED:
            yield Broken(where, f"{_NOT_STORED[key]} are not stored", _NOT_STORED[key])
            continue
        signal = _SIGNALS[key]
        try:
            body = encoded(signal, parsed)
        except RequestRefused as refused:
            yield Broken(where, str(refused))
        else:
            yield part_of(signal, body, where)
