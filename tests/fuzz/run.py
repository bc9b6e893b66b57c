"""The fuzz targets under atheris, which steers its inputs by the code they reach.

Each target is a process of its own, since libFuzzer ends the process it ran in. atheris has wheels
for some platforms only, so it is no requirement of ours: ``make fuzz`` installs it, and the same
targets run under hypothesis in the tests. Leaves with 1 when a target failed; the input that did it
stays in ``build/fuzz/``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOUND = ROOT / "build" / "fuzz"
# The longer the input, the slower; a request with something in every field has to fit.
MAX_BYTES = {"json": 2048}
_MAX_BYTES = 600
# Shares of the inputs. The slow ones build whole requests and get fewer.
SHARES = {
    "protobuf": 0.37,
    "json": 0.38,
    "gzip": 0.13,
    "block": 0.05,
    "request": 0.05,
    "limit": 0.02,
}
_DONE = re.compile(r"^Done (\d+) (?:runs )?in", re.MULTILINE)
_REACHED = re.compile(r"\bcov: (\d+)")


def fuzz_one(name: str, options: list[str]) -> None:
    """Does not return: libFuzzer ends the process."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError as error:
        raise SystemExit(f"atheris is not installed ({error}); run make fuzz") from error
    with atheris.instrument_imports(include=["ovl_collector"]):
        targets = importlib.import_module("tests.fuzz.targets")
    atheris.Setup([sys.argv[0], *options], targets.TARGETS[name])
    atheris.Fuzz()


def run(name: str, inputs: int, corpus: Path) -> dict[str, object]:
    begun = time.monotonic()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.run", "--target", name, str(corpus)),
            *(f"-runs={inputs}", f"-max_len={MAX_BYTES.get(name, _MAX_BYTES)}", "-seed=1"),
            *(f"-artifact_prefix={FOUND}/{name}-", "-timeout=20", "-rss_limit_mb=2048"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    played = _DONE.search(done.stdout + done.stderr)
    reached = _REACHED.findall(done.stdout + done.stderr)
    if done.returncode:
        print((done.stdout + done.stderr)[-4000:], file=sys.stderr)
    seconds = time.monotonic() - begun
    return {
        "target": name,
        "exit": done.returncode,
        "inputs": int(played[1]) if played else 0,
        "branches": int(reached[-1]) if reached else 0,
        "seconds": round(seconds, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--target", choices=list(SHARES), help="fuzz this one in this process")
    asked, options = parser.parse_known_args()
    if asked.target:
        fuzz_one(asked.target, options)
    from tests.fuzz.targets import seeds  # must not be imported before it is instrumented

    FOUND.mkdir(parents=True, exist_ok=True)
    played = []
    with tempfile.TemporaryDirectory() as folder:
        for name, share in SHARES.items():
            corpus = Path(folder, name)
            corpus.mkdir()
            for number, seed in enumerate(seeds()):
                (corpus / str(number)).write_bytes(seed)
            played.append(run(name, round(asked.inputs * share), corpus))
            print(json.dumps(played[-1]), flush=True)
    failed = [str(each["target"]) for each in played if each["exit"] or not each["inputs"]]
    total = sum(int(str(each["inputs"])) for each in played)
    print(f"{total:,} inputs, {'failed: ' + ', '.join(failed) if failed else 'none failed'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
