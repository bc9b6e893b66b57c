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


def test_an_empty_token_is_none_that_was_meant():
    with pytest.raises(UsageError, match="--token is empty"):
        config("--token", "")


def test_a_size_that_not_one_segment_file_fits_into_is_refused_in_a_sentence():
    (problem,) = config("--max-size", "50MiB").problems()
    assert problem.startswith("--max-size of 50.0 MiB is less than one segment file may take (96 ")
    assert "segment_mib" in problem
    assert config("--max-size", "50MiB", "--segment-mib", "16").problems() == []
    assert config("--max-size", "96MiB").problems() == []


def test_its_own_figures_come_in_intervals():
    assert config("--self-watch-s", "0.5").self_watch_s == 0.5
    assert config("--self-watch-s", "0").problems() == ["--self-watch-s must be positive, not 0.0"]
