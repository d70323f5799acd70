"""Places of the user's own behind the cells of a partition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.cells.cities import cities
from graticule.cells.countries import countries
from graticule.cells.gallery import gallery
from graticule.cells.partition import Partition
from graticule.cells.taught import TaughtCells, with_places
from graticule.cells.units import shares as share_out
from graticule.cells.units import tallied
from graticule.errors import PartitionError

HAMPI, NEAR = (15.335, 76.46), (15.345, 76.46)


def taught(base: Partition) -> TaughtCells:
    return with_places(base, ["Hampi", "Bazaar"], np.array([HAMPI, NEAR]), [5.0, 5.0], [3, 1])


@pytest.mark.parametrize(
    "base", [countries(["FR", "IN"]), cities({"FR:Paris": (48.86, 2.35), "IN:Delhi": (28.6, 77.2)})]
)
def test_the_nearest_place_that_reaches_a_point_goes_before_the_cells(base: Partition) -> None:
    cells = taught(base)
    found = cells.assign([HAMPI, NEAR, (48.86, 2.35), (15.335, 76.7)])
    assert found[:3].tolist() == [2, 3, 0]
    assert found[3] == base.assign([(15.335, 76.7)])[0]
    assert cells.ids[2:] == ("taught:Hampi", "taught:Bazaar")
    assert cells.names[2:] == ("Hampi", "Bazaar")
    assert list(cells.places) == [2, 3]


def test_countries_have_the_countries_of_the_places() -> None:
    assert taught(countries(["FR", "IN"])).parents["countries"] == ("FR", "IN", "IN", "IN")


def test_the_cells_keep_the_units_of_their_photos() -> None:
    base = tallied(countries(["FR", "IN"]), np.array([1]), np.array([HAMPI]))
    assert taught(base).tallies["regions"].cells.tolist() == [1]
    cells, codes, shares = share_out(taught(base), "regions")
    found = {(cell, code): p for cell, code, p in zip(cells, codes, shares, strict=True)}
    assert found == {(1, "IN-KA"): 0.5, (2, "IN-KA"): 1.0, (3, "IN-KA"): 1.0}


def test_polygons_are_circles_about_the_places() -> None:
    shapes = taught(countries(["FR", "IN"])).shapes()
    assert shapes is not None
    assert len(shapes) == 4
    points = gallery([(48.86, 2.35), (28.6, 77.2)])
    assert taught(points).shapes() is None


def test_it_is_not_written_alone(tmp_path: Path) -> None:
    with pytest.raises(PartitionError, match="with their model"):
        taught(countries(["FR", "IN"])).to_parquet(tmp_path / "c.parquet")
