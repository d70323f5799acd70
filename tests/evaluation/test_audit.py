"""Each planted leak is found, and a clean pair of tables raises no alarm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule import sphere
from graticule.evaluation.audit import audit_tables
from graticule.evaluation.finding import clean_rows
from graticule.evaluation.leaks import COLUMNS, checks
from graticule.evaluation.truth import Truth, portions
from graticule.photos.manifest import Manifest, read

N = 200


def tables(seed: int) -> tuple[Truth, Truth]:
    """Two tables with nothing in common: other people, other days, other places."""
    rng = np.random.default_rng(seed)
    land = np.stack([rng.uniform(45, 52, 2 * N), rng.uniform(2, 6, 2 * N)], axis=1)
    # The two sides lie 300 km and more apart.
    land[N:, 1] += 8.0
    sides = []
    for side, rows in (("train", slice(0, N)), ("test", slice(N, 2 * N))):
        days = rng.integers(0, 3000, N)
        sides.append(
            Truth(
                tuple(f"{side}/photo-{side}-{seed}-{i:05d}x.jpg" for i in range(N)),
                land[rows],
                {
                    "photographer": np.array([f"{side}{v}" for v in rng.integers(0, 30, N)]),
                    "sequence": np.array([f"{side}{v}" for v in rng.integers(0, 60, N)]),
                    "captured_at": np.array(
                        [str(np.datetime64("2015-01-01") + d) + "T12:00:00" for d in days]
                    ),
                },
            )
        )
    return sides[0], sides[1]


def planted(truth: Truth, rows: list[int], **columns: object) -> Truth:
    kept = {name: values.astype(object) for name, values in truth.columns.items()}
    latlon, paths = truth.latlon.copy(), list(truth.paths)
    for name, value in columns.items():
        if name == "latlon":
            latlon[rows] = value
        elif name == "paths":
            for row, path in zip(rows, value, strict=True):  # type: ignore[call-overload]
                paths[row] = path
        else:
            kept[name][rows] = value
    return Truth(tuple(paths), latlon, {k: v.astype(np.str_) for k, v in kept.items()})


@pytest.mark.parametrize("seed", range(20))
def test_clean_tables_raise_no_alarm(seed: int) -> None:
    train, test = tables(seed)
    assert [f.kind for f in audit_tables(train, test) if f.count] == []


@pytest.mark.parametrize("kind", ["photographer", "sequence", "file", "walk", "near"])
@pytest.mark.parametrize("seed", range(20))
def test_a_planted_leak_is_found_where_it_is_and_nowhere_else(kind: str, seed: int) -> None:
    train, test = tables(seed)
    rows = sorted(np.random.default_rng(seed).choice(N, 3, replace=False).tolist())
    expected = {"photographer": "same photographer", "sequence": "same sequence",
                "file": "same file name", "walk": "same place and time",
                "near": "within 1 km of training"}[kind]  # fmt: skip
    if kind in ("photographer", "sequence"):
        test = planted(test, rows, **{kind: train.columns[kind][:3]})
    elif kind == "file":
        test = planted(test, rows, paths=[p.replace("train/", "other/") for p in train.paths[:3]])
    else:
        close = sphere.offset(train.latlon[:3], 45.0, 0.4)
        when = train.columns["captured_at"][:3] if kind == "walk" else "1999-01-01T00:00:00"
        test = planted(test, rows, latlon=close, captured_at=when)
    found = {f.kind: f for f in audit_tables(train, test)}
    assert np.flatnonzero(found[expected].rows).tolist() == rows
    assert found[expected].examples[0].startswith(test.paths[rows[0]])
    assert np.flatnonzero(~clean_rows(list(found.values()), N)).tolist() == rows


def leaky(seed: int) -> tuple[Truth, Truth]:
    """Two tables with some leaks of every kind."""
    train, test = tables(seed)
    rng = np.random.default_rng(seed)
    for column in ("photographer", "sequence"):
        rows = sorted(rng.choice(N, 5, replace=False).tolist())
        test = planted(test, rows, **{column: train.columns[column][rng.integers(0, N, 5)]})
    rows = sorted(rng.choice(N, 5, replace=False).tolist())
    test = planted(test, rows, paths=[train.paths[i] for i in rng.integers(0, N, 5)])
    others = rng.integers(0, N, 20)
    test = planted(
        test,
        list(range(20)),
        latlon=sphere.offset(train.latlon[others], 10.0, rng.uniform(0, 2, 20)),
        captured_at=train.columns["captured_at"][others],
    )
    return train, test


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [1, 7, N])
def test_portions_of_any_size_find_what_the_whole_table_does(seed: int, size: int) -> None:
    train, test = leaky(seed)
    whole = audit_tables(train, test, radius_km=3)[:-1]
    parts = checks(test, 3)
    for start in range(0, N, size):
        for check in parts:
            check.see(train.take(np.arange(start, min(start + size, N))))
    for one, other in zip(whole, (check.finding() for check in parts), strict=True):
        assert one.kind == other.kind
        np.testing.assert_array_equal(one.rows, other.rows)
    assert all(f.count for f in whole if f.kind != "same group")


def test_the_radius_says_what_is_near_training() -> None:
    train, test = tables(0)
    test = planted(test, [3], latlon=sphere.offset(train.latlon[:1], 45.0, 4.0))
    for radius, count in ((1, 0), (3.9, 0), (4.1, 1), (5, 1)):
        found = {f.kind: f for f in audit_tables(train, test, radius_km=radius)}
        assert found[f"within {radius:g} km of training"].count == count
    assert audit_tables(train, test, radius_km=20_000)[5].count == N


def test_the_example_of_a_near_photo_is_the_nearest_of_all_portions() -> None:
    _, test = tables(0)
    near = checks(test)[-1]
    for name, km in (("far", 0.9), ("nearest", 0.2), ("near", 0.5)):
        near.see(Truth((name,), sphere.offset(test.latlon[:1], 90.0, km), {}))
    assert near.finding().examples == (f"{test.paths[0]} ← nearest (0.20 km)",)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_manifest_passes_by_and_is_not_kept(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pa = pytest.importorskip("pyarrow")
    from graticule.photos.manifest import write

    train, test = leaky(1)
    columns = {name: values.tolist() for name, values in train.columns.items()}
    places = {"lat": train.latlon[:, 0], "lon": train.latlon[:, 1]}
    write(pa.table({"path": train.paths, **places, **columns}), tmp_path / f"m.{ending}")
    monkeypatch.setattr(Manifest, "table", property(lambda _: pytest.fail("read whole")))
    manifest = read(tmp_path / f"m.{ending}")
    found = audit_tables(manifest, test)
    for one, other in zip(audit_tables(train, test), found, strict=True):
        np.testing.assert_array_equal(one.rows, other.rows)
        assert one.examples == other.examples
    assert sum(len(part) for part in portions(manifest, COLUMNS)) == N


@pytest.mark.parametrize(
    ("name", "tells"),
    [
        ("3524729364", True),  # a photo id of a service
        ("1006867983_e44e5e9f62_1_9_80653500@N00", True),
        ("00001234", False),
        ("000000123456", False),
        ("20150612", False),  # a day
        ("IMG_1", False),
    ],
)
def test_a_file_name_is_a_leak_where_it_is_one_of_a_kind(name: str, tells: bool) -> None:
    train, test = tables(0)
    train, test = (
        planted(t, [0], paths=[f"{p}/{name}.jpg"]) for t, p in ((train, "a"), (test, "b"))
    )
    found = next(f for f in audit_tables(train, test) if f.kind == "same file name")
    assert found.count == int(tells)


def test_walks_are_those_that_all_pairs_tell() -> None:
    rng = np.random.default_rng(0)
    sides = []
    for name in ("train", "test"):
        places = sphere.offset(
            np.full((400, 2), [78.2, 15.6]), rng.uniform(0, 360, 400), rng.uniform(0, 9, 400)
        )
        hours = np.datetime64("2020-01-01T00:00:00") + rng.integers(0, 9 * 86400, 400)
        paths = tuple(f"{name}{i}" for i in range(400))
        sides.append(Truth(paths, places, {"captured_at": hours.astype(str)}))
    train, test = sides
    found = next(f for f in audit_tables(train, test) if f.kind == "same place and time")
    km = sphere.distances(test.latlon, train.latlon)
    times = [side.columns["captured_at"].astype("datetime64[s]").astype(int) for side in sides]
    one_walk = (km <= 1) & (np.abs(times[1][:, None] - times[0]) <= 86400)
    assert 0 < found.count < 400
    np.testing.assert_array_equal(found.rows, one_walk.any(axis=1))
    for example in found.examples:
        ours, theirs = example.split(" ← ")
        assert one_walk[test.paths.index(ours), train.paths.index(theirs)]


def test_label_errors_are_named() -> None:
    truth = Truth(
        ("zero", "swapped", "wrong", "right"),
        np.array([[0, 0], [2.35, 48.85], [48.85, 2.35], [48.85, 2.35]]),
        {"country": np.array(["FR", "FR", "JP", "FR"])},
    )
    found = audit_tables(None, truth)[0]
    assert found.rows.tolist() == [True, True, True, False]
    assert "0, 0" in found.examples[0]
    assert "swapped" in found.examples[1]
    assert "lie in FR, not JP" in found.examples[2]


def nigeria(region: str, city: str) -> Truth:
    """Kano as it is and turned round, which is in Nigeria still."""
    return Truth(
        ("right", "swapped"),
        np.array([[12.03, 8.60], [8.60, 12.03]]),
        {
            "country": np.array(["NG", "NG"]),
            "region": np.array([region, region]),
            "city": np.array([city, city]),
        },
    )


@pytest.mark.parametrize(
    ("region", "city", "why"),
    [
        ("", "Kano", "km from Kano; swapped, "),
        ("kano", "", "lie in Adamawa; swapped, they lie in kano as stated"),
        ("Kano", "Kano", "lie in Adamawa"),
    ],
)
def test_a_swap_within_its_country_is_told_by_region_or_city(
    region: str, city: str, why: str
) -> None:
    found = audit_tables(None, nigeria(region, city))[0]
    assert found.rows.tolist() == [False, True]
    assert why in found.examples[0]


@pytest.mark.parametrize(("region", "city"), [("", ""), ("Lagos", "Lagos"), ("?", "Nowhere")])
def test_names_that_neither_way_fits_are_no_label_error(region: str, city: str) -> None:
    assert not audit_tables(None, nigeria(region, city))[0].count


def test_a_photo_a_little_out_of_its_town_or_region_is_no_label_error() -> None:
    rng = np.random.default_rng(0)
    places = sphere.offset(
        np.full((300, 2), [30.0444, 31.2357]), rng.uniform(0, 360, 300), rng.uniform(0, 60, 300)
    )
    names = {"country": "EG", "region": "Cairo", "city": "Cairo"}
    columns = {name: np.full(300, value) for name, value in names.items()}
    paths = tuple(f"{i}.jpg" for i in range(300))
    assert not audit_tables(None, Truth(paths, places, columns))[0].count
    turned = audit_tables(None, Truth(paths, places[:, ::-1], columns))[0]
    # Turned round they lie 100 to 250 km away; where that is not sure to be another place, no word.
    assert turned.rows.mean() > 0.5
