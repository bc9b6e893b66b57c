"""The collector as its own process, and plain HTTP over a socket to look at exact bytes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WAIT_S = 90  # with a busy machine
FREE = ("--grpc", "127.0.0.1:0", "--http", "127.0.0.1:0")


def start(store: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ovl_collector.serve", "--store", str(store), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "collector")},
    )


class Served:
    """A collector that is up. Ends it when left, whatever happened."""

    def __init__(self, store: Path, *options: str) -> None:
        self.store = store
        self.process = start(store, *(options or FREE))
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"no collector: {self.process.communicate()[1]}")
        self.ready: dict[str, Any] = json.loads(line)
        self.http: str = self.ready["http"]
        self.grpc: str = self.ready["grpc"]
        self.folder = store / "recordings" / self.ready["recording"]

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit code and what was written to stderr."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=WAIT_S)
        return self.process.returncode, errors

    def control(self, method: str, path: str) -> dict[str, Any]:
        request = urllib.request.Request(
            self.http + path,
            method=method,
            headers={"Authorization": f"Bearer {self.ready['token']}"},
        )
        with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
            found: dict[str, Any] = json.loads(answer.read())
            return found

    def connect(self) -> socket.socket:
        host, port = self.http.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=WAIT_S)


def post(body: bytes, *headers: str, path: str = "/v1/traces") -> bytes:
    """The bytes of a request."""
    lines = [
        f"POST {path} HTTP/1.1",
        "host: collector",
        "content-type: application/x-protobuf",
        f"content-length: {len(body)}",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """One answer with its body, leaving the connection open."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            raise ConnectionError("closed before an answer")
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(first.split()[1]), headers, body
