"""Ways in which the files of a recording get broken, each at a place chosen by a seed."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb

Damage = Callable[[Path, random.Random], None]


def _sealed(folder: Path, chance: random.Random) -> Path:
    return chance.choice([path for path in _databases(folder) if not _log(path).exists()])


def _live(folder: Path) -> Path:
    return next(path for path in _databases(folder) if _log(path).exists())


def _databases(folder: Path) -> list[Path]:
    return sorted(folder.glob("segment-*.duckdb"))


def _log(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)


def _cut(path: Path, chance: random.Random) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])


def _wipe_page(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    begin = chance.randrange(0, len(content), 4096)
    content[begin : begin + 4096] = chance.randbytes(len(content[begin : begin + 4096]))
    path.write_bytes(content)


def _text(path: Path, chance: random.Random) -> None:
    path.write_text("this is not a database\n" * chance.randint(1, 1000))


def _older(path: Path) -> None:
    """As a file looks that an earlier version of the layout left."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("update meta set schema_version = 0")


def _swap(folder: Path, chance: random.Random) -> None:
    """One sealed file in the place of another, as a hasty restore from a backup leaves it."""
    sealed = [path for path in _databases(folder) if not _log(path).exists()]
    taken, lost = chance.sample(sealed, 2)
    shutil.copy(taken, lost)


def _replace_live(folder: Path, chance: random.Random) -> None:
    live = _live(folder)
    shutil.copy(_sealed(folder, chance), live)
    _log(live).unlink()


def _manifest(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "manifest.json"
    content = json.loads(path.read_bytes())
    changed = change(content)
    path.write_text(json.dumps(content if changed is None else changed))


def _garbage(folder: Path, chance: random.Random) -> None:
    (folder / "manifest.json").write_bytes(chance.randbytes(200))


DAMAGES: dict[str, Damage] = {
    "flip in a sealed file": lambda folder, chance: _flip(_sealed(folder, chance), chance),
    "flip in the live file": lambda folder, chance: _flip(_live(folder), chance),
    "flip in the log": lambda folder, chance: _flip(_log(_live(folder)), chance),
    "log cut short": lambda folder, chance: _cut(_log(_live(folder)), chance),
    "log gone": lambda folder, chance: _log(_live(folder)).unlink(),
    "sealed file cut short": lambda folder, chance: _cut(_sealed(folder, chance), chance),
    "live file cut short": lambda folder, chance: _cut(_live(folder), chance),
    "page of a sealed file overwritten": lambda folder, chance: _wipe_page(
        _sealed(folder, chance), chance
    ),
    "sealed file gone": lambda folder, chance: _sealed(folder, chance).unlink(),
    "live file gone": lambda folder, chance: _live(folder).unlink(),
    "sealed file is text": lambda folder, chance: _text(_sealed(folder, chance), chance),
    "sealed file of an older layout": lambda folder, chance: _older(_sealed(folder, chance)),
    "live file of an older layout": lambda folder, chance: _older(_live(folder)),
    "sealed file in the place of another": _swap,
    "sealed file in the place of the live one": _replace_live,
    "manifest is garbage": _garbage,
    "manifest cut short": lambda folder, chance: _cut(folder / "manifest.json", chance),
    "flip in the manifest": lambda folder, chance: _flip(folder / "manifest.json", chance),
    "manifest of another format": lambda folder, chance: _manifest(
        folder, lambda content: content.update(format=2)
    ),
    "manifest is a list": lambda folder, chance: _manifest(folder, lambda content: [content]),
    "flip in the counts": lambda folder, chance: _flip(next(folder.glob("*.acked")), chance),
    "counts cut short": lambda folder, chance: _cut(next(folder.glob("*.acked")), chance),
}
