"""A file to import, whatever it is called: compressed or not, JSON or protobuf, by its content.

It is read twice, once for its fingerprint and for whether it names a run, then request by request;
what comes by a pipe is therefore put on disk first. Neither reading holds more than a piece of it.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from io import BufferedReader, FileIO, RawIOBase
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, Final

from otel_voiceload.conventions import RUN_ID
from otel_voiceload.errors import UsageError
from otel_voiceload.interop import otlp_json, otlp_protobuf
from otel_voiceload.interop.requests import Broken, Part

STDIN: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_OTHER_PACKINGS: Final = {b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "unzip", b"BZh": "bunzip2"}
_CHUNK_BYTES: Final = 1 << 20
_NAME: Final = RUN_ID.encode()
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
CUT_OFF: Final = (EOFError, zlib.error)
WHAT_IS_READ: Final = (
    "what is read is OTLP, as JSON (requests with resourceSpans) or protobuf, such as the file "
    "exporter of a collector writes"
)


@dataclass(frozen=True, slots=True)
class Print:
    """``digest`` is of the content after decompression, so that packing makes no other file."""

    digest: str
    content_bytes: int
    names_run: bool  # whether the attribute that names a run stands anywhere in it


@contextmanager
def on_disk(name: str, stdin: BinaryIO, folder: Path) -> Iterator[Path]:
    """The file of that name; what ``-`` brings is kept in ``folder`` for as long as this lasts.

    Raises UsageError when there is no such file.
    """
    if name != STDIN:
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"there is no file {name} to import")
        yield path
        return
    with NamedTemporaryFile(dir=folder, prefix=".import-") as kept:
        shutil.copyfileobj(stdin, kept, _CHUNK_BYTES)
        kept.flush()
        yield Path(kept.name)


def fingerprint(path: Path, first_bytes: int | None = None) -> Print:
    """Reads the whole file once, or the first of its content. One that ends in the middle is what
    could be read of it."""
    digest, size, names_run, before = blake2b(digest_size=16), 0, False, b""
    with _opened(path) as file:
        try:
            while chunk := file.read(_most(first_bytes, size)):
                digest.update(chunk)
                size += len(chunk)
                names_run = names_run or _NAME in before + chunk
                before = chunk[-len(_NAME) :]
        except CUT_OFF:
            pass  # told with its place when the requests are read
    return Print(digest.hexdigest(), size, names_run)


def _most(first_bytes: int | None, read_bytes: int) -> int:
    if first_bytes is None:
        return _CHUNK_BYTES
    return min(_CHUNK_BYTES, first_bytes - read_bytes)


def requests(path: Path) -> Iterator[Part | Broken]:
    """Every request of the file in its order, and what of it can not be read.

    Raises UsageError when it is no OTLP at all.
    """
    with _opened(path) as file:
        try:
            if not file.peek(1)[:1]:
                raise UsageError(f"{path} is empty: there is nothing to import")
            if otlp_json.looks_like_it(file):
                yield from otlp_json.requests(file)
            elif otlp_json.looks_like_an_array(file):
                raise UsageError(f"{path} seems to be a JSON array; {WHAT_IS_READ}")
            elif otlp_protobuf.framing_of(file) is not None:
                yield from otlp_protobuf.requests(file)
            else:
                raise UsageError(f"{path} is neither OTLP JSON nor OTLP protobuf; {WHAT_IS_READ}")
        except CUT_OFF as error:
            yield Broken(
                f"byte {file.tell()} of its content", f"the packed file can not be read on: {error}"
            )


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader[Any]]:
    try:
        with BufferedReader(FileIO(path), _CHUNK_BYTES) as raw:
            start = raw.peek(4)[:4]
            for magic, tool in _OTHER_PACKINGS.items():
                if start.startswith(magic):
                    raise UsageError(f"{path} is packed: unpack it with {tool}, or pack with gzip")
            if start.startswith(_GZIP):
                yield BufferedReader(_Unpacked(raw), _CHUNK_BYTES)
            else:
                yield raw
    except OSError as error:
        raise UsageError(f"can not read {path}: {error.strerror or error}") from error


class _Unpacked(RawIOBase):
    """What a gzip file holds, of all its members. The library's own reader forgets what it had
    unpacked when it comes upon the end of a file that was cut off."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._member = zlib.decompressobj(_GZIP_WINDOW)
        self._unpacked_bytes = 0

    def tell(self) -> int:
        return self._unpacked_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # Any: typeshed's buffer has no item assignment
        while True:
            member = self._member
            more = member.unused_data if member.eof else member.unconsumed_tail
            more = more or self._packed.read(_CHUNK_BYTES)
            if member.eof:
                if not more.strip(b"\0"):
                    return 0
                member = self._member = zlib.decompressobj(_GZIP_WINDOW)
            data = member.decompress(more, len(buffer))
            if data:
                buffer[: len(data)] = data
                self._unpacked_bytes += len(data)
                return len(data)
            if not more:
                raise EOFError("it was cut off")
