from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from graticule.photos import duplicates
from graticule.photos.manifest import Manifest


def _brute(hashes: np.ndarray, radius: int) -> set[tuple[int, int]]:
    close = np.bitwise_count(hashes[:, None] ^ hashes[None, :]) <= radius
    return {(int(a), int(b)) for a, b in np.argwhere(close) if a < b}


def _linked(pairs: np.ndarray, n: int) -> np.ndarray:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0, 1, 3, 6, 10]))
def test_banding_links_exactly_what_comparing_all_pairs_links(seed: int, radius: int) -> None:
    rng = np.random.default_rng(seed)
    base = rng.integers(0, 2**64, 25, dtype=np.uint64)
    hashes = base[rng.integers(25, size=90)]
    for _ in range(int(rng.integers(0, 9))):
        flips = np.uint64(1) << rng.integers(0, 64, 90).astype(np.uint64)
        hashes = np.where(rng.random(90) < 0.6, hashes ^ flips, hashes)
    pairs = duplicates.near_pairs(hashes, radius)
    brute = _brute(hashes, radius)
    assert {tuple(sorted(pair)) for pair in pairs.tolist()} <= brute
    expected = _linked(np.array(sorted(brute) or np.empty((0, 2), int)).reshape(-1, 2), 90)
    assert np.array_equal(
        np.equal.outer(expected, expected),
        np.equal.outer(_linked(pairs, 90), _linked(pairs, 90)),
    )


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(0, 8), st.integers(0, 60))
def test_the_nearest_of_another_set_is_what_comparing_all_pairs_tells(
    seed: int, radius: int, n: int
) -> None:
    rng = np.random.default_rng(seed)
    middles = rng.integers(0, 2**63, 12, dtype=np.uint64)
    ours, theirs = (
        middles[rng.integers(0, 12, size)]
        ^ np.bitwise_or.reduce(
            np.uint64(1) << rng.integers(0, 64, (size, 4)).astype(np.uint64), axis=1
        )
        for size in (40, n)
    )
    found = duplicates.nearest(ours, theirs, radius)
    bits = np.bitwise_count(ours[:, None] ^ theirs[None, :]).astype(int)
    least = bits.min(axis=1, initial=65)
    np.testing.assert_array_equal(found >= 0, least <= radius)
    hit = np.flatnonzero(found >= 0)
    np.testing.assert_array_equal(bits[hit, found[hit]], least[hit])


def test_the_mirrored_hash_is_that_of_the_mirror_image(picture: Image.Image) -> None:
    own, mirrored = duplicates.perceptual_hashes(np.asarray(picture))
    assert own == duplicates.perceptual_hash(np.asarray(picture))
    turned = duplicates.perceptual_hash(np.asarray(picture)[:, ::-1].copy())
    assert (mirrored ^ turned).bit_count() <= 2
    assert (own ^ mirrored).bit_count() > duplicates.RADIUS


@pytest.mark.parametrize("n", [10, 10_000, 10_000_000])
@pytest.mark.parametrize("radius", [1, 6, 12])
def test_any_few_bits_leave_one_mask_untouched(n: int, radius: int) -> None:
    masks = duplicates._masks(n, radius)
    rng = np.random.default_rng(0)
    for _ in range(50):
        differ = sum(1 << int(bit) for bit in rng.choice(64, radius, replace=False))
        assert any(differ & mask == 0 for mask in masks)


@pytest.fixture(scope="module")
def picture(planet: Manifest) -> Image.Image:
    rows = np.flatnonzero((planet.column("scene") == "city") & (planet.column("clue") == "yes"))
    return Image.open(planet.files()[rows[0]]).convert("RGB").resize((384, 288))


def _saved(image: Image.Image, quality: int) -> Image.Image:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return Image.open(data)


def test_the_hash_survives_what_happens_to_a_photo_on_its_way(picture: Image.Image) -> None:
    own = duplicates.perceptual_hash(np.asarray(picture))
    w, h = picture.size
    changed = {
        "saved again": _saved(picture, 40),
        "half the size": picture.resize((w // 2, h // 2)),
        "brighter": ImageEnhance.Brightness(picture).enhance(1.15),
        "grey": picture.convert("L").convert("RGB"),
        "cropped": picture.crop((w // 100, h // 100, w - w // 100, h - h // 100)),
    }
    for name, other in changed.items():
        differ = (own ^ duplicates.perceptual_hash(np.asarray(other))).bit_count()
        assert differ <= duplicates.RADIUS, name
    mirrored = np.asarray(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    assert (own ^ duplicates.perceptual_hash(mirrored)).bit_count() > duplicates.RADIUS


def test_smaller_copies_of_small_pictures_are_found(planet: Manifest) -> None:
    differ = []
    for row in np.flatnonzero(planet.column("clue") == "yes")[:200]:
        picture = Image.open(planet.files()[row]).convert("RGB").resize((96, 72))
        own, smaller = (np.asarray(p) for p in (picture, _saved(picture.resize((72, 54)), 70)))
        differ.append(duplicates.perceptual_hash(own) ^ duplicates.perceptual_hash(smaller))
    near = [bits.bit_count() <= duplicates.RADIUS for bits in differ]
    assert np.mean(near) >= 0.99


def test_bursts_of_the_planet_are_found(planet: Manifest) -> None:
    hashes, read = duplicates.hash_photos(planet.files())
    assert read.all()
    found = duplicates.groups(hashes)
    true = np.unique(planet.column("group"), return_inverse=True)[1]
    pairs = np.equal.outer(true, true) & ~np.eye(len(true), dtype=bool)
    together = np.equal.outer(found, found) & (found >= 0)[:, None] & ~np.eye(len(true), dtype=bool)
    assert (pairs & together).sum() / pairs.sum() > 0.6
    assert (pairs & together).sum() / together.sum() > 0.5


def test_a_photo_that_cannot_be_read_is_like_no_other(tmp_path: Path, picture: Image.Image) -> None:
    (tmp_path / "a.jpg").write_bytes(b"broken")
    (tmp_path / "b.jpg").write_bytes(b"broken")
    picture.save(tmp_path / "c.jpg")
    picture.save(tmp_path / "d.png")
    files = [tmp_path / name for name in ("a.jpg", "b.jpg", "c.jpg", "d.png", "none.jpg")]
    hashes, read = duplicates.hash_photos(files)
    assert read.tolist() == [False, False, True, True, False]
    assert duplicates.groups(hashes, read).tolist() == [-1, -1, 0, 0, -1]


def test_embeddings_confirm_and_add() -> None:
    hashes = np.array([1, 1, 2**40 - 1, 2**63 + 2**31 - 1, 2**20 - 8], dtype=np.uint64)
    near = np.eye(8)[[0, 1, 2, 2, 3]] + np.array([0, 0, 0, 0.05, 0])[:, None]
    assert duplicates.groups(hashes).tolist() == [0, 0, -1, -1, -1]
    assert duplicates.groups(hashes, embeddings=near).tolist() == [-1, -1, 0, 0, -1]


def test_known_groups_are_joined_never_cut() -> None:
    hashes = np.array([1, 2**30, 1, 2**60 - 1, 2**50 - 3], dtype=np.uint64)
    known = np.array([7, 7, 3, 3, -1])
    assert duplicates.groups(hashes, radius=0, known=known).tolist() == [0, 0, 0, 0, -1]


def test_nothing_is_a_duplicate_of_nothing() -> None:
    assert duplicates.groups(np.empty(0, np.uint64)).tolist() == []
    assert duplicates.groups(np.array([5], np.uint64)).tolist() == [-1]
