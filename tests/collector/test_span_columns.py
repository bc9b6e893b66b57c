import numpy as np

from ovl_collector.columns import SPANS
from ovl_collector.fields import find_fields
from ovl_collector.span_columns import NAME, REST, STATUS, SpanColumns, Text, Texts

from .requests import field, span_id, trace_id


def columns_of(raws, stays=None):
    found = find_fields(raws)
    return found, SpanColumns(found, np.array(stays or [True] * len(raws)), (1, 2, 3))


def span(number):
    return field(1, trace_id(number)) + field(2, span_id(number))


def test_what_no_span_says_is_zero_or_null():
    _, columns = columns_of([span(1), span(2)])
    rows, keys = columns.finish()
    assert rows.schema == SPANS
    first = rows.to_pylist()[0]
    assert {key for key, value in first.items() if value is not None} == {
        *("trace_id", "span_id", "flags", "name", "kind", "start_time_unix_nano"),
        *("end_time_unix_nano", "status_code", "dropped_attributes_count"),
        *("dropped_events_count", "dropped_links_count", "resource_id", "scope_id", "batch_id"),
    }
    assert (first["name"], first["resource_id"], first["batch_id"]) == ("", 1, 3)
    assert len(set(keys.tolist())) == 2


def test_spans_that_do_not_stay_leave_no_gap():
    _, columns = columns_of([span(1), span(2), span(3)], [True, False, True])
    columns.put_json("events", [0, 1, 2], ["[0]", "[1]", "[2]"])
    rows, _ = columns.finish()
    assert rows["span_id"].to_pylist() == [span_id(1), span_id(3)]
    assert rows["events"].to_pylist() == ["[0]", "[2]"]
    assert columns.characters == 6


def test_texts_are_spread_over_the_spans_that_have_them():
    raws = [span(1) + field(5, b"n") + field(15, b"s"), span(2) + field(9, b"a"), span(3)]
    found, columns = columns_of(raws)
    chosen = np.flatnonzero(np.isin(found.tag, [0x2A, 0x4A, 0x7A]))
    texts = Texts.of([Text(NAME, 0, "n"), Text(STATUS, 0, (2, "bad")), Text(REST, 5, '"k":1')])
    columns.put_texts(texts, chosen, np.array([0, 1, 2]), np.zeros(3, bool))
    rows, _ = columns.finish()
    assert rows["name"].to_pylist() == ["n", "", ""]
    assert rows["status_code"].to_pylist() == [2, 0, 0]
    assert rows["status_message"].to_pylist() == ["bad", None, None]
    assert rows["attributes"].to_pylist() == [None, '{"k":1}', None]
