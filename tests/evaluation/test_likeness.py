"""Twins are found among many vectors in bounded memory, and strangers are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from graticule.evaluation.likeness import COSINE, Judged, alike_by, compare_blocks
from graticule.evaluation.pixels import look
from graticule.locate.engine import Engine
from graticule.photos.manifest import Manifest, from_table


def made(n: int, seed: int) -> np.ndarray:
    """Vectors in twenty clumps, as of twenty kinds of place."""
    middles = np.random.default_rng(99).standard_normal((20, 96)).astype(np.float32)
    rng = np.random.default_rng(seed)
    return middles[rng.integers(0, 20, n)] + rng.standard_normal((n, 96)).astype(np.float32)


@pytest.mark.parametrize("n", [300, 6000])  # one cell, and many
def test_twins_are_found_wherever_they_pass_and_strangers_are_not(n: int) -> None:
    judged, blocks = made(n, 0), [made(500, 1), made(500, 2), made(300, 3)]
    rng = np.random.default_rng(4)
    ours = rng.choice(n, 60, replace=False)
    theirs = rng.choice(1300, 60, replace=False)
    for a, b in zip(ours, theirs, strict=True):
        noise = 0.1 * rng.standard_normal(96).astype(np.float32)
        blocks[min(b // 500, 2)][b - 500 * min(b // 500, 2)] = 3.0 * (judged[a] + noise)
    best, cosine = compare_blocks(Judged(judged), blocks)
    found = best[ours] == theirs
    assert found.mean() >= 0.95
    assert (cosine[ours[found]] >= COSINE).all()
    strangers = np.setdiff1d(np.arange(n), ours)
    # The truth by brute force: nothing is invented.
    unit = judged / np.linalg.norm(judged, axis=1, keepdims=True)
    other = np.concatenate(blocks)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    near = (unit[strangers] @ other.T).max(axis=1) >= 0.949
    assert not (best[strangers] >= 0)[~near].any()


def test_a_row_of_nothing_is_like_nothing() -> None:
    judged = made(50, 0)
    judged[3] = 0.0
    best, _ = compare_blocks(Judged(judged), [np.zeros((10, 96), np.float32)])
    assert (best == -1).all()


def test_neighbours_are_kept_whatever_their_cosine() -> None:
    judged, blocks = made(300, 0)[:, :40], [made(200, 1)[:, :40], made(300, 2)[:, :40]]
    index = Judged(judged, neighbours=3)
    compare_blocks(index, blocks)
    unit = judged / np.linalg.norm(judged, axis=1, keepdims=True)
    other = np.concatenate(blocks)
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    cosines = np.sort(unit @ other.T, axis=1)[:, :-4:-1]
    # 40 dimensions are all searched, so nothing is lost but the digits of half precision.
    np.testing.assert_allclose(index.cosines, cosines, atol=2e-3)
    found = np.take_along_axis(unit @ other.T, index.rows, axis=1)
    np.testing.assert_allclose(found, cosines, atol=2e-3)


def test_a_part_of_a_photo_is_found_by_laying_it_over_its_neighbours(
    colours: Path, planet: Manifest, tmp_path: Path
) -> None:
    pa = pytest.importorskip("pyarrow")
    first = np.unique(planet.column("group"), return_index=True)[1]
    files = [planet.file(p) for p in planet.column("path")[np.sort(first)[:9]].tolist()]
    with Image.open(files[4]) as image:
        image.crop((10, 8, 82, 62)).save(tmp_path / "part.jpg", quality=85)
    with Image.open(files[8]) as image:
        image.save(tmp_path / "other.png")
    (tmp_path / "broken.jpg").write_bytes(files[4].read_bytes()[:300])
    names = ["part.jpg", "other.png", "broken.jpg"]
    test = from_table(pa.table({"path": names}), tmp_path / "m.csv")
    paths = [str(file.relative_to(planet.root)) for file in files[:8]]
    # No vectors are alike by so high a cosine: what is found is found by its pixels.
    check = alike_by(Engine(colours), 1.1)(test, look(test.files(), 3))
    check.see(planet, paths, look(files[:8], 8))
    finding = check.finding()
    assert finding.rows.tolist() == [True, False, False]
    assert finding.examples[0].startswith(f"part.jpg ← {paths[4]} (overlaid, correlation 0.")


@pytest.mark.parametrize("portion", [12, 5])
def test_a_mirrored_photo_is_found_by_its_vector(
    colours: Path, planet: Manifest, tmp_path: Path, portion: int
) -> None:
    pa = pytest.importorskip("pyarrow")
    files = [planet.file(p) for p in planet.column("path")[:12].tolist()]
    for side in ("train", "test"):
        (tmp_path / side).mkdir()
    for i, file in enumerate(files):
        with Image.open(file) as image:
            image.save(tmp_path / "train" / f"{i}.png")
    with Image.open(files[0]) as image:
        ImageOps.mirror(image).save(tmp_path / "test" / "a.png")
    Image.new("RGB", (96, 72), (255, 0, 255)).save(tmp_path / "test" / "b.png")
    rng = np.random.default_rng(0)
    noisy = rng.integers(0, 60, (72, 96, 3)) + np.array([195, 0, 195])
    Image.fromarray(noisy.astype(np.uint8)).save(tmp_path / "test" / "b.png")
    train = from_table(
        pa.table({"path": [f"{i}.png" for i in range(12)]}), tmp_path / "train/m.csv"
    )
    test = from_table(pa.table({"path": ["a.png", "b.png"]}), tmp_path / "test" / "m.csv")
    check = alike_by(Engine(colours), 0.99999)(test, look(test.files(), 2))
    for start in range(0, 12, portion):
        files = train.files()[start : start + portion]
        paths = [file.name for file in files]
        check.see(train, paths, look(files, len(files)))
    finding = check.finding()
    assert finding.rows.tolist() == [True, False]
    assert finding.examples[0].startswith("a.png ← 0.png (cosine ")
    assert finding.leak
