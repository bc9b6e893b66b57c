from pathlib import Path

import pytest

from ovl_collector.config import Address, Config, Tls, parse_address
from ovl_collector.decoded import Limits
from ovl_collector.errors import UsageError

STORE = Path("store")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:4317", Address("127.0.0.1", 4317)),
        (":4317", Address("127.0.0.1", 4317)),
        ("0", Address("127.0.0.1", 0)),
        ("[::1]:5", Address("::1", 5)),
        ("localhost:5", Address("localhost", 5)),
    ],
)
def test_addresses_as_people_write_them(text, address):
    assert parse_address(text, "--http") == address


@pytest.mark.parametrize("text", ["", "host", "host:", "host:http", "host:70000", "host:-1"])
def test_what_is_no_address_is_named_with_its_option(text):
    with pytest.raises(UsageError, match="--http"):
        parse_address(text, "--http")


def test_ipv6_is_written_with_brackets():
    assert str(Address("::1", 5)) == "[::1]:5"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_guard(host):
    assert Config(STORE, http=Address(host, 1)).problems() == []


def test_an_open_address_needs_a_token_certificates_or_a_word(tmp_path):
    for name in ("cert", "key", "ca"):
        (tmp_path / name).write_text("x")
    tls = Tls(tmp_path / "cert", tmp_path / "key", tmp_path / "ca")
    no_clients = Tls(tmp_path / "cert", tmp_path / "key")
    anywhere = Address("0.0.0.0", 1)
    assert len(Config(STORE, http=anywhere, grpc=anywhere).problems()) == 2
    assert len(Config(STORE, http=anywhere, tls=no_clients).problems()) == 1
    assert Config(STORE, http=anywhere, token="t").problems() == []
    assert Config(STORE, http=anywhere, tls=tls).problems() == []
    assert Config(STORE, http=anywhere, insecure=True).problems() == []


def test_all_problems_are_told_at_once(tmp_path):
    config = Config(
        STORE,
        recording="../x",
        tls=Tls(tmp_path / "no", tmp_path / "no"),
        limits=Limits(items=0),
        room_bytes=1,
    )
    assert len(config.problems()) == 5


def test_a_token_is_not_shown():
    assert "secret" not in repr(Config(STORE, token="secret"))
