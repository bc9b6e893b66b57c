from __future__ import annotations

import pickle
import resource
import socket

import pytest

from otel_voiceload.errors import PreflightFailed, TargetError, TargetRefused, UsageError
from otel_voiceload.load.safety import (
    AllowList,
    allow_list,
    check_calls,
    check_target,
    descriptors_needed,
    ensure_descriptors,
    ensure_memory,
    ensure_ports,
    memory_needed_bytes,
    resolve,
)

NAMES = {
    "voice.test": ("203.0.113.5", "2001:db8::5"),
    "gateway.test": ("198.51.100.7",),
    "localhost": ("127.0.0.1", "::1"),
}


def names(host: str) -> tuple[str, ...]:
    return NAMES[host]


def allowed(allow: AllowList, address: str) -> bool:
    try:
        allow(address)
    except TargetRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("calls", "allow", "address", "expected"),
    [
        (500, (), "127.0.0.1", True),
        (500, (), "127.8.8.8", True),
        (500, (), "::1", True),
        (500, (), "::ffff:127.0.0.1", True),
        (500, (), "0.0.0.0", False),
        (10, (), "203.0.113.5", True),  # typed, and few calls
        (10, (), "2001:db8::5", True),
        (10, (), "::ffff:203.0.113.5", True),
        (10, (), "203.0.113.6", False),  # where the name points to a moment later
        (10, (), "198.51.100.7", False),
        (11, (), "203.0.113.5", False),
        (11, (), "::ffff:203.0.113.5", False),
        (11, ("voice.test",), "203.0.113.5", True),
        (11, ("gateway.test",), "203.0.113.5", False),
        (500, ("203.0.113.5",), "203.0.113.5", True),
        (500, ("203.0.113.0/24",), "203.0.113.77", True),
        (500, ("203.0.113.0/24",), "203.0.114.1", False),
        (500, ("2001:db8::/32",), "2001:db8::5%eth0", True),
        (500, ("10.0.0.1",), "169.254.169.254", False),
    ],
)
def test_only_this_machine_the_typed_target_and_what_was_allowed_are_called(
    calls: int, allow: tuple[str, ...], address: str, expected: bool
) -> None:
    assert allowed(allow_list("voice.test", calls, allow, names), address) is expected


def test_the_refusal_says_which_address_and_what_permits_it() -> None:
    allow = allow_list("voice.test", 50, (), names)
    with pytest.raises(TargetRefused, match=r"203\.0\.113\.5.*50 calls.*--allow voice\.test"):
        check_target("voice.test", allow, names)
    check_target("localhost", allow, names)


def test_a_name_is_judged_by_what_it_points_to_at_the_moment_of_each_call() -> None:
    answers = iter([("203.0.113.5",), ("169.254.169.254",), ("203.0.113.5", "10.0.0.1")])
    allow = allow_list("voice.test", 500, ("voice.test",), lambda host: next(answers))

    for _ in range(2):
        with pytest.raises(TargetRefused, match=r"169\.254\.169\.254|10\.0\.0\.1"):
            check_target("voice.test", allow, lambda host: next(answers))


def test_the_list_travels_to_the_workers_as_it_is() -> None:
    allow = allow_list("voice.test", 5, (), names)
    assert pickle.loads(pickle.dumps(allow)) == allow


def test_a_host_without_an_address_is_an_error_of_the_target(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_such_host(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_host)
    with pytest.raises(TargetError, match=r"voice\.test.*Name or service not known"):
        resolve("voice.test")


def test_addresses_are_resolved_without_repetition() -> None:
    assert resolve("127.0.0.1") == ("127.0.0.1",)


def test_more_calls_than_permitted_are_refused_with_both_numbers() -> None:
    check_calls(100, 100)
    with pytest.raises(UsageError, match=r"101 calls.*100.*--max-calls 101"):
        check_calls(101, 100)


def test_the_limit_of_open_files_is_raised_as_far_as_needed() -> None:
    written: list[tuple[int, int]] = []
    needed = descriptors_needed(1000)
    assert needed == 1350
    ensure_descriptors(needed, lambda: (1024, 4096), written.append)
    assert written == [(1350, 4096)]
    ensure_descriptors(needed, lambda: (2048, 4096), written.append)
    ensure_descriptors(needed, lambda: (resource.RLIM_INFINITY, 4096), written.append)
    assert len(written) == 1


@pytest.mark.parametrize("fails", [False, True], ids=["hard limit", "another limit"])
def test_too_few_open_files_are_told_before_the_first_call(fails: bool) -> None:
    def write(limits: tuple[int, int]) -> None:
        raise ValueError("current limit exceeds maximum limit")

    hard = 99_999 if fails else 1200
    with pytest.raises(PreflightFailed, match=r"needs 1350 .*ulimit -n 1350"):
        ensure_descriptors(1350, lambda: (1024, hard), write)


def test_more_calls_to_one_address_than_ports_are_refused_with_both_numbers() -> None:
    ensure_ports(28_232, 28_232)
    with pytest.raises(PreflightFailed, match=r"28233 calls.*has 28232;.*port_range"):
        ensure_ports(28_233, 28_232)


def test_a_load_that_does_not_fit_into_memory_is_refused_with_both_numbers() -> None:
    needed = memory_needed_bytes(calls=10_000, workers=25)
    assert needed == 1_500_000_000 + 25 * 90_000_000 + 500_000_000
    ensure_memory(needed, needed)
    with pytest.raises(PreflightFailed, match=r"needs 4,250 MB .* 4,000 MB are free"):
        ensure_memory(needed, 4_000_000_000)
