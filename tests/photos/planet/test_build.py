from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule import sphere
from graticule.errors import GraticuleError
from graticule.photos import schema
from graticule.photos.manifest import Manifest
from graticule.photos.photo import open_photo
from graticule.photos.planet import make, world
from graticule.scenes import SCENES


def _sum(folder: Path) -> str:
    sums = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        sums.update(str(file.relative_to(folder)).encode() + file.read_bytes())
    return sums.hexdigest()


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        make(tmp_path / name, 40, countries=4, seed=seed, size=(64, 48))
    assert _sum(tmp_path / "a") == _sum(tmp_path / "b")
    assert _sum(tmp_path / "a") != _sum(tmp_path / "c")


def test_every_column_of_the_schema_is_filled(planet: Manifest) -> None:
    for column in schema.COLUMNS:
        assert (planet.column(column.name) != "").any(), column.name
    for name in ("path", "country", "region", "city", "scene", "photographer", "captured_at"):
        assert (planet.column(name) != "").all(), name
    assert set(planet.column("scene")) <= set(SCENES)
    assert set(planet.column("split")) == {"train", "val", "test"}


def test_photos_lie_near_their_town_and_in_their_country(planet: Manifest) -> None:
    from graticule import atlas

    towns = {t.city: (t.lat, t.lon) for c in world.COUNTRIES for t in c.towns}
    centers = np.array([towns[city] for city in planet.column("city")])
    assert sphere.haversine(planet.latlon, centers).max() <= 25.1
    assert list(atlas.countries(planet.latlon)) == list(planet.column("country"))


def test_every_town_is_in_its_country_with_all_around_it() -> None:
    from graticule import atlas

    for country in world.COUNTRIES:
        for town in country.towns:
            ring = sphere.circle((town.lat, town.lon), 25.0, 16)
            assert set(atlas.countries(ring)) == {country.code}, town.city
            assert atlas.road_side(country.code) == ("left" if country.left else "right")


def test_frames_of_a_burst_are_alike_but_not_the_same(planet: Manifest) -> None:
    groups = planet.column("group")
    names, counts = np.unique(groups, return_counts=True)
    assert counts.max() >= 2
    rows = np.flatnonzero(groups == names[np.argmax(counts)])[:2]
    first, second = (
        np.asarray(Image.open(planet.file(planet.column("path")[row])), dtype=float) for row in rows
    )
    assert not np.array_equal(first, second)
    thumbnails = [
        np.asarray(Image.fromarray(p.astype(np.uint8)).convert("L").resize((8, 8)), dtype=float)
        for p in (first, second)
    ]
    assert np.corrcoef(thumbnails[0].ravel(), thumbnails[1].ravel())[0, 1] > 0.5


def test_the_files_carry_their_place_when_asked_to(planet: Manifest) -> None:
    photo = open_photo(planet.files()[0])
    place = np.array([photo.metadata.lat, photo.metadata.lon], dtype=float)
    assert np.allclose(place, planet.latlon[0], atol=1e-4)


def test_a_share_of_pictures_has_no_clue(planet: Manifest) -> None:
    share = float((planet.column("clue") == "no").mean())
    assert 0.02 < share < 0.2


@pytest.mark.parametrize(("n", "countries"), [(0, 4), (10, 0), (10, 99)])
def test_numbers_out_of_range_are_refused(tmp_path: Path, n: int, countries: int) -> None:
    with pytest.raises(GraticuleError):
        make(tmp_path, n, countries=countries)
