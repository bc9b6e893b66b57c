"""The published names agree with each other; docs/spans.md is held to them by test_docs."""

from __future__ import annotations

import re
from typing import get_args

from otel_voiceload import conventions

NAMES = {
    name: value
    for name, value in vars(conventions).items()
    if name.isupper() and isinstance(value, str)
}


def test_no_two_names_stand_for_the_same_thing() -> None:
    assert len(set(NAMES.values())) == len(NAMES)


def test_names_are_lower_case_and_dotted() -> None:
    own = {value for value in NAMES.values() if value.startswith("voiceload.")}

    odd = {value for value in own if not re.fullmatch(r"voiceload(\.[a-z][a-z0-9_]*)+\.?", value)}

    assert own
    assert odd == set()


def test_components_and_segments_are_all_there_is() -> None:
    assert (*conventions.COMPONENTS, *conventions.SEGMENTS) == get_args(conventions.Component)
