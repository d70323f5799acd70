"""What a bundle says of a manifest's photos, and what it would rather not have said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from graticule.answer import Answer, Place, Point
from graticule.evaluation.run import judged_photos, predict
from graticule.evaluation.truth import Truth
from graticule.locate.decode import NOVEL, Options
from graticule.locate.engine import Engine
from graticule.photos.manifest import Manifest


def photos(folder: Path, rows: str) -> Manifest:
    (folder / "m.csv").write_text(rows, encoding="utf-8")
    return judged_photos(folder / "m.csv")


def engine(reasons: dict[str, str | None]) -> Engine:
    """One that answers every photo, with these reasons not to; "" fails."""

    def locate(asked: Iterator[tuple[str, str]], options: Options) -> Iterator[Answer]:
        assert options.always_answer
        for _, name in asked:
            if reasons[name] == "":
                yield Answer(photo=name, error="cut short")
                continue
            place = Place(code="FR", name="France", probability=0.5)
            yield Answer(
                photo=name, point=Point(lat=1, lon=2), countries=(place,), reason=reasons[name]
            )

    system: Any = SimpleNamespace(bundle=SimpleNamespace(manifest=SimpleNamespace(name="s")))
    return cast(Engine, SimpleNamespace(locate=locate, system=system))


def test_what_it_would_not_have_answered_keeps_its_point_and_counts_as_unanswered(
    tmp_path: Path,
) -> None:
    table = photos(tmp_path, "path,lat,lon\na,1,2\nb,1,2\nc,1,2\nd,1,2\n")
    said = predict(engine({"a": None, "b": "indoors: nothing", "c": NOVEL, "d": ""}), table)
    assert said.abstained.tolist() == [False, True, False, True]
    np.testing.assert_array_equal(np.isnan(said.latlon[:, 0]), [False, False, False, True])
    assert any(
        note.startswith("of 1 of 4 photos it would have said nothing") for note in said.notes
    )
    assert predict(engine(dict.fromkeys("abcd")), table).notes == ()


@pytest.mark.parametrize("name", ["Greece", "gr", "GRC", "GR"])
def test_a_manifest_may_name_countries_as_people_do(tmp_path: Path, name: str) -> None:
    truth = Truth.of(photos(tmp_path, f"path,lat,lon,country\na,38,23.7,{name}\n"))
    assert truth.countries().tolist() == ["GR"]
    assert truth.notes == ()


def test_a_country_that_is_none_is_told_by_the_coordinates_and_named(tmp_path: Path) -> None:
    truth = Truth.of(
        photos(tmp_path, "path,lat,lon,country\na,38,23.7,Narnia\nb,,,Oz\nc,38,23.7,GR\n")
    )
    assert truth.countries().tolist() == ["GR", "", "GR"]
    assert "2 photos state a country that is none" in truth.notes[0]
    assert truth.take(np.array([0])).notes == truth.notes
