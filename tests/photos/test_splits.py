from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule import sphere
from graticule.cells import s2
from graticule.errors import ManifestError
from graticule.photos import manifest, splits

KEYS = st.lists(st.integers(-1, 12), min_size=1, max_size=200).map(lambda v: np.array(v, np.int64))
SEEDS = st.integers(0, 2**31)


def _sides_of(keys: np.ndarray, sides: np.ndarray) -> list[set[int]]:
    return [set(sides[(keys == key) & (sides >= 0)].tolist()) for key in np.unique(keys[keys >= 0])]


@settings(max_examples=80, deadline=None)
@given(KEYS, SEEDS)
def test_no_key_is_on_two_sides_and_every_row_on_one(keys: np.ndarray, seed: int) -> None:
    sides = splits.by_key(splits.join(keys), seed=seed)
    assert len(sides) == len(keys)
    assert set(sides.tolist()) <= {0, 1, 2}
    assert all(len(found) == 1 for found in _sides_of(keys, sides))


@settings(max_examples=60, deadline=None)
@given(KEYS, SEEDS, st.data())
def test_two_keys_are_both_kept_whole(keys: np.ndarray, seed: int, data: st.DataObject) -> None:
    other = np.array(
        data.draw(st.lists(st.integers(-1, 60), min_size=len(keys), max_size=len(keys))), np.int64
    )
    sides = splits.by_key(splits.join(keys, other), seed=seed)
    assert all(len(found) == 1 for found in _sides_of(keys, sides))
    assert all(len(found) == 1 for found in _sides_of(other, sides))


@settings(max_examples=30, deadline=None)
@given(KEYS, SEEDS)
def test_the_same_seed_gives_the_same_split(keys: np.ndarray, seed: int) -> None:
    first = splits.by_key(splits.join(keys), seed=seed)
    np.testing.assert_array_equal(first, splits.by_key(splits.join(keys), seed=seed))


def test_another_seed_gives_another_split() -> None:
    keys = np.arange(500) // 5
    assert (splits.by_key(keys, seed=1) != splits.by_key(keys, seed=2)).any()


def test_join_follows_links_through_other_rows() -> None:
    photographers = np.array([0, 0, 1, 1, 2, -1, -1])
    groups = np.array([-1, 5, 5, -1, -1, -1, -1])
    joined = splits.join(photographers, groups)
    assert len(set(joined[:4].tolist())) == 1
    assert len(set(joined.tolist())) == 4


def test_sizes_are_kept_in_each_stratum_of_lone_rows() -> None:
    rng = np.random.default_rng(0)
    strata = rng.integers(-1, 5, 6000)
    sides = splits.by_key(np.arange(6000), sizes=(0.7, 0.1, 0.2), strata=strata, seed=3)
    for stratum in range(-1, 5):
        part = np.bincount(sides[strata == stratum], minlength=3) / (strata == stratum).sum()
        np.testing.assert_allclose(part, (0.7, 0.1, 0.2), atol=0.01)


def test_sizes_come_near_when_keys_are_uneven() -> None:
    rng = np.random.default_rng(1)
    keys = (400 * rng.random(20_000) ** 3).astype(np.int64)
    got = np.bincount(splits.by_key(splits.join(keys), seed=5), minlength=3) / len(keys)
    np.testing.assert_allclose(got, splits.SIZES, atol=0.02)


