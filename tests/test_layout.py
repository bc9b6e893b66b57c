"""The shape of the tree: a test file for each module, and no file longer than one sitting reads."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYTHON_LINES = 400
SQL_LINES = 120
MAPPING_LINES = 200  # one file each by design: work, turns and calls of somebody else's tracing
SHIPPED = sorted(
    [*(ROOT / "otel_voiceload").rglob("*.py"), *(ROOT / "collector/ovl_collector").rglob("*.py")]
)
TOOLS = sorted((ROOT / "tools").rglob("*.py"))
SOURCES = sorted([*SHIPPED, *TOOLS, *(ROOT / "tests").rglob("*.py")])
MAPPINGS = sorted((ROOT / "queries" / "mappings").glob("*.sql"))
SQL = sorted(
    {*(ROOT / "queries").rglob("*.sql"), *(ROOT / "collector").rglob("*.sql")} - {*MAPPINGS}
)


def mirror(module: Path) -> Path:
    """Where the tests of a module belong; a package's own are named after the package."""
    inside = module.relative_to(ROOT)
    folders = inside.parent.parts[1:]
    if inside.parts[0] == "collector":
        folders = ("collector", *folders[1:])
    name = module.parent.name if module.stem == "__init__" else module.stem
    return ROOT.joinpath("tests", *folders, f"test_{name}.py")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def has_behaviour(path: Path) -> bool:
    """Whether there is any function to test; a list of names or of fields has none."""
    nodes = ast.walk(tree(path))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes)


def test_every_module_has_its_test_file() -> None:
    modules = [path for path in SHIPPED if path.stem != "__main__"]
    missing = [
        f"{module.relative_to(ROOT)} lacks {mirror(module).relative_to(ROOT)}"
        for module in modules
        if has_behaviour(module) and not mirror(module).is_file()
    ]

    assert missing == []


def test_every_test_file_belongs_to_a_module() -> None:
    """``test_<module>.py``, or ``test_<module>_<aspect>.py`` where one file would be too long."""
    mirrors = {mirror(module) for module in SHIPPED}
    # A tool is tested beside the room whose data it makes; a contract and OTLP's checklist hold for
    # a whole room; the peers are programs that others wrote.
    others = {f"test_{tool.stem}" for tool in TOOLS} | {"test_contract", "test_checklist"}
    others |= {"test_go_otlp", "test_duckdb_1_5", "test_pipecat"}
    lone = []
    for folder in {path.parent for path in mirrors} - {ROOT / "tests"}:
        stems = {path.stem for path in mirrors if path.parent == folder} | others
        lone += [
            str(path.relative_to(ROOT))
            for path in folder.glob("test_*.py")
            if not any(f"{path.stem}_".startswith(f"{stem}_") for stem in stems)
        ]

    assert lone == [], "the module moved or was renamed"


@pytest.mark.parametrize(
    ("files", "limit"),
    [(SOURCES, PYTHON_LINES), (SQL, SQL_LINES), (MAPPINGS, MAPPING_LINES)],
    ids=["python", "sql", "mappings"],
)
def test_no_file_is_longer_than_one_sitting(files: list[Path], limit: int) -> None:
    lengths = {path.relative_to(ROOT): len(path.read_text("utf-8").splitlines()) for path in files}

    assert {path: lines for path, lines in lengths.items() if lines > limit} == {}


def test_every_module_and_package_says_what_it_is() -> None:
    silent = [path.relative_to(ROOT) for path in SHIPPED if not ast.get_docstring(tree(path))]

    assert silent == []


def test_no_package_is_a_placeholder() -> None:
    lone = [
        path.parent.relative_to(ROOT)
        for path in SHIPPED
        if path.name == "__init__.py" and len(list(path.parent.rglob("*"))) == 1
    ]

    assert lone == []
