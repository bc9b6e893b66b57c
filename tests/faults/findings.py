"""What a reader finds in a store after a fault, asked through the product's own reading side."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from otel_voiceload.store.open import open_store
from ovl_collector.manifest import read_manifest
from tests.faults.load import SIZE, span_ids

_SPANS = "select span_id, count(*) as copies from otel_spans group by span_id"
_LEDGER = """
select
    coalesce(sum(accepted) filter (not is_resend), 0)::bigint as received,
    coalesce(sum(stored), 0)::bigint as stored,
    coalesce(sum(rejected) filter (not is_resend), 0)::bigint as rejected
from ledger
"""
# The collector's own figures come as metrics into the same store.
_ROWS = """
select (select count(*) from raw_spans) + (select count(*) from raw_metric_points) as rows
"""


@dataclass(frozen=True, slots=True)
class Found:
    """``copies`` counts rows by hex span id."""

    copies: dict[str, int]
    notes: tuple[str, ...]


def look(store: Path) -> Found:
    """Reads ``otel_spans``, and the ledger against the rows that are really there."""
    with open_store(store) as reading:
        copies = {
            str(row["span_id"]): int(str(row["copies"])) for row in reading.sql(_SPANS).dicts()
        }
        (ledger,) = reading.sql(_LEDGER).dicts()
        (rows,) = reading.sql(_ROWS).dicts()
        assert ledger["received"] == int(str(ledger["stored"])) + int(str(ledger["rejected"]))
        assert ledger["stored"] == rows["rows"], "the ledger does not close"
        return Found(copies, reading.notes)


def assert_kept(store: Path, acked: set[int], sent: set[int]) -> Found:
    """Every acknowledged span exactly once, no half batch, nothing that nobody sent."""
    found = look(store)
    wanted = span_ids(acked)
    missing = wanted - set(found.copies)
    assert not missing, f"{len(missing)} of {len(wanted)} acknowledged spans are gone"
    double = [identifier for identifier, copies in found.copies.items() if copies != 1]
    assert not double, f"{len(double)} spans are counted more than once"
    strange = set(found.copies) - span_ids(sent)
    assert not strange, f"{len(strange)} spans were never sent"
    whole = {int(identifier, 16) for identifier in found.copies}
    for first in sent:
        present = sum(number in whole for number in range(first, first + SIZE))
        assert present in (0, SIZE), f"of batch {first} only {present} spans are there"
    lost = [note for note in found.notes if "ended without a shutdown" not in note]
    assert lost == []
    return found


def assert_in_order(recording: Path) -> None:
    """The recording ended as it should: all sealed, nothing damaged, nothing missing."""
    manifest = read_manifest(recording)
    assert (manifest.ended, manifest.damaged, manifest.shortened) == (True, (), ())
    assert {entry.state for entry in manifest.segments} <= {"sealed"}
    leftovers = [path.name for path in recording.iterdir() if path.suffix in (".tmp", ".wal")]
    assert leftovers == []


def status_of(pid: int, field: str) -> str:
    """One line of /proc/PID/status, such as ``State`` or ``VmHWM``."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return value.strip()
    raise KeyError(field)


def peak_mib(pid: int) -> float:
    """The most memory that the process ever held, by the kernel's own count."""
    return int(status_of(pid, "VmHWM").split()[0]) / 1024
