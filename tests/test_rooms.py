"""The table of rooms: who may import whom, kept by reading every import of every module.

Imports point down only and no room imports its neighbour on the same line. Imports inside functions
and ``import_module`` with a literal name count as well, since a lazy import is still a dependency.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINES = (
    ("cli",),
    ("runner",),
    ("web", "load", "agent"),
    ("reports", "replay", "interop"),
    ("profiles", "callers", "transports", "telemetry", "analysis", "charts"),
    ("audio", "capacity", "store"),
    ("model", "events"),
    ("errors", "conventions", "loading"),
)
HEIGHT = {room: -line for line, rooms in enumerate(LINES) for room in rooms}
# The collector is a program of its own; these two doors are the only ones.
DOORSTEPS = ("__init__", "__main__")  # the package's own files: they stand above every room
DOORS = {"runner": "ovl_collector.serve", "interop": "ovl_collector.decode"}


def imports(tree: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of everything that ``tree``, a module of ``package``, imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}"
        elif isinstance(node, ast.Call) and _name(node.func) == "import_module":
            match node.args:
                case [ast.Constant(value=str(name)), *_]:
                    yield node.lineno, name
                case [ast.JoinedStr(values=[ast.Constant(value=str(name)), *_]), *_]:
                    yield node.lineno, name


def _name(called: ast.expr) -> str:
    match called:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def faults(path: Path, source: str) -> list[str]:
    """What a module at ``path`` (relative to its source root) imports against the table."""
    parts = path.with_suffix("").parts
    package = ".".join(parts[:-1])
    room = parts[1]
    found = []
    for line, name in imports(ast.parse(source), package):
        there, *rest = name.split(".")
        problem = ""
        if parts[0] == "ovl_collector":
            if there == "otel_voiceload":
                problem = "the collector knows nothing of otel_voiceload"
        elif there == "ovl_collector":
            door = DOORS.get(room)
            if door is None or not f"{name}.".startswith(f"{door}."):
                problem = f"only {' and '.join(sorted(DOORS))} may, and only their own door"
        elif there == "otel_voiceload" and rest and rest[0] != room and room not in DOORSTEPS:
            other = rest[0]
            if other.startswith("__"):
                continue  # the version
            if other not in HEIGHT:
                problem = f"{other!r} is not in the table of rooms"
            elif HEIGHT[other] >= HEIGHT[room]:
                problem = f"{other!r} is not below {room!r}"
        if problem:
            found.append(f"{path}:{line}: imports {name}: {problem}")
    return found


def modules() -> list[Path]:
    """Every shipped module, relative to its source root."""
    return sorted(
        path.relative_to(root)
        for root, package in ((ROOT, "otel_voiceload"), (ROOT / "collector", "ovl_collector"))
        for path in (root / package).rglob("*.py")
    )


def read(module: Path) -> str:
    root = ROOT / "collector" if module.parts[0] == "ovl_collector" else ROOT
    return (root / module).read_text(encoding="utf-8")


def test_every_import_points_down() -> None:
    found = [fault for module in modules() for fault in faults(module, read(module))]

    assert found == [], "\n".join(found)


def test_every_room_is_in_the_table() -> None:
    rooms = {
        module.with_suffix("").parts[1]
        for module in modules()
        if module.parts[0] != "ovl_collector"
    }

    assert rooms - set(DOORSTEPS) <= set(HEIGHT)


def test_architecture_shows_the_same_table() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    block = text.split("<!-- rooms -->")[1].split("```")[1]

    shown = tuple(tuple(line.split()) for line in block.strip().splitlines())

    assert shown == LINES


@pytest.mark.parametrize(
    ("path", "source", "fault"),
    [
        ("otel_voiceload/load/call.py", "from otel_voiceload.callers import brain", ""),
        ("otel_voiceload/load/call.py", "from otel_voiceload import __version__", ""),
        ("otel_voiceload/load/call.py", "from . import pacing", ""),
        ("otel_voiceload/load/call.py", "from ..agent import serve", "'agent' is not below 'load'"),
        ("otel_voiceload/load/call.py", "import otel_voiceload.runner", "'runner' is not below"),
        ("otel_voiceload/load/call.py", "import otel_voiceload.util", "'util' is not in the table"),
        (
            "otel_voiceload/audio/clips.py",
            "def lazy():\n    from otel_voiceload.store import open",
            "clips.py:2: imports otel_voiceload.store.open: 'store' is not below 'audio'",
        ),
        (
            "otel_voiceload/audio/clips.py",
            "import importlib\nimportlib.import_module('otel_voiceload.cli')",
            "'cli' is not below 'audio'",
        ),
        (
            "otel_voiceload/audio/clips.py",
            "import_module(f'otel_voiceload.cli.{name}')",
            "'cli' is not below 'audio'",
        ),
        (
            "otel_voiceload/errors.py",
            "from otel_voiceload import conventions",
            "is not below 'errors'",
        ),
        ("otel_voiceload/model.py", "from otel_voiceload import conventions", ""),
        ("otel_voiceload/runner/collector.py", "from ovl_collector.serve import main", ""),
        (
            "otel_voiceload/runner/collector.py",
            "from ovl_collector import writer",
            "their own door",
        ),
        ("otel_voiceload/interop/otlp.py", "from ovl_collector import decode", ""),
        ("otel_voiceload/store/open.py", "import ovl_collector", "only interop and runner may"),
        ("ovl_collector/writer.py", "from ovl_collector.decode import spans", ""),
        ("ovl_collector/writer.py", "from otel_voiceload import errors", "knows nothing of"),
    ],
)
def test_the_checker_names_the_file_and_the_line(path: str, source: str, fault: str) -> None:
    found = faults(Path(path), source)

    assert fault in "".join(found)
    assert bool(found) == bool(fault)
