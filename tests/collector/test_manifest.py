import json

import pytest

from ovl_collector.errors import CollectorError
from ovl_collector.manifest import Damaged, Manifest, SegmentEntry, Shortened, read_manifest

FULL = Manifest(
    recording="r",
    created_unix_ns=5,
    ended=True,
    segments=(SegmentEntry("segment-0001.duckdb", 1, "sealed", 2, 3, 4, 5, 6, 7, True),),
    damaged=(Damaged("x.damaged", "bit flip"),),
    shortened=(Shortened("segment-0001.duckdb", 1, 2, 3),),
)


def test_what_is_written_is_read(tmp_path):
    FULL.write(tmp_path)
    assert read_manifest(tmp_path) == FULL
    assert json.loads((tmp_path / "manifest.json").read_text())["format"] == 1


def test_segments_stay_in_order_and_are_replaced_by_number():
    manifest = Manifest("r", 0)
    for number in (2, 1, 3):
        manifest = manifest.with_segment(SegmentEntry(f"{number}", number))
    manifest = manifest.with_segment(SegmentEntry("2", 2, "sealed"))
    assert [(entry.number, entry.state) for entry in manifest.segments] == [
        (1, "live"),
        (2, "sealed"),
        (3, "live"),
    ]
    assert [entry.number for entry in manifest.without_segment(2).segments] == [1, 3]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "not a recording"),
        (b"{", "can not be read"),
        (b'{"format": 1}', "can not be read"),
        (b'{"format": 2}', "use a newer"),
    ],
)
def test_what_is_no_manifest_is_refused(tmp_path, content, why):
    if content is not None:
        (tmp_path / "manifest.json").write_bytes(content)
    with pytest.raises(CollectorError, match=why):
        read_manifest(tmp_path)
