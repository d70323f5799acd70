"""A bundle calibrated on the planet: it says so, its file changes, and verdicts work with it."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graticule.errors import GraticuleError
from graticule.evaluation import calibrate as calibrating
from graticule.evaluation.calibrate import calibrate, write
from graticule.locate.engine import Engine
from graticule.photos.manifest import Manifest, read
from graticule.verdicts.fit import fit_verdicts
from graticule.verdicts.limits import Verdicts
from made_photos import run as main_run
from verdicts.test_evidence import PARTITION, PRIOR, photos


@pytest.fixture(scope="module")
def strangers(planet: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """The planet without its photographers and walks: each photo of a place of its own."""
    folder = tmp_path_factory.mktemp("strangers")
    shutil.copytree(planet.root, folder, dirs_exist_ok=True)
    with planet.path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    kept = ("path", "lat", "lon", "country", "group", "source")
    with (folder / "strangers.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, kept, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return read(folder / "strangers.csv")


@pytest.fixture(scope="module")
def calibrated(
    colours: Path, strangers: Manifest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    engine = Engine(colours)
    target = tmp_path_factory.mktemp("calibrated") / "bundle"
    write(engine.system.bundle, calibrate(engine, strangers), target)
    return target


def test_the_copy_is_calibrated_and_whole(calibrated: Path, colours: Path) -> None:
    fitted = Engine(calibrated).calibration
    assert fitted.calibrated
    assert fitted.fitted_on["with_coordinates"] > 30
    assert not fitted.fitted_on["coverage_may_be_claimed"]
    assert sorted(fitted.radius_mass) == [50, 80, 90, 95]
    assert list(fitted.radius_mass.values()) == sorted(fitted.radius_mass.values())
    verdicts = Verdicts.of(fitted.verdicts)
    assert verdicts.task in fitted.prior
    assert set(verdicts.rates) == {1, 5}
    assert "Limits are set for 5 %" in (calibrated / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert (colours / "system.json").read_bytes() != (calibrated / "system.json").read_bytes()


def test_verdicts_are_judged_by_limits_of_other_sources(
    colours: Path, strangers: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    def noted(*args: Any, **kwargs: Any) -> Verdicts:
        asked.update(kwargs)
        return fit_verdicts(*args, **kwargs)

    monkeypatch.setattr(calibrating, "fit_verdicts", noted)
    calibrate(Engine(colours), strangers)
    assert len(np.unique(asked["folds"])) == len(np.unique(strangers.column("source"))) > 1


def test_folds_are_whole_sources_and_few() -> None:
    sources = np.array([f"s{i}" for i in range(40) for _ in range(1 + i)])
    folds = calibrating._folds(sources)
    assert folds is not None
    assert len(np.unique(folds)) == 10
    assert all(len(np.unique(folds[sources == one])) == 1 for one in np.unique(sources))
    assert calibrating._folds(np.array(["", "", ""])) is None


def test_photos_of_one_spot_are_one_place() -> None:
    belief, places = photos(12, 1)[0], PARTITION.centers[:12]
    rows = np.repeat(np.arange(12), 10)
    nobody = np.full(len(rows), "")
    said = calibrating._verdicts(
        {"cities": belief[rows]}, {"cities": PRIOR}, places[rows], nobody, nobody, 0
    )
    assert isinstance(said, str)
    assert "got 12" in said


def test_too_few_places_are_named(colours: Path, planet: Manifest) -> None:
    with pytest.raises(GraticuleError, match="radii need 30"):
        calibrate(Engine(colours), planet.filter(planet.column("path") == planet.column("path")[0]))


def test_an_existing_bundle_is_not_overwritten(calibrated: Path) -> None:
    engine = Engine(calibrated)
    with pytest.raises(GraticuleError, match="exists"):
        write(engine.system.bundle, engine.calibration, calibrated)


def test_too_few_places_for_verdicts_are_said_and_not_asked_for_in_a_circle(
    colours: Path, planet: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    why = "verdicts need photos of at least 20 independent places"
    target = str(tmp_path / "few")
    assert main_run("calibrate", str(colours), "-m", str(planet.path), "-o", target) == 0
    assert f"no verdicts for graticule verify: {why}" in capsys.readouterr().out
    photo = str(planet.file(str(planet.column("path")[0])))
    assert main_run("verify", photo, "--claim", "48.85,2.35", "-m", target) == 1
    assert why in capsys.readouterr().err


def test_the_commands_end_to_end(
    colours: Path, planet: Manifest, strangers: Manifest, tmp_path: Path
) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "graticule", *words], capture_output=True, text=True, check=False
        )

    out = tmp_path / "mine"
    made = run("calibrate", str(colours), "-m", str(strangers.path), "-o", str(out))
    assert made.returncode == 0, made.stderr
    assert "no promise" in made.stderr
    assert "Limits are set for 5 % false alarms" in made.stdout
    photo = str(planet.file(str(planet.column("path")[0])))
    told = run("verify", photo, "--claim", "48.85,2.35", "-m", str(out), "-f", "json")
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    assert (said["claim"]["lat"], said["claim"]["lon"]) == (48.85, 2.35)
    assert said["verdict"] in {"agrees", "can't tell", "contradicts"}
