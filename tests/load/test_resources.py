from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.load.resources import available_memory_bytes, ephemeral_ports


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


def test_the_ports_are_counted_from_the_kernels_range(tmp_path: Path) -> None:
    file = tmp_path / "ip_local_port_range"
    file.write_text("32768\t60999\n")
    assert ephemeral_ports(file) == 28_232
    assert ephemeral_ports(tmp_path / "not-linux") == 16_384
