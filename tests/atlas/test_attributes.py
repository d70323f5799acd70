from __future__ import annotations

import numpy as np

from graticule import atlas


def test_attributes_of_places() -> None:
    found = atlas.attributes([(17.385, 78.4867), (13.08, 80.27), (48.85, 2.35), (0.0, -30.0)])
    assert found.country.tolist() == ["IN", "IN", "FR", ""]
    assert found.road_side.tolist() == ["left", "left", "right", ""]
    assert found.continent.tolist() == ["Asia", "Asia", "Europe", ""]
    assert found.languages.tolist() == [("te", "ur"), ("ta",), ("fr",), ()]
    assert found.scripts.tolist() == [("Telu", "Arab"), ("Taml",), ("Latn",), ()]
    assert found.climate[3] == ""


def test_languages_and_scripts_of_countries() -> None:
    assert atlas.scripts_of("JP") == ("Jpan",)
    assert atlas.scripts_of("GR") == ("Grek",)
    assert atlas.scripts_of("RS")[0] == "Cyrl"
    assert "ar" in atlas.languages_of("EG")
    assert {"de", "fr", "it"} <= set(atlas.languages_of("CH"))
    assert atlas.languages_of("nowhere") == ()


def test_almost_every_country_has_a_language_and_a_script() -> None:
    without = {code for code in atlas.country_codes() if not atlas.scripts_of(code)}
    assert without <= {"AQ", "BV", "HM", "GS", "TF"}


def test_no_points() -> None:
    found = atlas.attributes(np.empty((0, 2)))
    assert found.languages.shape == found.country.shape == (0,)
