from __future__ import annotations

from typing import get_args

import pytest

from otel_voiceload.charts import theme
from otel_voiceload.conventions import COMPONENTS, Component


def test_every_component_has_a_colour_of_its_own_on_both_papers() -> None:
    for scheme in ("light", "dark"):
        colours = theme.config(scheme)["range"]["category"]

        assert len(set(colours)) == len(theme.NAMES)


def test_every_component_of_the_conventions_has_a_place_on_the_colour_scale() -> None:
    assert set(get_args(Component)) <= set(theme.component_scale()["domain"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_only_files_that_travel_paint_their_paper(scheme: theme.Scheme) -> None:
    assert theme.config(scheme)["background"] is None
    assert theme.config(scheme, opaque=True)["background"].startswith("#")


def test_components_stand_in_the_order_of_a_turn_and_strangers_last() -> None:
    assert sorted(["surprise", "tts", *COMPONENTS[:2]], key=theme.place) == [
        "stt",
        "llm",
        "tts",
        "surprise",
    ]
