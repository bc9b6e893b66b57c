"""The built wheel and sdist: what is inside, and that nothing else gets installed."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def build(target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    [built] = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's content and nothing of the checkout."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def wheel(installed: Path) -> set[str]:
    return {
        path.relative_to(installed).as_posix() for path in installed.rglob("*") if path.is_file()
    }


def shipped(folder: Path, base: Path, prefix: str = "") -> set[str]:
    """Names that the files of ``folder`` have in a wheel, relative to ``base``."""
    return {
        prefix + path.relative_to(base).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "/." not in path.as_posix()
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


FINDS_ITS_FILES = """
import sys, tempfile
from pathlib import Path
import otel_voiceload
from otel_voiceload.audio.clips import ClipPack
from otel_voiceload.audio.encoding import PCM16_16K
from otel_voiceload.callers.scenario import load_scenario
from otel_voiceload.store.catalogue import catalogue
from otel_voiceload.store.open import open_store

assert Path(otel_voiceload.__file__).is_relative_to(sys.argv[1]), otel_voiceload.__file__
with tempfile.TemporaryDirectory() as store:
    Path(store, "recordings").mkdir()
    open_store(Path(store)).close()
pack = ClipPack.load(PCM16_16K)
print(len(catalogue()) > 0, len(pack.callers()) > 0, load_scenario("demo").name)
"""


def test_the_wheel_works_without_the_sources(installed: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FINDS_ITS_FILES, str(installed)],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.stdout.split() == ["True", "True", "demo"]


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


def declared(*groups: str) -> set[str]:
    """Names of the required packages, ``groups`` being of ``runtime``, ``report`` and ``dev``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    requirements = {
        "runtime": project["project"]["dependencies"],
        "report": project["project"]["optional-dependencies"]["report"],
        "dev": [*project["dependency-groups"]["dev"], *project["build-system"]["requires"]],
    }
    return {
        requirement.split(">")[0].split("=")[0]
        for group in groups
        for requirement in requirements[group]
    }


@cache
def installed_packages() -> Mapping[str, list[str]]:
    return packages_distributions()


def third_party(folders: tuple[str, ...]) -> dict[str, Path]:
    """First word of every import that is neither ours nor Python's, with a file that has it."""
    ours = {"otel_voiceload", "ovl_collector", "tests", "tools"} | sys.stdlib_module_names
    found: dict[str, Path] = {}
    # A stranger's program runs in an environment of its own, with requirements of its own.
    strangers = ROOT / "tests" / "interop" / "pipecat"
    for path in (
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if strangers not in path.parents
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    words = [alias.name for alias in names]
                case ast.ImportFrom(module=str(module), level=0):
                    words = [module]
                case _:
                    continue
            found |= {word.split(".")[0]: path.relative_to(ROOT) for word in words}
    return {word: path for word, path in found.items() if word not in ours}


def test_every_dependency_is_locked_and_justified() -> None:
    names = declared("runtime", "report", "dev")
    locked = {
        line.split("==")[0]
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

    assert names - locked == set(), "run make lock"
    assert {name for name in names if f"| `{name}` |" not in contributing} == set()


@pytest.mark.parametrize(
    ("folders", "groups"),
    [
        (("otel_voiceload", "collector"), ("runtime", "report")),
        (("tests", "tools"), ("runtime", "report", "dev")),
    ],
    ids=["shipped", "development"],
)
def test_every_import_is_declared(folders: tuple[str, ...], groups: tuple[str, ...]) -> None:
    names = declared(*groups)
    packages = installed_packages()
    undeclared = {
        word: path
        for word, path in third_party(folders).items()
        if not {package.lower() for package in packages.get(word, [])} & names
    }

    assert undeclared == {}
