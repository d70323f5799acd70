"""The part that carries the colour carries the heat."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.errors import GraticuleError
from graticule.locate.engine import Engine
from graticule.locate.explain import explain, faithfulness, overlay
from graticule.locate.explain_page import page
from graticule.photos.photo import Photo, open_photo


@pytest.fixture(scope="module")
def engine(colours: Path) -> Engine:
    return Engine(colours)


def corner(colour: tuple[int, int, int]) -> Photo:
    """A grey picture with one coloured corner: the model that tells colours has only that."""
    image = Image.new("RGB", (240, 240), (120, 120, 120))
    image.paste(colour, (0, 0, 90, 90))
    return open_photo(image, "corner")


def test_the_telling_corner_is_the_warmest(engine: Engine) -> None:
    found = explain(engine, corner((230, 20, 20)), grid=4)
    assert found.heat.shape == (4, 4)
    assert np.unravel_index(found.heat.argmax(), (4, 4))[0] <= 1
    assert np.unravel_index(found.heat.argmax(), (4, 4))[1] <= 1
    assert found.lost[0].code == found.cell
    assert found.lost[0].after < found.lost[0].before


def test_hiding_by_the_heat_costs_more_than_hiding_at_random(engine: Engine) -> None:
    photo = corner((20, 20, 230))
    heat = explain(engine, photo, grid=4).heat
    by_heat, at_random = faithfulness(engine, photo, heat, seed=1)
    assert by_heat < at_random


def test_the_page_needs_no_network_and_escapes_names(engine: Engine) -> None:
    found = explain(engine, corner((20, 200, 20)), grid=3)
    text = page(found, "<script>alert(1)</script>.jpg")
    assert "<script>alert" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert overlay(found).dtype == np.uint8


def test_an_unknown_belief_is_named(engine: Engine) -> None:
    with pytest.raises(GraticuleError, match="no belief 'moons'"):
        explain(engine, corner((1, 2, 3)), task="moons", grid=3)
