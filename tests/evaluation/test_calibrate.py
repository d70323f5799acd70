"""A bundle calibrated on the planet: it says so, its file changes, and verdicts work with it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from graticule.errors import GraticuleError
from graticule.evaluation.calibrate import calibrate, write
from graticule.locate.claims import claimed_place
from graticule.locate.engine import Engine
from graticule.locate.verify import check_photo
from graticule.photos.manifest import Manifest


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
    assert set(fitted.verdicts) >= {"contradicts", "agrees", "false_alarm"}
    assert (colours / "system.json").read_bytes() != (calibrated / "system.json").read_bytes()


def test_a_verdict_comes_with_its_rate_and_the_metadata_apart(
    calibrated: Path, planet: Manifest
) -> None:
    row = int((planet.column("path") != "").argmax())
    found = check_photo(
        Engine(calibrated), planet.file(str(planet.column("path")[row])), (10.0, 10.0)
    )
    assert found["verdict"] in {"agrees", "can't tell", "contradicts"}
    assert 0 <= found["false_alarm"] <= 0.1
    assert any("GPS lies" in words for words in found["metadata"])


def test_a_model_without_verdicts_says_what_to_do(colours: Path, planet: Manifest) -> None:
    with pytest.raises(GraticuleError, match="graticule calibrate"):
        check_photo(Engine(colours), planet.file(str(planet.column("path")[0])), (1.0, 1.0))


def test_too_few_places_are_named(colours: Path, planet: Manifest) -> None:
    with pytest.raises(GraticuleError, match="radii need 30"):
        calibrate(Engine(colours), planet.filter(planet.column("path") == planet.column("path")[0]))


def test_an_existing_bundle_is_not_overwritten(calibrated: Path) -> None:
    engine = Engine(calibrated)
    with pytest.raises(GraticuleError, match="exists"):
        write(engine.system.bundle, engine.calibration, calibrated)


def test_claims_in_words_and_numbers() -> None:
    assert claimed_place("49.84, 24.03") == (49.84, 24.03)
    lat, lon = claimed_place("Lviv, Ukraine")
    assert abs(lat - 49.84) < 0.2
    assert abs(lon - 24.03) < 0.2
    with pytest.raises(GraticuleError, match="did you mean"):
        claimed_place("139.7,35.7")
    with pytest.raises(GraticuleError, match="no town"):
        claimed_place("Nowhereville")
    with pytest.raises(GraticuleError, match="several towns"):
        claimed_place("Springfield, US")


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
    assert json.loads(told.stdout)["claim"] == {"lat": 48.85, "lon": 2.35}
