from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

from otel_voiceload.load.resources import (
    SOCKETS_EVERY,
    Sampler,
    Watched,
    available_memory_bytes,
    ephemeral_ports,
    folder_bytes,
    free_disk_bytes,
    listener,
    memory_bytes,
    peers,
    usable_cores,
)
from otel_voiceload.model import NS_PER_S


@pytest.mark.parametrize(
    ("most", "used", "expected"),
    [("300000", "100000", 200_000), ("100", "200", 0), ("max", "5", None), ("?", "5", None)],
)
def test_a_containers_limit_counts_where_it_is_the_narrower(
    tmp_path: Path, most: str, used: str, expected: int | None
) -> None:
    (tmp_path / "memory.max").write_text(f"{most}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")

    found = available_memory_bytes(tmp_path)

    assert found == expected if expected is not None else found > 1_000_000


def test_without_a_container_it_is_what_the_machine_has(tmp_path: Path) -> None:
    assert available_memory_bytes(tmp_path) > 1_000_000


@pytest.mark.parametrize(
    ("most", "expected"), [("300000", 300_000), ("max", None), ("?", None), (None, None)]
)
def test_a_container_has_no_more_memory_than_its_limit(
    tmp_path: Path, most: str | None, expected: int | None
) -> None:
    if most is not None:
        (tmp_path / "memory.max").write_text(most)
    whole = int(psutil.virtual_memory().total)
    assert memory_bytes(tmp_path) == (whole if expected is None else expected)
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_the_ports_are_counted_from_the_kernels_range(tmp_path: Path) -> None:
    file = tmp_path / "ip_local_port_range"
    file.write_text("32768\t60999\n")
    assert ephemeral_ports(file) == 28_232
    assert ephemeral_ports(tmp_path / "not-linux") == 16_384


class FakeProcess:
    """Half a second of CPU in each second; goes away when told."""

    def __init__(self, pid: int) -> None:
        if pid == 404:
            raise psutil.NoSuchProcess(pid)
        self.looks = self.listed = 0
        self.gone = False

    @contextmanager
    def oneshot(self) -> Iterator[None]:
        if self.gone:
            raise psutil.NoSuchProcess(0)
        self.looks += 1
        yield

    def cpu_times(self) -> Any:
        return SimpleNamespace(user=0.4 * self.looks, system=0.1 * self.looks)

    def memory_info(self) -> Any:
        return SimpleNamespace(rss=1000)

    def num_fds(self) -> int:
        return 12

    def num_threads(self) -> int:
        return 3

    def net_connections(self, kind: str) -> list[Any]:
        self.listed += 1
        called = SimpleNamespace(ip="127.0.0.1", port=8765)
        caller = SimpleNamespace(ip="10.0.0.9", port=50_001)
        ours = [
            SimpleNamespace(raddr=called, laddr=SimpleNamespace(port=40_000 + i)) for i in (1, 2)
        ]
        theirs = SimpleNamespace(raddr=caller, laddr=SimpleNamespace(port=4318))
        return [*ours, theirs, SimpleNamespace(raddr=(), laddr=SimpleNamespace(port=4318))]


def test_a_process_is_told_of_from_its_second_look_on() -> None:
    made: list[FakeProcess] = []

    def open_(pid: int) -> psutil.Process:
        made.append(FakeProcess(pid))
        return cast(psutil.Process, made[-1])

    watched = (Watched("generator", "worker-0", 7), Watched("target", "target", 404))
    sampler = Sampler(watched, open_)

    assert sampler.look(0) == ()
    (usage,) = sampler.look(NS_PER_S)
    assert (usage.role, usage.process, usage.pid) == ("generator", "worker-0", 7)
    assert (usage.cpu, usage.rss_bytes, usage.fds, usage.threads) == (0.5, 1000, 12, 3)
    assert usage.sockets == {"127.0.0.1:8765": 2, "10.0.0.9": 1}
    for at_s in range(2, SOCKETS_EVERY + 1):
        sampler.look(at_s * NS_PER_S)
    assert made[0].listed == 2, "a list of connections is dear"

    made[0].gone = True
    assert sampler.look(99 * NS_PER_S) == ()


def test_this_very_process_can_be_looked_at(tmp_path: Path) -> None:
    sampler = Sampler((Watched("generator", "runner", os.getpid()),))
    sampler.look(0)
    (usage,) = sampler.look(NS_PER_S)
    assert usage.rss_bytes > 1_000_000
    assert usage.fds > 2
    assert usage.fds_limit is None or usage.fds_limit > usage.fds

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
        assert listener(port) == os.getpid()
        with socket.create_connection(("127.0.0.1", port)):
            assert sum(peers(psutil.Process()).values()) >= 1
    assert listener(port) is None

    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(bytes(100))
    assert folder_bytes(tmp_path) >= 100
    assert (free_disk_bytes(tmp_path / "not" / "there" / "yet") or 0) > 0
