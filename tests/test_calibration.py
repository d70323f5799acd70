"""Radii cover what they promise, on beliefs whose truth follows them and on others that do not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule import calibration, sphere
from graticule.belief import Belief
from graticule.calibration import Calibration
from graticule.cells.cities import Cities, cities
from graticule.errors import BundleError


def made(n: int, seed: int, sharpness: float = 1.0) -> tuple[Belief[Cities], np.ndarray]:
    """Beliefs over 60 places and true places drawn from a sharper or flatter version of them."""
    rng = np.random.default_rng(seed)
    spots = sphere.uniform(60, np.random.default_rng(99))
    partition = cities({f"FR:c{i}": (lat, lon) for i, (lat, lon) in enumerate(spots)})
    logits = rng.normal(0, 3, (n, 60))
    belief = Belief.from_logits(partition, logits)
    truth_p = Belief.from_logits(partition, logits * sharpness).p
    cell = np.array([rng.choice(60, p=row / row.sum()) for row in truth_p.astype(np.float64)])
    spread = np.sqrt(partition.areas_km2[0] / np.pi)
    places = sphere.offset(
        partition.centers[cell], rng.uniform(0, 360, n), spread * np.sqrt(rng.random(n))
    )
    return belief, places


@pytest.mark.parametrize("sharpness", [1.0, 0.4, 2.0])
def test_radii_cover_new_photos_even_where_the_belief_is_wrong(sharpness: float) -> None:
    belief, truth = made(2000, 1, sharpness)
    masses = calibration.fit_radii(belief, truth, calibration.pick_points(belief, 250))
    new, places = made(2000, 2, sharpness)
    points = calibration.pick_points(new, 250)
    radii = calibration.radii_holding(new, points, list(masses.values()))
    for level, radius in zip(masses, radii.T, strict=True):
        covered = 100 * np.mean(sphere.haversine(points, places) <= radius)
        assert covered == pytest.approx(level, abs=3.5)


def test_radii_grow_with_their_coverage() -> None:
    belief, truth = made(300, 3)
    points = calibration.pick_points(belief, 250)
    masses = calibration.fit_radii(belief, truth, points)
    radii = calibration.radii_holding(belief, points, [masses[k] for k in (50, 80, 95)])
    assert (np.diff(radii, axis=1) >= 0).all()


def test_mass_and_radius_are_inverse() -> None:
    belief, _ = made(50, 4)
    points = calibration.pick_points(belief, 250)
    for mass in (0.2, 0.7, 0.95):
        radius = calibration.radii_holding(belief, points, [mass])[:, 0]
        wider = calibration.mass_within(belief, points, radius * 1.02 + 0.5)
        narrower = calibration.mass_within(belief, points, radius / 1.02 - 0.5)
        assert (wider >= mass - 1e-6).all()
        assert (narrower <= mass + 1e-6).all()


def test_two_far_guesses_are_not_averaged_into_the_sea() -> None:
    two = cities(
        {"PT:Lisbon": (38.7, -9.1), "US:New York": (40.7, -74.0), "ES:Madrid": (40.4, -3.7)}
    )
    belief = Belief.from_logits(two, np.log([[0.36, 0.4, 0.24]]))
    point = calibration.pick_points(belief, 400)[0]
    # Iberia holds more mass together than New York alone; the point stays on it.
    assert -9.2 < point[1] < -3.6


def test_the_temperature_undoes_a_wrong_one() -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 2, (4000, 8))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([rng.choice(8, p=row) for row in p]).astype(np.int64)
    assert calibration.fit_temperature(logits * 3, truth) == pytest.approx(3.0, rel=0.12)


def test_gain_over_itself_is_nothing() -> None:
    belief, _ = made(3, 6)
    assert calibration.gain(belief[slice(0, 1)], belief.p[0])[0] == pytest.approx(0, abs=1e-4)
    assert calibration.gain(belief, np.full(60, 1 / 60)).min() > 0


def test_copies_of_one_place_weigh_as_one() -> None:
    belief, truth = made(200, 7)
    points = calibration.pick_points(belief, 250)
    copied = np.concatenate([np.arange(200), np.zeros(500, dtype=np.int64)])
    weighted = calibration.fit_radii(belief[copied], truth[copied], points[copied], copied)
    plain = calibration.fit_radii(belief, truth, points)
    for level, mass in plain.items():
        assert weighted[level] == pytest.approx(mass, abs=0.02)


def test_levels_by_hand_and_all_of_it_where_there_are_too_few_to_know() -> None:
    scores = np.arange(1, 10) / 10
    # Of nine, ⌈10 · 0.5⌉ = the 5th and ⌈10 · 0.9⌉ = the 9th; 95 % would take a tenth.
    assert calibration.quantiles(scores) == {50: 0.5, 80: 0.8, 90: 0.9, 95: 1.0}
    rng = np.random.default_rng(0)
    held = [rng.random() <= calibration.quantiles(rng.random(9))[95] for _ in range(2000)]
    assert np.mean(held) >= 0.95


def test_saved_and_loaded_is_equal(tmp_path: Path) -> None:
    whole = Calibration(calibrated=True, temperatures={"countries": 1.5}, radius_mass={50: 0.3})
    whole.save(tmp_path / "calibration.json")
    assert Calibration.load(tmp_path / "calibration.json") == whole


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"point_km": -1}', encoding="utf-8")
    with pytest.raises(BundleError, match="point_km"):
        Calibration.load(tmp_path / "c.json")
