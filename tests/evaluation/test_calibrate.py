"""A bundle calibrated on the planet: it says so, its file changes, and verdicts work with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from graticule.errors import GraticuleError
from graticule.evaluation.calibrate import calibrate, write
from graticule.locate.engine import Engine
from graticule.photos.manifest import Manifest
from graticule.verdicts.limits import Verdicts


@pytest.fixture(scope="module")
def calibrated(colours: Path, planet: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    engine = Engine(colours)
    target = tmp_path_factory.mktemp("calibrated") / "bundle"
    write(engine.system.bundle, calibrate(engine, planet), target)
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
    assert (colours / "system.json").read_bytes() != (calibrated / "system.json").read_bytes()


def test_too_few_places_are_named(colours: Path, planet: Manifest) -> None:
    with pytest.raises(GraticuleError, match="radii need 30"):
        calibrate(Engine(colours), planet.filter(planet.column("path") == planet.column("path")[0]))


def test_an_existing_bundle_is_not_overwritten(calibrated: Path) -> None:
    engine = Engine(calibrated)
    with pytest.raises(GraticuleError, match="exists"):
        write(engine.system.bundle, engine.calibration, calibrated)


def test_the_commands_end_to_end(colours: Path, planet: Manifest, tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "graticule", *words], capture_output=True, text=True, check=False
        )

    out = tmp_path / "mine"
    made = run("calibrate", str(colours), "-m", str(planet.path), "-o", str(out))
    assert made.returncode == 0, made.stderr
    assert "no promise" in made.stderr
    photo = str(planet.file(str(planet.column("path")[0])))
    told = run("verify", photo, "--claim", "48.85,2.35", "-m", str(out), "-f", "json")
    assert told.returncode == 0, told.stderr
    said = json.loads(told.stdout)
    assert (said["claim"]["lat"], said["claim"]["lon"]) == (48.85, 2.35)
    assert said["verdict"] in {"agrees", "can't tell", "contradicts"}
