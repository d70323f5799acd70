"""An index that grows and shrinks: exact, whole after a kill, and of one model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.errors import GraticuleError
from graticule.refine import photo_index
from graticule.refine.photo_index import PhotoIndex
from graticule.refine.rows import Rows


def rows(n: int, start: int = 0) -> Rows:
    return Rows(
        tuple(f"photo-{i}.jpg" for i in range(start, start + n)),
        np.stack([np.linspace(-80, 80, n), np.linspace(-170, 170, n)], axis=1),
        tuple(f"{i:032x}" for i in range(start, start + n)),
        np.arange(start, start + n, dtype=np.uint64),
        np.full(n, np.nan),
    )


def vectors(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def make(folder: Path, n: int = 50) -> PhotoIndex:
    index = PhotoIndex.create(folder, model="m", key="k" * 16)
    index.add(vectors(n), rows(n))
    return PhotoIndex(folder)


def nearest(queries: np.ndarray, among: np.ndarray, k: int) -> np.ndarray:
    def unit(x: np.ndarray) -> np.ndarray:
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    return np.argsort(-unit(queries) @ unit(among).T, axis=1)[:, :k]


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4), k=st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_the_search_is_exact_however_the_photos_came(
    sizes: list[int], k: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    index = PhotoIndex.create(tmp_path_factory.mktemp("index"), model="m", key="k")
    everything = vectors(sum(sizes))
    at = 0
    for size in sizes:
        index.add(everything[at : at + size], rows(size, at))
        at += size
    queries = vectors(3, seed=1)
    found, cosine = index.search(queries, k)
    k = min(k, len(everything))
    assert found.shape == cosine.shape == (3, k)
    # In float16 two rows may change places, so the cosines are compared and not the rows.
    among = everything / np.linalg.norm(everything, axis=1, keepdims=True)
    unit = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    expected = np.take_along_axis(unit @ among.T, nearest(queries, everything, k), axis=1)
    assert np.allclose(cosine, expected, atol=2e-3)
    assert (np.diff(cosine, axis=1) <= 0).all()
    assert index.rows.photos == tuple(f"photo-{i}.jpg" for i in range(at))


def test_a_file_is_added_once(tmp_path: Path) -> None:
    index = make(tmp_path, 20)
    assert index.add(vectors(30), rows(30)) == 10
    assert len(index) == 30
    assert index.add(vectors(30), rows(30)) == 0


def test_deleting_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    index = make(tmp_path)
    index.add(vectors(10, seed=5), rows(10, 50))
    assert index.delete(["photo-1?.jpg", "photo-55.jpg"]) == 11
    assert len(PhotoIndex(tmp_path)) == 49
    assert index.delete(["nothing*"]) == 0
    reread = PhotoIndex(tmp_path)
    found, cosine = reread.search(vectors(50)[[20, 49]], 1)
    assert [reread.rows.photos[i] for i in found[:, 0]] == ["photo-20.jpg", "photo-49.jpg"]
    assert np.allclose(cosine, 1, atol=1e-3)
    listed = {f"{s['number']:05d}" for s in reread.about["shards"]}
    assert {file.stem for file in tmp_path.glob("*.npy")} == listed


def test_a_kill_while_adding_loses_nothing(tmp_path: Path) -> None:
    make(tmp_path, 20)
    script = f"""
        import os, signal
        import numpy as np
        from graticule.refine import photo_index
        from graticule.refine.photo_index import PhotoIndex
        from graticule.refine.rows import Rows

        index = PhotoIndex({str(tmp_path)!r})
        photo_index.files.write_json = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        n = 5
        index.add(np.ones((n, 16)) + np.eye(n, 16), Rows(
            tuple("new%d" % i for i in range(n)), np.zeros((n, 2)),
            tuple("x%d" % i for i in range(n)), np.zeros(n, np.uint64), np.zeros(n)))
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(Path(photo_index.__file__).parents[2])},
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*.npy"))) == 2, "the new shard was on the disk"
    index = PhotoIndex(tmp_path)
    assert len(index) == 20
    assert len(index.search(vectors(1), 100)[0][0]) == 20
    assert index.add(vectors(5, seed=9), rows(5, 100)) == 5
    assert len(PhotoIndex(tmp_path)) == 25
    assert len(list(tmp_path.glob("*.npy"))) == 2, "what the kill left is gone or written over"


