"""A disk of a few megabytes: a tmpfs that only one namespace sees, so no privilege is needed.

The namespace lives as long as a small shell in it. Its files are reached from outside through
/proc/PID/root, and a collector is started inside by nsenter. Inside, the root file system is
read-only where the kernel allows it, as in a container: the disk is all that can be written.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from tests.collector import processes

_HOLD = """
mount -t tmpfs -o size="$1" tmpfs "$2" || exit
mount -o remount,bind,ro / 2>/dev/null
echo mounted
read -r _
"""


class SmallDisk:
    """A mounted file system; ``path`` is its root as this process sees it."""

    def __init__(self, folder: Path, size: str) -> None:
        """``folder`` is where the namespace has it. Raises OSError where this is not allowed."""
        folder.mkdir(exist_ok=True)
        self.inside = folder
        if sys.platform != "linux" or not shutil.which("unshare") or not shutil.which("nsenter"):
            raise OSError("needs Linux with unshare and nsenter")
        self._shell = subprocess.Popen(
            ["unshare", "-Urm", "sh", "-c", _HOLD, "sh", size, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._shell.stdout is not None
        if self._shell.stdout.readline() != "mounted\n":
            errors = self._shell.communicate()[1]
            raise OSError(f"no user namespace with a tmpfs here: {errors.strip()}")
        self.path = Path(f"/proc/{self._shell.pid}/root{folder}")
        self._ballast = self.path / "ballast"

    @property
    def root_is_read_only(self) -> bool:
        mounts = Path(f"/proc/{self._shell.pid}/mounts").read_text().splitlines()
        return any(
            at == "/" and "ro" in options.split(",")
            for _, at, _, options, *_ in map(str.split, mounts)
        )

    def start(self, store: Path, *options: str) -> subprocess.Popen[str]:
        """A collector whose store is on this disk, started as ``processes.start`` does."""
        inside = ("nsenter", "-t", str(self._shell.pid), "-U", "-m", "--preserve-credentials")
        return subprocess.Popen(
            [*inside, sys.executable, "-m", "ovl_collector.serve", "--store", str(store), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(processes.ROOT / "collector")},
        )

    def fill(self, leave_bytes: int = 0) -> None:
        """Takes all room but ``leave_bytes``."""
        with self._ballast.open("ab", buffering=0) as file:
            room = shutil.disk_usage(self.path).free - leave_bytes
            for size in (2**16, 2**12):
                while room >= size:
                    try:
                        room -= file.write(bytes(size))
                    except OSError:
                        break

    def free(self) -> None:
        self._ballast.unlink()

    def __enter__(self) -> SmallDisk:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shell.communicate("\n")
