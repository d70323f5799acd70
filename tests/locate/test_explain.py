"""The part that carries the colour carries the heat, also on photos of other shapes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bundles import GREEN, RED, make_gallery_bundle, photo
from graticule.errors import GraticuleError
from graticule.locate import albums
from graticule.locate.engine import Engine
from graticule.locate.explain import curves, explain, overlay
from graticule.locate.explain_page import as_json, page
from graticule.photos.manifest import read
from graticule.photos.photo import Photo, open_photo
from graticule.photos.preprocess import Preprocess
from made_photos import run


@pytest.fixture(scope="module")
def engine(colours: Path) -> Engine:
    return Engine(colours)


def corner(colour: tuple[int, int, int], size: tuple[int, int] = (240, 240)) -> Photo:
    """A grey picture with one coloured corner: the model that tells colours has only that."""
    image = Image.new("RGB", size, (120, 120, 120))
    image.paste(colour, (0, 0, size[0] * 3 // 8, size[1] * 3 // 8))
    return open_photo(image, "corner")


def test_the_telling_corner_is_the_warmest(engine: Engine) -> None:
    found = explain(engine, corner((230, 20, 20)), grid=4)
    assert found.heat.shape == (4, 4)
    assert max(np.unravel_index(found.heat.argmax(), (4, 4))) <= 1
    assert (found.cell, found.name) == ("FR", "France")
    assert found.lost[0].code == found.cell
    assert found.lost[0].after < found.lost[0].before
    assert found.gained[0].after > found.gained[0].before
    assert max(found.parts[0].row, found.parts[0].column) <= 1
    assert [part.heat for part in found.parts] == sorted(
        (p.heat for p in found.parts), reverse=True
    )
    assert found.parts[0].lost[0].code == "FR"


def test_hiding_by_the_heat_costs_most(engine: Engine) -> None:
    shown = corner((20, 20, 230))
    heat = explain(engine, shown, grid=4).heat.ravel()
    order = np.argsort(-heat, kind="stable")
    rng = np.random.default_rng(1)
    orders = {"heat": order, "against": order[::-1], "random": rng.permutation(16)}
    found = curves(engine, shown, orders, grid=4)
    assert found["heat"][0] < found["random"][0] < found["against"][0]
    # This model knows mean colours only, which blurring keeps: showing parts can add little.
    assert found["heat"][1] > found["against"][1] - 0.01
    assert all(0 <= value <= 1 for pair in found.values() for value in pair)


def test_the_heat_lies_over_the_whole_photo_and_dims_what_was_not_seen(engine: Engine) -> None:
    wide = explain(engine, corner((230, 20, 20), (480, 240)), grid=4)
    assert wide.box == (0, 0, 480, 240)
    drawn = overlay(wide, 96)
    assert drawn.shape == (48, 96, 3)
    assert drawn[4, 8, 0] > drawn[40, 90, 0]
    cut = Preprocess(size=32, resize="crop", crop_share=1.0).box(480, 240)
    assert cut == (120, 0, 360, 240)
    from dataclasses import replace

    cropped = overlay(replace(wide, box=cut), 96)
    assert cropped[:, :20].mean() < 0.6 * cropped[:, 40:60].mean()
    padded = Preprocess(size=32, resize="pad").box(480, 240)
    assert padded == (0, -120, 480, 360)
    assert overlay(replace(wide, box=padded), 96).shape == (48, 96, 3)
    assert Preprocess(size=32, resize="clip").box(240, 480) == (0, 120, 240, 360)


def test_a_model_without_countries_is_asked_for_them_all_the_same(tmp_path: Path) -> None:
    gallery = Engine(make_gallery_bundle(tmp_path / "gallery"))
    found = explain(gallery, corner((230, 20, 20)), grid=3)
    assert found.task == "countries"
    assert found.name == "France"
    assert found.lost[0].code == "FR"


def test_a_model_of_one_country_is_asked_for_its_cells(tmp_path: Path) -> None:
    france = [(48.86, 2.35), (45.76, 4.84), (43.3, 5.37)]
    one = Engine(make_gallery_bundle(tmp_path / "gallery", where=france))
    found = explain(one, corner((230, 20, 20)), grid=3)
    assert (found.task, found.cell) == ("gallery", one.system.partitions["gallery"].ids[0])
    assert found.lost[0].code == found.cell
    assert found.heat.argmax() == 0


def test_another_belief_can_be_asked_and_an_unknown_one_is_named(engine: Engine) -> None:
    found = explain(engine, corner((230, 20, 20)), task="cities", grid=3)
    assert (found.cell, found.name) == ("FR:Paris", "Paris")
    with pytest.raises(GraticuleError, match="no belief 'moons'"):
        explain(engine, corner((1, 2, 3)), task="moons", grid=3)


def test_the_page_needs_no_network_and_escapes_names(engine: Engine) -> None:
    found = explain(engine, corner((20, 200, 20)), grid=3)
    text = page(found, "<script>alert(1)</script>.jpg")
    assert "<script>alert" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("data:image/jpeg") == 2
    assert ">1</span>" in text
    said = json.loads(json.dumps(as_json(found, "x")))
    assert np.array(said["heat"]).shape == (3, 3)
    assert said["answer"]["name"] == "India"


def test_an_index_shows_the_most_alike(colours: Path, tmp_path: Path) -> None:
    folder = tmp_path / "albums"
    folder.mkdir()
    lines = ["path,lat,lon"]
    for number in range(4):
        at, colour = ((48.85, 2.36), RED) if number % 2 else ((28.6, 77.2), GREEN)
        photo(folder / f"{number}.jpg", colour, seed=number)
        lines.append(f"{number}.jpg,{at[0]},{at[1]}")
    (folder / "albums.csv").write_text("\n".join(lines), encoding="utf-8")
    plain = Engine(colours)
    albums.add(plain, albums.open_index(plain, tmp_path / "i"), read(folder / "albums.csv"))
    engine = Engine(colours, tmp_path / "i")
    red = photo(tmp_path / "red.jpg", RED, seed=9)
    found = explain(engine, engine.system.open(red), grid=3)
    assert {match.photo for match in found.matches[:2]} == {"1.jpg", "3.jpg"}
    assert engine.album is not None
    assert page(found, "red.jpg", engine.album.file).count("data:image/jpeg") == 6
    # A photo of the index is no match for itself.
    own = explain(engine, engine.system.open(folder / "1.jpg"), grid=3)
    assert "1.jpg" not in {match.photo for match in own.matches}


@pytest.mark.parametrize("ending", ["html", "png", "json"])
def test_the_command_writes_what_the_name_ends_in(
    colours: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture
) -> None:
    red = str(photo(tmp_path / "red.jpg", RED))
    target = tmp_path / f"it.{ending}"
    assert run("explain", red, "-m", str(colours), "--grid", "3", "-o", str(target)) == 0
    assert target.stat().st_size > 200
    assert "France" in capsys.readouterr().out
    if ending == "png":
        with Image.open(target) as image:
            assert max(image.size) == 960


@pytest.mark.parametrize(
    ("name", "output", "said"),
    [("red.jpg", "it.pdf", "ends in .html"), ("gone.jpg", "it.html", "no such file")],
)
def test_what_cannot_be_explained_is_one_line(
    colours: Path, tmp_path: Path, capsys: pytest.CaptureFixture, name: str, output: str, said: str
) -> None:
    photo(tmp_path / "red.jpg", RED)
    words = ("explain", str(tmp_path / name), "-m", str(colours), "-o", str(tmp_path / output))
    assert run(*words) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / output).exists()
