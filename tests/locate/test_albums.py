"""Located photos as evidence, from a manifest to an answer that names who matched."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import graticule
from bundles import BLUE, GREEN, RED, photo
from graticule import sphere
from graticule.answer import Answer
from graticule.errors import GraticuleError
from graticule.locate import albums
from graticule.locate.engine import Engine
from graticule.photos.manifest import Manifest, read
from graticule.refine.neighbours import weighing_of
from graticule.refine.photo_index import PhotoIndex

LYON, LILLE, JAIPUR = (45.76, 4.84), (50.63, 3.06), (26.92, 75.79)
#: Colours between those that the tiny model knows, so that it alone is unsure or wrong.
TEAL, OLIVE = (60, 150, 150), (130, 130, 40)


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    folder = tmp_path_factory.mktemp("album")
    lines = ["path,lat,lon"]
    for n in range(20):
        for name, colour, place in (("lyon", TEAL, LYON), ("jaipur", OLIVE, JAIPUR)):
            photo(folder / f"{name}-{n}.png", colour, noise=60, seed=n)
            lines.append(f"{name}-{n}.png,{place[0] + n / 1000},{place[1]}")
    photo(folder / "nowhere.png", BLUE)
    lines += ["nowhere.png,,", "missing.png,1,2"]
    (folder / "album.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read(folder / "album.csv")


@pytest.fixture(scope="module")
def indexed(
    colours: Path, album: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str]]:
    folder, said = tmp_path_factory.mktemp("index") / "index", []
    engine = Engine(colours)
    assert albums.add(engine, albums.open_index(engine, folder), album, said.append) == 40
    return folder, said


def locate(bundle: Path, index: Path | None, *photos: Path) -> list[Answer]:
    return list(Engine(bundle, index).locate((str(file), file.name) for file in photos))


def test_photos_without_a_place_or_a_file_are_said_and_left_out(
    indexed: tuple[Path, list[str]],
) -> None:
    folder, said = indexed
    assert len(PhotoIndex(folder)) == 40
    assert any("1 photos without a place" in words for words in said)
    assert any("missing.png" in words for words in said)


def test_adding_again_adds_nothing(
    colours: Path, album: Manifest, indexed: tuple[Path, list[str]]
) -> None:
    engine = Engine(colours)
    assert albums.add(engine, albums.open_index(engine, indexed[0]), album) == 0


def test_a_photo_like_the_album_is_put_where_the_album_was(
    colours: Path, indexed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    wanted = photo(tmp_path / "new.png", TEAL, noise=60, seed=900)
    (alone,) = locate(colours, None, wanted)
    (helped,) = locate(colours, indexed[0], wanted)
    assert alone.matches == ()
    assert [m.photo.startswith("lyon-") for m in helped.matches] == [True] * 5
    assert helped.model is not None
    assert not helped.model.calibrated, "radii were calibrated without an index"
    assert helped.countries[0].code == "FR"
    assert helped.countries[0].probability > alone_share(alone, "FR")
    assert sum(match.share for match in helped.matches) <= 1
    assert helped.point is not None
    assert float(sphere.haversine((helped.point.lat, helped.point.lon), LYON)) < 400


def alone_share(answer: Answer, code: str) -> float:
    return next((c.probability for c in answer.countries if c.code == code), 0.0)


def test_the_photo_itself_is_no_evidence(
    colours: Path, album: Manifest, indexed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    own = album.root / "lyon-3.png"
    copy = tmp_path / "renamed.png"
    shutil.copy(own, copy)
    for answer in graticule.load(colours, index=indexed[0]).locate([own, copy]):
        assert "lyon-3.png" not in [match.photo for match in answer.matches]


def test_the_weight_is_fitted_on_the_album(indexed: tuple[Path, list[str]]) -> None:
    fitted = weighing_of(PhotoIndex(indexed[0]))
    assert fitted.photos == 40


def test_an_index_of_another_model_is_refused(
    colours: Path, indexed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    other = tmp_path / "index"
    shutil.copytree(indexed[0], other)
    listing = (other / "index.json").read_text("utf-8")
    key = PhotoIndex(other).about["key"]
    (other / "index.json").write_text(listing.replace(key, "0" * 16), encoding="utf-8")
    with pytest.raises(GraticuleError, match="use that model, or index again"):
        Engine(colours, other)


def test_calibration_does_not_change_the_key(colours: Path, tmp_path: Path) -> None:
    from graticule.calibration import Calibration
    from graticule.systems.bundle import Bundle

    fitted = tmp_path / "fitted"
    shutil.copytree(colours, fitted)
    Calibration().save(fitted / "calibration.json")
    sealed = Bundle.seal(fitted, Bundle(colours).manifest)
    assert sealed.sha256 != Bundle(colours).sha256
    assert albums.encoder_key(sealed) == albums.encoder_key(Bundle(colours))


def test_answers_without_matches_are_as_before(
    colours: Path, indexed: tuple[Path, list[str]], tmp_path: Path
) -> None:
    """A belief whose photo has no match left keeps its probabilities."""
    engine = Engine(colours)
    folder = tmp_path / "empty"
    albums.open_index(engine, folder)
    files = [photo(tmp_path / f"{i}.png", c) for i, c in enumerate((RED, GREEN, BLUE))]
    for plain, empty in zip(
        locate(colours, None, *files), locate(colours, folder, *files), strict=True
    ):
        assert plain.point == empty.point
        assert np.allclose(
            [c.probability for c in plain.countries],
            [c.probability for c in empty.countries],
            atol=1e-4,
        )
