import re
from importlib import resources

from ovl_collector.promote import COLUMNS


def test_the_table_is_what_the_schema_says_column_by_column():
    text = (resources.files("ovl_collector") / "schema" / "spans.sql").read_text()
    promoted = text.split("-- promoted attributes")[1].split("-- the rest")[0]
    types = {"string": "varchar", "int": "integer", "double": "double", "bool": "boolean"}
    found = re.findall(r"^\s+(\w+)\s+(\w+),\s+-- (\S+)$", promoted, re.MULTILINE)
    assert found == [(column, types[kind], attribute) for attribute, column, kind in COLUMNS]
