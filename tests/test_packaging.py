"""The built wheel and sdist: what is inside, and that nothing else gets installed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = ("*.sql", "*.yaml", "*.json", "*.bin", "_order", "py.typed")


def build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        return set(archive.namelist())


def shipped(folder: Path, base: Path, prefix: str = "") -> set[str]:
    """Names that ``folder``'s modules and data files have in a wheel, relative to ``base``."""
    return {
        prefix + path.relative_to(base).as_posix()
        for pattern in ("*.py", *DATA)
        for path in folder.rglob(pattern)
    }


def test_the_wheel_installs_two_names(wheel: set[str]) -> None:
    names = {name.split("/")[0] for name in wheel}

    assert {name for name in names if not name.endswith(".dist-info")} == {
        "otel_voiceload",
        "ovl_collector",
    }


def test_the_wheel_holds_every_module_and_data_file(wheel: set[str]) -> None:
    wanted = (
        shipped(ROOT / "otel_voiceload", ROOT)
        | shipped(ROOT / "collector" / "ovl_collector", ROOT / "collector")
        | shipped(ROOT / "queries", ROOT, "otel_voiceload/")
    )

    assert wanted - wheel == set()
    assert {"otel_voiceload/py.typed", "ovl_collector/py.typed"} <= wanted


@pytest.mark.parametrize(
    ("what", "prefix", "suffix"),
    [
        ("queries", "otel_voiceload/queries/", ".sql"),
        ("views", "otel_voiceload/queries/views/", "_order"),
        ("schema", "ovl_collector/schema/", ".sql"),
        ("clip pack", "otel_voiceload/audio/clip_pack/", ".json"),
        ("scenarios", "otel_voiceload/callers/scenarios/", ".yaml"),
        ("licence", "otel_voiceload-", "/licenses/LICENSE"),
    ],
)
def test_the_wheel_holds_what_runs_without_the_sources(
    wheel: set[str], what: str, prefix: str, suffix: str
) -> None:
    found = [name for name in wheel if name.startswith(prefix) and name.endswith(suffix)]

    assert found, f"no {what} in the wheel"


def test_the_sdist_holds_what_builds_and_tests_it(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    wanted = {"pyproject.toml", "hatch_build.py", "constraints.txt", "Makefile", "LICENSE"}
    assert wanted <= names
    assert {f"tests/{Path(__file__).name}", "docs/method.md", "README.md"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".duckdb")]


def test_the_lock_holds_hashes_and_no_address() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith(" ")]

    assert [pin for pin in pins if "==" not in pin or not pin.endswith("\\")] == []
    assert [line for line in lines if "://" in line or line.startswith("-")] == []


def test_every_dependency_is_locked_and_justified() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["report"],
        *project["dependency-groups"]["dev"],
    ]
    names = {requirement.split(">")[0].split("=")[0] for requirement in requirements}
    locked = {
        line.split("==")[0]
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert names - locked == set(), "run make lock"
    assert {name for name in names if f"| `{name}` |" not in contributing} == set()
