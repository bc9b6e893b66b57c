from pathlib import Path

import pytest

from ovl_collector.command_line import config_from
from ovl_collector.config import Address
from ovl_collector.errors import UsageError
from ovl_collector.options import read_options


def config(*options: str):
    return config_from(read_options(["--store", "s", *options], {}))


def test_defaults_ask_for_no_particular_port():
    found = config()
    assert (found.store, found.grpc, found.http, found.recording) == (Path("s"), None, None, None)
    assert found.problems() == []


def test_options_become_the_configuration():
    found = config(
        "--grpc",
        ":1",
        "--http",
        "[::1]:2",
        "--recording",
        "r",
        "--parent-pid",
        "9",
        "--max-body-mib",
        "32",
        "--segment-items",
        "7",
        "--segment-mib",
        "2",
        "--segment-age-s",
        "1.5",
    )
    assert (found.grpc, found.http) == (Address("127.0.0.1", 1), Address("::1", 2))
    assert (found.recording, found.parent_pid) == ("r", 9)
    assert found.limits.body_bytes == 32 * 2**20
    assert found.room_bytes == 96 * 2**20
    rotation = found.rotation
    assert (rotation.items, rotation.body_bytes, rotation.age_s) == (7, 2 * 2**20, 1.5)


def test_a_token_may_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("A_TOKEN", "secret")
    assert config("--token", "env:A_TOKEN").token == "secret"
    assert config("--token", "plain").token == "plain"
    with pytest.raises(UsageError, match="env:NO_TOKEN"):
        config("--token", "env:NO_TOKEN")


def test_tls_needs_both_files():
    assert config("--tls-cert", "c", "--tls-key", "k").tls is not None
    with pytest.raises(UsageError, match="both"):
        config("--tls-cert", "c")
