"""A gallery of the user's: encoded once, kept under its own key, searched exactly or by FAISS."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import graticule
from bundles import GREEN, RED, make_gallery_bundle, picture
from graticule import sphere
from graticule.cells.gallery import gallery, grid
from graticule.errors import BundleError, PartitionError
from graticule.files import cache_dir
from graticule.refine import coarse
from graticule.systems import own_gallery
from graticule.systems.bundle import Bundle
from graticule.systems.own_gallery import gallery_key, open_gallery
from graticule.systems.registry import load_system

#: Streets about the Louvre, and one far off.
STREETS = [(48.8606, 2.3376), (48.8584, 2.2945), (48.8530, 2.3499), (28.6129, 77.2295)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_gallery_bundle(tmp_path_factory.mktemp("gallery") / "bundle")


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    file = tmp_path / "streets.csv"
    rows = "".join(f"{lat},{lon}\n" for lat, lon in STREETS)
    file.write_text("lat,lon\n" + rows, encoding="utf-8")
    return file


def spread(n: int) -> np.ndarray:
    return sphere.uniform(n, np.random.default_rng(0))


def test_an_answer_lies_among_the_users_places_and_may_be_finer(
    bundle: Path, tmp_path: Path
) -> None:
    blocks = gallery(grid((28.605, 77.225, 28.625, 77.235), 0.2))
    blocks.to_parquet(tmp_path / "delhi.parquet")
    (answer,) = graticule.load(bundle, gallery=tmp_path / "delhi.parquet").locate(picture(GREEN))
    assert answer.point is not None
    assert sphere.haversine((answer.point.lat, answer.point.lon), (28.615, 77.23)) < 0.5
    assert answer.point.lat == round(answer.point.lat, 4) != round(answer.point.lat, 2)
    assert 0.1 <= answer.radius_km["50"] < 2
    assert answer.model is not None
    assert not answer.model.calibrated
    network = Bundle(bundle).manifest.files["location.onnx"]
    assert answer.model.gallery == gallery_key(blocks, network)
    (coarse_answer,) = graticule.load(bundle).locate(picture(GREEN))
    assert coarse_answer.point is not None
    assert coarse_answer.model is not None
    assert coarse_answer.model.gallery is None
    assert round(coarse_answer.point.lat, 2) == coarse_answer.point.lat, "a city at the finest"


def test_it_is_encoded_once(bundle: Path, streets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_gallery(streets, Bundle(bundle))
    assert first is not None
    assert (cache_dir() / "galleries" / f"{first.key}.npy").is_file()
    monkeypatch.setattr(own_gallery, "_encode", lambda *_: pytest.fail("encoded again"))
    again = open_gallery(streets, Bundle(bundle))
    assert again is not None
    assert isinstance(again.vectors, np.memmap)
    assert np.array_equal(first.vectors, again.vectors)


def test_another_network_or_other_points_have_another_key() -> None:
    one, other = gallery(STREETS), gallery(STREETS[:3])
    assert len({gallery_key(one, "a"), gallery_key(one, "b"), gallery_key(other, "a")}) == 3


def test_points_given_twice_are_encoded_once_and_kept(bundle: Path, tmp_path: Path) -> None:
    points = spread(40)
    twice = gallery(np.concatenate([points, points[::-1]]))
    found = own_gallery.vectors_of(twice, Bundle(bundle))
    assert found.vectors.shape == (80, 3)
    assert np.array_equal(found.vectors[:40], found.vectors[40:][::-1])
    alone = own_gallery.vectors_of(gallery(points), Bundle(bundle))
    assert np.allclose(alone.vectors, found.vectors[:40], atol=1e-6)


def test_the_bundles_own_points_are_no_other_gallery(bundle: Path) -> None:
    own = bundle / "partitions" / "gallery.parquet"
    assert open_gallery(own, Bundle(bundle)) is None
    assert load_system(bundle, own).gallery_key is None


def test_odd_points_are_counted_and_kept(bundle: Path, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_text("lat,lon\n48.86,2.35\n48.86,2.35\nnan,3\n0,-140\n95,2\n,\n", encoding="utf-8")
    system = load_system(bundle, file)
    assert len(system.partitions["gallery"]) == 3
    (note,) = system.notes
    assert "3 places, 1 of them given twice and 1 at sea, all kept" in note
    assert "3 rows are no place and left out, row 3 first" in note
    file.write_text("lat,lon\nnan,2\n95,2\n", encoding="utf-8")
    with pytest.raises(PartitionError, match=r"odd\.csv: not one of its 2 rows"):
        load_system(bundle, file)


def test_models_without_places_take_no_gallery(
    bundle: Path, colours: Path, streets: Path, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match="--gallery could take the place of"):
        load_system(colours, streets)
    folder = tmp_path / "closed"
    shutil.copytree(bundle, folder)
    (folder / "location.onnx").unlink()
    Bundle.seal(folder, Bundle(bundle).manifest)
    with pytest.raises(BundleError, match=r"no network for places"):
        load_system(folder, streets)


def test_a_full_disk_is_said_before_the_work(
    bundle: Path, streets: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setenv("GRATICULE_CACHE", str(tmp_path / "full"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(3))
    with pytest.raises(BundleError, match="free some room"):
        load_system(bundle, streets)
    assert not list(tmp_path.glob("full/**/*.npy"))


def test_kept_vectors_that_are_broken_are_named(bundle: Path, streets: Path) -> None:
    found = open_gallery(streets, Bundle(bundle))
    assert found is not None
    file = cache_dir() / "galleries" / f"{found.key}.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:60])
    with pytest.raises(BundleError, match="delete it"):
        open_gallery(streets, Bundle(bundle))
    file.write_bytes(whole)


def test_many_points_are_searched_by_faiss_and_its_recall_is_said(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faiss")
    monkeypatch.setattr(coarse, "EXACT", 1000)
    monkeypatch.setattr(own_gallery, "NARROWED", 300)
    file = tmp_path / "many.parquet"
    gallery(spread(3000)).to_parquet(file)
    system = load_system(bundle, file)
    assert any("FAISS looks for the nearest 300 and finds" in note for note in system.notes)
    query = np.load(bundle / "gallery.npy")[:2]
    narrow = system.similarities(query)  # type: ignore[attr-defined]
    own = system.own  # type: ignore[attr-defined]
    assert own.vectors.dtype == np.float16
    whole = 30.0 * own_gallery.compared(query, own.vectors)
    assert np.isfinite(narrow).sum(axis=1).tolist() == [300, 300]
    # Many points share a colour here: the best are compared by what they score.
    assert np.allclose(np.sort(narrow)[:, -50:], np.sort(whole)[:, -50:], atol=0.05)
    pixels = np.stack([np.asarray(picture(RED, size=(32, 32)))])
    assert np.isclose(system.predict([pixels]).beliefs["gallery"].p.sum(), 1, atol=1e-4)


def test_without_faiss_all_are_compared_and_that_is_said(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coarse, "EXACT", 1000)
    monkeypatch.setattr(coarse, "installed", lambda: False)
    file = tmp_path / "many.parquet"
    gallery(spread(2000)).to_parquet(file)
    system = load_system(bundle, file)
    assert any("compared one by one" in note for note in system.notes)
    assert np.isfinite(system.similarities(np.eye(3, dtype=np.float32))).all()  # type: ignore[attr-defined]