def test_another_models_vectors_are_refused(tmp_path: Path) -> None:
    index = make(tmp_path)
    with pytest.raises(GraticuleError, match=r"built by m .*not by other"):
        PhotoIndex.create(tmp_path, model="other", key="z" * 16)
    with pytest.raises(GraticuleError, match="both must come from one model"):
        index.search(vectors(1, d=8), 3)
    with pytest.raises(GraticuleError, match="zero or not finite"):
        index.add(np.full((1, 16), np.nan, np.float32), rows(1, 900))
    assert len(PhotoIndex(tmp_path)) == 50


def test_what_is_no_index_is_said(tmp_path: Path) -> None:
    with pytest.raises(GraticuleError, match="graticule index makes one"):
        PhotoIndex(tmp_path)
    (tmp_path / "index.json").write_text("[]", encoding="utf-8")
    with pytest.raises(GraticuleError, match="not the listing"):
        PhotoIndex(tmp_path)


def test_a_shard_cut_short_is_named(tmp_path: Path) -> None:
    make(tmp_path)
    shard = next(tmp_path.glob("*.npy"))
    shard.write_bytes(shard.read_bytes()[:300])
    with pytest.raises(GraticuleError, match=shard.name):
        PhotoIndex(tmp_path).search(vectors(1), 1)


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    index = PhotoIndex.create(tmp_path, model="m", key="k")
    assert index.search(vectors(2), 5)[0].shape == (2, 0)
    assert len(index.rows) == 0


def test_faiss_finds_what_the_exact_search_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("faiss")
    monkeypatch.setattr(photo_index, "EXACT", 1000)
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((40, 16))
    clustered = centres[rng.integers(0, 40, 3000)] + 0.3 * rng.standard_normal((3000, 16))
    index = PhotoIndex.create(tmp_path, model="m", key="k")
    index.add(clustered, rows(3000))
    assert index.build_search()
    index = PhotoIndex(tmp_path)
    assert index.about["coarse"].endswith(".faiss")
    queries = clustered[:50] + 0.05 * rng.standard_normal((50, 16))
    fast, near = index.search(queries, 10)
    exact, _ = index.search(queries, 10, exact=True)
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(fast, exact, strict=True)]
    assert np.mean(shared) > 0.95
    assert (np.diff(near, axis=1) <= 0).all()
    index.delete(["photo-0.jpg"])
    assert "coarse" not in index.about
    assert not list(tmp_path.glob("*.faiss"))


def test_small_portions_leave_few_shards_and_the_same_rows(tmp_path: Path) -> None:
    index = PhotoIndex.create(tmp_path, model="m", key="k")
    everything = vectors(64)
    for at in range(64):
        index.add(everything[at : at + 1], rows(1, at))
    reread = PhotoIndex(tmp_path)
    assert len(reread.about["shards"]) == 1, "as the digits of 64: one shard of all"
    assert reread.rows.photos == tuple(f"photo-{i}.jpg" for i in range(64))
    assert np.allclose(reread.search(everything, 1)[1], 1, atol=1e-3)
    assert reread.search(everything, 1)[0][:, 0].tolist() == list(range(64))
    index.add(vectors(1, seed=7), rows(1, 64))
    assert len(index.about["shards"]) == 2


def test_one_process_changes_an_index_at_a_time(tmp_path: Path) -> None:
    index = make(tmp_path, 5)
    other = PhotoIndex(tmp_path)
    with index.changing(), pytest.raises(GraticuleError, match="another graticule index"):
        other.add(vectors(1, seed=3), rows(1, 100))
    assert other.add(vectors(1, seed=3), rows(1, 100)) == 1
    # What the first opened is behind; its next change begins with what the other wrote.
    assert index.add(vectors(1, seed=4), rows(1, 200)) == 1
    assert len(PhotoIndex(tmp_path)) == 7
    assert index.rows.photos[-2:] == ("photo-100.jpg", "photo-200.jpg")


def test_a_lock_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    make(tmp_path, 5)
    script = f"""
        import os, signal
        from graticule.refine.photo_index import PhotoIndex

        with PhotoIndex({str(tmp_path)!r}).changing():
            os.kill(os.getpid(), signal.SIGKILL)
    """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        env={**os.environ, "PYTHONPATH": str(Path(photo_index.__file__).parents[2])},
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL
    assert PhotoIndex(tmp_path).add(vectors(1, seed=3), rows(1, 100)) == 1


def test_the_fingerprint_is_of_the_rows_and_the_weighing(tmp_path: Path) -> None:
    index = make(tmp_path / "a", 20)
    same = make(tmp_path / "b", 20)
    assert index.fingerprint == same.fingerprint
    same.keep(weighing={"weight": 0.5})
    assert index.fingerprint != same.fingerprint
    before = index.fingerprint
    index.delete(["photo-3.jpg"])
    assert index.fingerprint != before
