"""From a fresh clone to the demo's verdict, as a new user goes: ``git clone``, ``make demo``.

What is committed is cloned, not what lies about in the checkout. Nothing of this user's environment
goes along but what is needed to reach a package index, and pip starts with an empty cache, so the
figure holds the download of every package.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.running import ROOT, json_line, machine, table

KEPT = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
KEPT_PREFIXES = ("PIP_", "http_proxy", "https_proxy", "no_proxy")


def clean_environment(cache: Path) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.lower().startswith(tuple(p.lower() for p in KEPT_PREFIXES))
    }
    return {**kept, "PIP_CACHE_DIR": str(cache), "XDG_CACHE_HOME": str(cache)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default="python3", help="the interpreter that make shall use")
    parser.add_argument("--timeout", type=float, default=600.0, help="seconds")
    asked = parser.parse_args()
    before = machine()
    with tempfile.TemporaryDirectory(prefix="ovl-bench-") as name:
        clone, cache = Path(name) / "clone", Path(name) / "cache"
        begun = time.time()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        commit = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"],
            cwd=clone,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        made = subprocess.run(
            ["make", "demo", f"PYTHON={asked.python}"],
            cwd=clone,
            env=clean_environment(cache),
            timeout=asked.timeout,
            check=False,
        )
        wall_s = time.time() - begun
        stamp = clone / ".venv" / ".stamp"
        set_up_s = stamp.stat().st_mtime - begun if stamp.is_file() else None
        page = clone / "ovl-report.html"
        page_bytes = page.stat().st_size if page.is_file() else 0
    rows = [
        ("commit", commit),
        ("clone and set-up", "-" if set_up_s is None else f"{set_up_s:.0f} s"),
        ("demo", "-" if set_up_s is None else f"{wall_s - set_up_s:.0f} s"),
        ("from nothing to the verdict", f"{wall_s:.0f} s"),
        ("page", f"{page_bytes / 1e6:.1f} MB" if page_bytes else "not written"),
        ("exit of make", made.returncode),
    ]
    table(("from nothing", "make demo"), rows)
    json_line(
        "from_nothing",
        before,
        commit=commit,
        set_up_s=None if set_up_s is None else round(set_up_s, 1),
        wall_s=round(wall_s, 1),
        page_bytes=page_bytes,
        exit=made.returncode,
    )
    return made.returncode


if __name__ == "__main__":
    sys.exit(main())
