"""Taught places: what is fitted, what is kept, and how sure a likeness is."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.errors import BundleError, GraticuleError
from graticule.refine.taught import MOST, SHOTS, Known, Place, Taught, fit

DIM = 16


def collection(places: int = 12, photos: int = 15, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Photos of places with looks of their own, all on one side as those of a network are."""
    rng = np.random.default_rng(seed)
    looks = 5 + rng.normal(size=(places, DIM))
    own = np.repeat(np.arange(places), photos)
    return looks[own] + rng.normal(0, 0.4, (len(own), DIM)), own


@cache
def known() -> Known:
    vectors, own = collection()
    return fit(vectors[own < 10], own[own < 10])


def photos_of(place: int) -> np.ndarray:
    vectors, own = collection()
    return vectors[own == place]


def place(name: str, n: int, mark: str = "") -> Place:
    return Place(name, 15.3, 76.5, 2.0, tuple(f"{mark or name}{i}" for i in range(n)))


def taught(shots: int = 5) -> Taught:
    return Taught(known()).with_place(place("Hampi", shots), photos_of(10)[:shots])


@pytest.mark.parametrize("shots", [1, 5])
def test_photos_of_a_taught_place_are_told_from_all_others(shots: int) -> None:
    whole = taught(shots)
    assert (whole.shares(photos_of(10)[shots:]) > 0.5).mean() > 0.9
    vectors, own = collection()
    assert (whole.shares(vectors[own != 10]) < 0.5).mean() > 0.97


def test_more_shots_are_judged_by_a_curve_of_their_own() -> None:
    curve = known().curve
    assert curve.shape == (len(SHOTS), 2)
    assert (curve[:, 0] > 0).all()
    # No place of these has twenty photos to spare: judged as those of ten.
    np.testing.assert_array_equal(curve[-1], curve[-2])


def test_two_taught_places_are_told_apart() -> None:
    whole = taught().with_place(place("Badami", 5), photos_of(11)[:5])
    for number, looks in enumerate((10, 11)):
        assert (whole.shares(photos_of(looks)[5:]).argmax(axis=1) == number).all()


@given(st.integers(0, 10_000))
def test_shares_are_probabilities(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = taught().with_place(place("Badami", 5), photos_of(11)[:5])
    share = whole.shares(rng.normal(5, 3, (6, DIM)))
    assert (share >= 0).all()
    assert (share.sum(axis=1) <= 1 + 1e-9).all()


def test_the_prior_of_many_places_is_bounded() -> None:
    whole = Taught(known())
    for number in range(20):
        whole = whole.with_place(place(f"p{number}", 2), photos_of(10)[:2])
    # All alike: none is told from its twins, and together they leave room for the model.
    assert whole.shares(photos_of(0)).sum(axis=1).max() < MOST


def test_photos_that_are_there_already_are_passed_over() -> None:
    again = taught().with_place(place("hampi", 7, "Hampi"), photos_of(10)[:7])
    assert len(again.places) == 1
    assert len(again.places[0].photos) == 7
    np.testing.assert_allclose(again.vectors, photos_of(10)[:7], rtol=1e-6)


def test_a_place_is_forgotten_and_the_others_stay() -> None:
    both = taught().with_place(place("Badami", 3), photos_of(11)[:3])
    more = both.with_place(place("Hampi", 2, "new"), photos_of(10)[5:7])
    left = more.without("HAMPI")
    assert [p.name for p in left.places] == ["Badami"]
    np.testing.assert_allclose(left.vectors, photos_of(11)[:3], rtol=1e-6)
    with pytest.raises(GraticuleError, match="Goa: not a taught place; there is Badami"):
        left.without("Goa")


def test_written_and_read_again(tmp_path: Path) -> None:
    whole = taught()
    whole.save(tmp_path / "t.safetensors")
    again = Taught.load(tmp_path / "t.safetensors")
    assert again.places == whole.places
    np.testing.assert_array_equal(again.shares(photos_of(10)), whole.shares(photos_of(10)))
    (tmp_path / "t.safetensors").write_bytes(b"cut off")
    with pytest.raises(BundleError, match="not taught places"):
        Taught.load(tmp_path / "t.safetensors")


def test_photos_without_a_vector_are_of_no_place() -> None:
    assert (taught().shares(np.full((2, DIM), np.nan)) == 0).all()


def test_another_encoder_is_named() -> None:
    with pytest.raises(GraticuleError, match="length 3, the taught places' have 16"):
        taught().shares(np.zeros((1, 3)))


def test_one_place_is_too_few_to_learn_from() -> None:
    vectors, own = collection()
    with pytest.raises(GraticuleError, match="too few places"):
        fit(vectors[own == 0], own[own == 0])
    with pytest.raises(GraticuleError, match="too few places"):
        fit(vectors[:3], np.arange(3))


def test_vectors_that_tell_nothing_teach_nothing() -> None:
    rng = np.random.default_rng(0)
    blank = fit(rng.normal(size=(60, 4)), np.arange(60) % 6)
    whole = Taught(blank).with_place(place("x", 5), rng.normal(size=(5, 4)))
    assert whole.shares(rng.normal(size=(50, 4))).max() < 0.5
