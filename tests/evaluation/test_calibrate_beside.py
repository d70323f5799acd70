"""Calibrated beside an index or a gallery: radii hold for what is run, and for nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bundles import PLACES, make_gallery_bundle, photo
from graticule import sphere
from graticule.calibration import Calibration, fit_density
from graticule.cli.app import main
from graticule.errors import GraticuleError
from graticule.evaluation.calibrate import calibrate, card_with, write
from graticule.locate import albums
from graticule.locate.decode import Options
from graticule.locate.engine import Engine
from graticule.photos.manifest import Manifest, read

#: Colours between those that the tiny model knows, and where photos of them are from.
TONES = {
    (60, 150, 150): (45.76, 4.84),
    (130, 130, 40): (26.92, 75.79),
    (150, 60, 150): (-12.97, -38.5),
}


def album(folder: Path, seeds: Sequence[int]) -> Manifest:
    folder.mkdir()
    rng = np.random.default_rng(seeds[0])
    lines = ["path,lat,lon"]
    for seed in seeds:
        for number, (colour, place) in enumerate(TONES.items()):
            photo(folder / f"{number}-{seed}.png", colour, noise=70, seed=1000 * number + seed)
            lat, lon = np.array(place) + rng.normal(0, 0.3, 2)
            lines.append(f"{number}-{seed}.png,{lat},{lon}")
    (folder / "album.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read(folder / "album.csv")


@pytest.fixture(scope="module")
def made(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An index, the model calibrated beside it, and photos that neither saw."""
    home = tmp_path_factory.mktemp("beside")
    engine = Engine(colours)
    index = albums.open_index(engine, home / "index")
    albums.add(engine, index, album(home / "indexed", range(20)))
    held = album(home / "held", range(100, 140))
    beside = Engine(colours, home / "index")
    write(beside.system.bundle, calibrate(beside, held), home / "bundle")
    album(home / "unseen", range(200, 260))
    return {name: home / name for name in ("index", "bundle", "held", "unseen")}


def test_the_radii_hold_for_photos_that_nothing_was_fitted_on(made: dict[str, Path]) -> None:
    engine = Engine(made["bundle"], made["index"])
    unseen = read(made["unseen"] / "album.csv")
    paths = unseen.column("path").tolist()
    answers = list(
        engine.locate(((str(unseen.file(p)), p) for p in paths), Options(always_answer=True))
    )
    assert all(a.model is not None and a.model.calibrated for a in answers)
    points = np.array([(a.point.lat, a.point.lon) for a in answers if a.point])
    km = np.diag(sphere.distances(points, unseen.latlon))
    for level in ("50", "80", "90"):
        inside = float((km <= [a.radius_km[level] for a in answers]).mean())
        # Of 180 photos, three standard errors; a radius is rounded up, and never below a cell.
        assert inside >= int(level) / 100 - 0.11, (level, inside)


def test_another_index_or_none_is_not_what_was_calibrated(
    made: dict[str, Path], colours: Path, tmp_path: Path
) -> None:
    alone, beside = Engine(made["bundle"]), Engine(made["bundle"], made["index"])
    assert alone.model.calibrated, "without an index, what was fitted for the model holds"
    assert alone.model.index is None
    assert beside.model.calibrated
    assert beside.model.index == beside.album.index.fingerprint  # type: ignore[union-attr]
    engine = Engine(colours)
    other = albums.open_index(engine, tmp_path / "other")
    albums.add(engine, other, read(made["held"] / "album.csv"))
    assert not Engine(made["bundle"], tmp_path / "other").model.calibrated


def test_an_index_that_changed_is_another(made: dict[str, Path], tmp_path: Path) -> None:
    import shutil

    changed = tmp_path / "index"
    shutil.copytree(made["index"], changed)
    assert Engine(made["bundle"], changed).model.calibrated
    gone = Engine(made["bundle"], changed).album
    assert gone is not None
    assert gone.index.delete(["0-3.png"]) == 1
    assert not Engine(made["bundle"], changed).model.calibrated


def test_too_few_matches_are_named(made: dict[str, Path], colours: Path, tmp_path: Path) -> None:
    albums.open_index(Engine(colours), tmp_path / "empty")
    with pytest.raises(GraticuleError, match="matches for fewer than 30"):
        calibrate(Engine(colours, tmp_path / "empty"), read(made["held"] / "album.csv"))


def test_the_card_says_what_was_fitted_and_no_more_that_nothing_was(
    made: dict[str, Path],
) -> None:
    card = (made["bundle"] / "MODEL_CARD.md").read_text("utf-8")
    assert "Fitted on 120 photos" in card
    assert "a guide, no promise" in card
    assert "with the index" in card
    before = "# m\n\n## Calibration\n\n**Not calibrated.** No.\n\n## Licences\n\n- MIT\n"
    fitted = Engine(made["bundle"]).calibration
    after = card_with(before, fitted)
    assert "Not calibrated" not in after
    assert after.endswith("\n## Licences\n\n- MIT\n")
    assert card_with(after, fitted) == after


def test_a_gallery_is_calibrated_for_itself_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = make_gallery_bundle(tmp_path / "bundle", scale=8)
    held = tmp_path / "held"
    held.mkdir()
    lines = ["path,lat,lon"]
    for seed in range(15):
        for name, (place, colour) in PLACES.items():
            photo(held / f"{name[:2]}-{seed}.png", colour, noise=90, seed=seed)
            lines.append(f"{name[:2]}-{seed}.png,{place[0] + seed / 50},{place[1]}")
    (held / "held.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    listed = tmp_path / "own.csv"
    places = np.array([place for place, _ in PLACES.values()])
    spread = np.concatenate([places + step for step in np.linspace(-3, 3, 13)])
    listed.write_text("lat,lon\n" + "".join(f"{a},{b}\n" for a, b in spread), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(
            [
                *("calibrate", str(bundle), "-m", str(held / "held.csv")),
                *("--gallery", str(listed), "-o", str(tmp_path / "mine")),
            ]
        )
    assert not ended.value.code
    assert "weigh by their area to the power" in capsys.readouterr().out
    own, plain = Engine(tmp_path / "mine", None, listed), Engine(tmp_path / "mine")
    assert own.model.calibrated
    assert "gallery" in own.calibration.density
    assert len(own.calibration.prior["gallery"]) == len(spread)
    assert not plain.model.calibrated
    assert not plain.calibration.prior
    assert "the gallery" in (tmp_path / "mine" / "MODEL_CARD.md").read_text("utf-8")


def test_temperature_and_density_are_found_again() -> None:
    rng = np.random.default_rng(0)
    areas = rng.normal(3, 2, 300)
    log_p = rng.normal(0, 2, (600, 300)).astype(np.float32)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    weights = np.exp(log_p / 1.7 + 0.6 * areas)
    shares = weights / weights.sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(300, p=row) for row in shares], dtype=np.int64)
    temperature, density = fit_density(log_p, truth, areas)
    assert temperature == pytest.approx(1.7, rel=0.15)
    assert density == pytest.approx(0.6, abs=0.1)
    with pytest.raises(GraticuleError, match="nothing to calibrate on"):
        fit_density(log_p, np.full(600, -1), areas)


def test_a_calibration_beside_another_gallery_claims_nothing() -> None:
    fitted = Calibration(calibrated=True, gallery="a", prior={"gallery": [1.0]}, min_gain=2.0)
    assert fitted.beside("a") is fitted
    other = fitted.beside(None)
    assert (other.calibrated, other.prior, other.min_gain) == (False, {}, 0.0)