@pytest.mark.parametrize("n", [3, 4, 7])
def test_no_side_is_empty_when_there_is_enough_to_deal(n: int) -> None:
    sides = splits.by_key(np.repeat(np.arange(n), 50), seed=0)
    assert set(sides.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("sizes", [(0.5, 0.5), (0.8, 0.1, 0.2), (1.2, -0.1, -0.1)])
def test_sizes_that_are_no_shares_are_refused(sizes: tuple[float, ...]) -> None:
    with pytest.raises(ManifestError, match="sum to 1"):
        splits.by_key(np.arange(10), sizes=sizes)


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.sampled_from([0.0, 10.0, 80.0, 500.0]), st.integers(3, 9))
def test_the_buffer_is_respected_between_any_two_sides(
    seed: int, buffer: float, level: int
) -> None:
    rng = np.random.default_rng(seed)
    centers = sphere.uniform(6, rng)
    latlon = np.clip(centers[rng.integers(6, size=150)] + rng.normal(0, 1.5, (150, 2)), -90, 180)
    latlon[:, 0] = np.clip(latlon[:, 0], -90, 90)
    latlon[rng.random(150) < 0.1] = np.nan
    located = np.isfinite(latlon).all(axis=1)
    blocks = np.full(150, -1, dtype=np.int64)
    ids = s2.cell_ids(latlon[located], level)
    blocks[located] = np.unique(ids, return_inverse=True)[1]
    sides = splits.by_place(latlon, blocks, buffer_km=buffer, seed=seed)
    assert (sides[~located] == -1).all()
    assert all(len(found) <= 1 for found in _sides_of(blocks, sides))
    for a, b in ((0, 1), (0, 2), (1, 2)):
        gaps = sphere.distances(latlon[sides == a], latlon[sides == b])
        assert gaps.size == 0 or gaps.min() >= buffer
    if buffer == 0:
        assert (sides[located] >= 0).all()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 40), st.integers(-1, 30)), min_size=1, max_size=90
    )
)
def test_time_puts_train_before_val_before_test(rows: list[tuple[int | None, int]]) -> None:
    days = np.array(
        ["NaT" if day is None else str(np.datetime64("2020-01-01") + day) for day, _ in rows]
    )
    moments = days.astype("datetime64[s]")
    groups = np.array([group for _, group in rows], dtype=np.int64)
    if np.isnat(moments).all():
        with pytest.raises(ManifestError, match="captured_at"):
            splits.by_time(moments)
        return
    sides = splits.by_time(moments, sizes=(0.5, 0.25, 0.25), together=groups)
    assert (sides[np.isnat(moments)] == -1).all()
    assert all(len(found) <= 1 for found in _sides_of(groups, sides))
    for a, b in ((0, 1), (1, 2), (0, 2)):
        if (sides == a).any() and (sides == b).any():
            assert moments[sides == a].max() < moments[sides == b].min()


def test_moments_of_every_precision(tmp_path: Path) -> None:
    words = ["2019", "2019-07", "2019-07-14", "2019-07-14T21:30", "2019-07-14 21:30:05.5Z"]
    words += ["2019-07-14T21:30+02:00", "", "yesterday"]
    text = "path,captured_at\n" + "".join(f"{i}.jpg,{word}\n" for i, word in enumerate(words))
    (tmp_path / "m.csv").write_text(text)
    got = [str(moment) for moment in splits.moments(manifest.read(tmp_path / "m.csv"))]
    assert got == [
        "2019-01-01T00:00:00",
        "2019-07-01T00:00:00",
        "2019-07-14T00:00:00",
        "2019-07-14T21:30:00",
        "2019-07-14T21:30:05",
        "2019-07-14T21:30:00",
        "NaT",
        "NaT",
    ]


def test_a_column_is_added_and_the_rest_stays(planet: manifest.Manifest, tmp_path: Path) -> None:
    sides = splits.by_key(splits.join(splits.codes(planet, "photographer")))
    manifest.replace_column(planet, "split_photographer", splits.words(sides), tmp_path / "m.csv")
    read = manifest.read(tmp_path / "m.csv")
    assert read.table.drop_columns(["split_photographer"]).equals(planet.table)
    words = np.array(splits.SIDES)[sides]
    assert list(read.column("split_photographer")) == list(words)


def test_rows_are_not_lost_while_a_column_is_added(tmp_path: Path) -> None:
    file = tmp_path / "m.csv"
    file.write_text("path,group\na,1\nb\n")
    with pytest.raises(ManifestError, match="row 3 has 1 values"):
        manifest.replace_column(manifest.read(file), "split_group", np.array(["train"]), file)
    assert file.read_text() == "path,group\na,1\nb\n"
