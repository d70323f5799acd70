"""The recipe of the bundled model from the command on: its bundle is whole, or the one before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning")

from graticule.errors import GraticuleError
from graticule.photos.preprocess import Preprocess
from graticule.systems.bundle import Bundle, Manifest
from graticule.training import recipe as recipes
from graticule.training import run
from toy import make_photos


def test_an_earlier_bundle_stays_until_the_new_one_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos, out, weights = make_photos(tmp_path / "p", 4), tmp_path / "b", tmp_path / "w.pth"
    weights.touch()
    said = iter(("one", "two", None))

    def build(recipe: Any, _manifest: Any, _weights: Any, folder: Path, *_: Any) -> Bundle:
        word = next(said)
        (folder / f"{word}.txt").touch()
        if word is None:
            raise ValueError("half")
        about = Manifest(name=word, system="default", inputs=(Preprocess(),), point_task="cities")
        return Bundle.seal(folder, about)

    monkeypatch.setattr("graticule.training.mini.build.build", build)
    wanted = recipes.load("mini")
    options = run.Options(weights=weights)
    for word in ("one", "two"):
        bundle = run.train(wanted, photos, out, options)
        assert bundle.path == out
        assert bundle.manifest.name == word
        assert {path.name for path in out.iterdir()} == {"system.json", f"{word}.txt"}
    with pytest.raises(ValueError, match="half"):
        run.train(wanted, photos, out, options)
    assert Bundle(out).manifest.name == "two"
    assert not (tmp_path / ".b.part").exists()


def test_a_start_that_it_cannot_take_is_refused(tmp_path: Path) -> None:
    photos = make_photos(tmp_path / "p", 4)
    options = run.Options(init=tmp_path / "a")
    with pytest.raises(GraticuleError, match="recipe mini: it takes no --init"):
        run.train(recipes.load("mini"), photos, tmp_path / "b", options)
