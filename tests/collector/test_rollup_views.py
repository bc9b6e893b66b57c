import pytest

from ovl_collector import rollup_views
from ovl_collector.errors import CollectorError
from ovl_collector.rollup_views import PER_FILE, _body, queries_folder


def names():
    lines = (queries_folder() / "views" / "_order").read_text().splitlines()
    return [line.removesuffix(".sql") for line in lines if line.endswith(".sql")]


def test_the_views_are_found_and_each_has_a_question():
    assert set(PER_FILE) <= set(names())
    for name in names():
        assert _body(name).startswith(("with", "select")), name


def test_without_the_views_nothing_is_rolled_up(tmp_path, monkeypatch):
    monkeypatch.setattr(rollup_views, "__file__", str(tmp_path / "a" / "b" / "rollup_views.py"))
    with pytest.raises(CollectorError, match="SQL of the views is missing"):
        queries_folder()
