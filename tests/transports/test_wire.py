"""Options of both ends: every fault at once, and no secret in any text."""

from __future__ import annotations

from pathlib import Path

import pytest

from otel_voiceload.errors import TargetRefused
from otel_voiceload.transports.wire import CallOptions, ServeOptions, loopback_only


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (CallOptions("ws://"), ["no host"]),
        (CallOptions("ws://host:99999"), ["port"]),
        (CallOptions("ws://me:pw@host"), ["user name or password"]),
        (CallOptions("ws://host", headers={"a b": "x"}), ["header"]),
        (CallOptions("ws://host", headers={"A": "x\r\nB: y"}), ["header"]),
        (CallOptions("wss://host", tls_ca=Path("/no/such.pem")), ["--tls-ca"]),
        (
            CallOptions("ws://", connect_timeout_s=0, keepalive_s=-1),
            ["host", "connect", "keepalive"],
        ),
    ],
)
def test_call_options_name_each_problem(options: CallOptions, words: list[str]) -> None:
    problems = options.problems()
    assert len(problems) == len(words)
    assert all(word in problem for word, problem in zip(words, problems, strict=True))
    assert not any("pw" in problem for problem in problems)


def test_good_call_options_have_none() -> None:
    options = CallOptions("wss://host/path?x=1", headers={"Authorization": "Bearer x"})
    assert options.problems() == []


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (ServeOptions(), 0),
        (ServeOptions(port=70000), 1),
        (ServeOptions(tls_cert=Path(__file__)), 1),
        (ServeOptions(tls_cert=Path("/no/c"), tls_key=Path("/no/k")), 2),
    ],
)
def test_serve_options_name_each_problem(options: ServeOptions, count: int) -> None:
    assert len(options.problems()) == count


def test_the_place_leaves_out_whatever_may_be_secret() -> None:
    options = CallOptions("wss://me:pw@host:1/agent?token=abcd#part")
    assert options.place == "wss://host:1/agent"


def test_headers_and_params_are_masked_and_stay_out_of_repr() -> None:
    options = CallOptions("ws://h", headers={"A": "secret-1"}, params={"k": "secret-2", "n": "1"})
    assert options.masked("secret-1 of secret-2, 1 of 1") == "*** of ***, 1 of 1"
    assert "secret" not in repr(options)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_is_allowed(address: str) -> None:
    loopback_only(address)


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "10.0.0.1", "fe80::1%eth0", "::ffff:8.8.8.8", "0.0.0.0"]
)
def test_everything_else_is_refused_by_default(address: str) -> None:
    with pytest.raises(TargetRefused, match="nothing was sent"):
        loopback_only(address)
