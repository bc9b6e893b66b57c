"""Every option of the collector's process, once: for the command line, the environment and a file.

The command line wins, then ``OVL_<OPTION>`` in the environment, then the file of ``--config``, then
the default. A collector that another process started (``--parent-pid``) leaves the environment
alone: that process has read it, and a variable meant for a collector of its own would otherwise
change the one that a load test brings along.
"""

from __future__ import annotations

import argparse
import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import orjson

from ovl_collector.errors import UsageError
from ovl_collector.segments import Rotation

_PREFIX: Final = "OVL_"
_MASK: Final = "***"
_FROM_ENVIRONMENT: Final = "env:"
_YES: Final = frozenset({"1", "true", "yes", "on"})
_NO: Final = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Option:
    """``default`` None: not set. ``example`` stands in the example file for one without default."""

    key: str  # as in a file; --like-this on the command line
    kind: Literal["text", "texts", "int", "float", "switch"]
    help: str
    default: Any = None
    example: Any = None
    secret: bool = False
    line_only: bool = False  # says what to do this once, so a file can not say it

    @property
    def flag(self) -> str:
        return "--" + self.key.replace("_", "-")


OPTIONS: Final = (
    Option("store", "text", "folder of recordings; made when it is not there", "./ovl-store"),
    Option(
        "grpc",
        "text",
        "host:port of OTLP/gRPC (default 127.0.0.1:4317, or any free port)",
        example="127.0.0.1:4317",
    ),
    Option(
        "http",
        "text",
        "host:port of OTLP/HTTP (default 127.0.0.1:4318, or any free port)",
        example="127.0.0.1:4318",
    ),
    Option(
        "token",
        "text",
        "ask senders for this bearer token; env:NAME reads it from there",
        example="env:COLLECTOR_TOKEN",
        secret=True,
    ),
    Option("tls_cert", "text", "certificate (PEM)", example="/etc/ovl/cert.pem"),
    Option("tls_key", "text", "its key (PEM)", example="/etc/ovl/key.pem"),
    Option(
        "tls_client_ca",
        "text",
        "ask senders for a certificate of this authority",
        example="/etc/ovl/clients.pem",
    ),
    Option("insecure", "switch", "allow an open address without any of these", False),
    Option(
        "cors_origin",
        "texts",
        "answer web pages of this origin, such as https://app.example (repeatable)",
        (),
    ),
    Option("max_body_mib", "int", "of one request, also after decompression", 16),
    Option("segment_items", "int", "spans and points per file", Rotation().items),
    Option("segment_mib", "int", "of requests per file", Rotation().body_bytes // 2**20),
    Option("segment_age_s", "float", "seconds a file stays open", Rotation().age_s),
    Option("max_size", "text", "of the store; the oldest files go first", example="20GiB"),
    Option("max_age", "text", "of what is kept", example="7d"),
    Option("self_watch_s", "float", "seconds between its own figures in the store", 10.0),
    Option(
        "forward",
        "text",
        "send a copy of what was stored to this OTLP/HTTP endpoint",
        example="http://127.0.0.1:5318",
    ),
    Option(
        "forward_header", "texts", "'Name: value' or 'Name: env:VARIABLE' for it", (), secret=True
    ),
    Option(
        "recording",
        "text",
        "continue this recording instead of starting a new one",
        line_only=True,
    ),
    Option("parent_pid", "int", "stop in order when this process is gone", line_only=True),
    Option(
        "private",
        "switch",
        "for the process that started it: other runs on this store look for another",
        False,
        line_only=True,
    ),
    Option("recover", "switch", "seal what dead collectors left, then exit", False, line_only=True),
    Option("config", "text", "TOML file with these options", line_only=True),
    Option(
        "print_config", "switch", "show what the options come to, then exit", False, line_only=True
    ),
)
_BY_KEY: Final = {option.key: option for option in OPTIONS if not option.line_only}


def read_options(argv: Sequence[str] | None, environ: Mapping[str, str]) -> argparse.Namespace:
    """Every option with its value, wherever it came from. Raises UsageError."""
    typed = vars(_parser().parse_args(argv))
    environment = {} if "parent_pid" in typed else read_environment(environ)
    file = typed.get("config")
    defaults = {option.key: option.default for option in OPTIONS}
    written = read_file(Path(file)) if file else {}
    return argparse.Namespace(**(defaults | written | environment | typed))


def read_file(path: Path) -> dict[str, Any]:
    """Options by key. Raises UsageError for what is no option or has another type."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--config {path} can not be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--config {path} is not TOML: {error}") from error
    return {key: _checked(key, value, path) for key, value in found.items()}


def _checked(key: str, value: Any, path: Path) -> Any:
    option = _BY_KEY.get(key)
    if option is None:
        near = difflib.get_close_matches(key.replace("-", "_"), _BY_KEY, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_BY_KEY)}"
        raise UsageError(f"{path}: there is no option {key!r}; {hint}")
    right = {
        "text": isinstance(value, str),
        "texts": isinstance(value, list) and all(isinstance(each, str) for each in value),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool),
        "switch": isinstance(value, bool),
    }
    if not right[option.kind]:
        shown = _MASK if option.secret else repr(value)
        raise UsageError(f"{path}: {key} must be {_WORDS[option.kind]}, not {shown}")
    return tuple(value) if option.kind == "texts" else value


_WORDS: Final = {
    "text": "a text",
    "texts": "a list of texts",
    "int": "a whole number",
    "float": "a number",
    "switch": "true or false",
}


def read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Options named ``OVL_<OPTION>``; of a list one entry per line. Raises UsageError."""
    found: dict[str, Any] = {}
    for key, option in _BY_KEY.items():
        name = _PREFIX + key.upper()
        text = environ.get(name)
        if text is None or (text == "" and option.kind != "switch"):
            continue
        try:
            found[key] = _of_text(option, text)
        except ValueError as error:
            shown = _MASK if option.secret else repr(text)
            raise UsageError(f"{name} must be {_WORDS[option.kind]}, not {shown}") from error
    return found


def _of_text(option: Option, text: str) -> Any:
    match option.kind:
        case "int":
            return int(text)
        case "float":
            return float(text)
        case "texts":
            return tuple(line.strip() for line in text.splitlines() if line.strip())
        case "switch":
            if text.lower() not in _YES | _NO:
                raise ValueError(text)
            return text.lower() in _YES
    return text


def as_toml(options: argparse.Namespace) -> str:
    """What a file would say to the same end, with its secrets masked."""
    lines = []
    for key, option in _BY_KEY.items():
        value = getattr(options, key)
        if value is None:
            continue
        if option.secret and option.kind == "texts":
            headers = [each.partition(":") for each in value]
            value = [f"{name}: {_masked(secret.strip())}" for name, _, secret in headers]
        elif option.secret:
            value = _masked(value)
        # TOML writes these kinds of values as JSON does.
        lines.append(f"{key} = {orjson.dumps(value).decode()}")
    return "\n".join(lines) + "\n"


def _masked(secret: str) -> str:
    """Where a secret is to be found is none itself."""
    return secret if secret.startswith(_FROM_ENVIRONMENT) else _MASK


def _parser() -> argparse.ArgumentParser:
    """Gives only what was typed."""
    parser = argparse.ArgumentParser(
        prog="python -m ovl_collector.serve",
        description="Receives OTLP and acknowledges it once DuckDB has committed it.",
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    for option in OPTIONS:
        if option.kind == "switch":
            parser.add_argument(option.flag, action="store_true", help=option.help)
            continue
        text = option.help
        if option.default not in (None, ()):
            text += f" (default {option.default})"
        kinds: dict[str, type] = {"int": int, "float": float}
        parser.add_argument(
            option.flag,
            action="append" if option.kind == "texts" else "store",
            type=kinds.get(option.kind, str),
            help=text,
        )
    return parser
