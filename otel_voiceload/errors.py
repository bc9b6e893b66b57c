"""The errors that end a command, and their exit codes.

Every message says what happened, to what, and what to do next; the command line prints it on one
line and leaves with the class's ``exit_code``. A traceback is a bug of ours and leaves with 1.

    OvlError                 1
    ├── UsageError           2   wrong words on the command line or in a file the user wrote
    │   ├── CeilingUnknown   2   a share of a measured ceiling, and nothing was measured yet
    │   ├── ConfigError      2   a YAML file that can not be read as what it should be
    │   ├── MissingExtra     2   an optional dependency is not installed
    │   └── StoreError       2   a store, run or file that is not there or is not one
    ├── TargetError          3   no load was sent
    │   ├── TargetRefused    3   not an allowed host
    │   ├── PreflightFailed  3   this machine can not hold what was asked
    │   ├── SmokeFailed      3   the one call before the load did not work
    │   └── WireError        3   one call was not set up; during a run an outcome of that call
    ├── CollectorError       1   the collector could not be started or reached
    └── Interrupted        130   the user stopped the run; what was recorded is kept
        └── Terminated     143   the same, by SIGTERM
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees; the table in docs/exit-codes.md is checked against this one."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    TARGET = 3
    INCONCLUSIVE = 4
    FAILED = 99
    INTERRUPTED = 130
    TERMINATED = 143


class OvlError(Exception):
    """Base of everything that ends a command with one line on stderr."""

    exit_code: ExitCode = ExitCode.INTERNAL


class UsageError(OvlError):
    exit_code = ExitCode.USAGE


class CeilingUnknown(UsageError):
    """A load is a share of a measured ceiling, and none is at hand yet."""


class ConfigError(UsageError):
    """A file that the user wrote does not say what it should."""


class MissingExtra(UsageError):
    """An optional dependency is asked for and not installed; the message names the extra."""


class StoreError(UsageError):
    """A store, run or recording can not be read as one."""


class TargetError(OvlError):
    """The voice agent under test could not be called; no load was sent."""

    exit_code = ExitCode.TARGET


class TargetRefused(TargetError):
    """The target resolves to an address that this run may not call."""


class PreflightFailed(TargetError):
    """This machine lacks descriptors, ports or memory for the plan."""


class SmokeFailed(TargetError):
    """The single call before the load found the target mute, garbled or refusing."""


class CollectorError(OvlError):
    """The collector did not start, or went away and did not come back."""


class WireError(TargetError):
    """One call could not be set up.

    ``outcome`` is the call outcome it stands for: ``refused`` or ``negotiation_failed`` by the
    target, ``aborted_by_us`` when this machine could not (``local_resources``). ``error_type`` is
    the reason within it, such as ``rate_limited``, ``auth`` or ``dns``.
    """

    def __init__(self, message: str, *, outcome: str, error_type: str) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.error_type = error_type


class Interrupted(OvlError):
    """The user stopped the run; calls were hung up and what was recorded is kept."""

    exit_code = ExitCode.INTERRUPTED


class Terminated(Interrupted):
    """Told to end by SIGTERM."""

    exit_code = ExitCode.TERMINATED
