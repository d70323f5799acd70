"""The pieces of the bundled model's training, on numbers small enough to check by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import pyarrow as pa
import torch
from torch import nn

from graticule.cells.cities import Cities
from graticule.encoders import export
from graticule.encoders.onnx import OnnxGraph
from graticule.photos.manifest import from_table
from graticule.systems.nested_decoding import within
from graticule.training.mini import crossfit, heads, places, shrink
from graticule.training.mini.probe import Linear, fit_linear
from graticule.training.mini.rows import Rows, read_rows, row_weights
from graticule.training.mini.settings import (
    MemorySettings,
    MiniSettings,
    PriorSettings,
    ProbeSettings,
)


def make_rows(tmp_path: Path, settings: MiniSettings | None = None) -> Rows:
    # 12 photos of London in one source, 3 of Paris, 2 each of two countries in another.
    folder = ["a"] * 12 + ["b"] * 7 + ["banned"]
    country = ["GB"] * 12 + ["FR"] * 3 + ["IT", "IT", "JP", "JP"] + ["US"]
    city = ["London"] * 12 + ["Paris"] * 3 + [""] * 5
    n = len(folder)
    table = pa.table(
        {
            "path": [f"{f}/{i:03d}.jpg" for i, f in enumerate(folder)],
            "lat": pa.array([None] * n, pa.float64()),
            "lon": pa.array([None] * n, pa.float64()),
            "country": country,
            "city": city,
            "scene": [""] * n,
            "fold": [str(i % 5) for i in range(n)],
            "licence": ["CC0"] * n,
        }
    )
    manifest = from_table(table, tmp_path / "manifest.csv")
    return read_rows(manifest, settings or MiniSettings(exclude=("banned",)))


def test_excluded_sources_are_never_read(tmp_path: Path) -> None:
    rows = make_rows(tmp_path)
    assert "banned" not in rows.folder
    assert "US" not in rows.country
    assert len(rows) == 19


def test_every_thins_a_source(tmp_path: Path) -> None:
    rows = make_rows(tmp_path, MiniSettings(every={"a": 4}))
    assert (rows.folder == "a").sum() == 3


def test_a_source_full_of_one_country_weighs_as_one(tmp_path: Path) -> None:
    rows = make_rows(tmp_path)
    weight = row_weights(rows, ProbeSettings(source_power=1.0, country_power=0.0))
    assert weight.mean() == pytest.approx(1)
    assert weight[rows.folder == "a"].sum() == pytest.approx(weight[rows.country == "FR"].sum())


def test_the_probe_separates_what_can_be_separated() -> None:
    random = np.random.default_rng(0)
    target = random.integers(0, 3, 300).astype(np.int64)
    x = np.eye(3, 8, dtype=np.float32)[target] + random.normal(0, 0.1, (300, 8)).astype(np.float32)
    head = fit_linear(x, target, 3, np.ones(300), l2=1e-4, iterations=30)
    assert (head(x).argmax(1) == target).mean() > 0.98


def test_a_head_along_components_tells_the_same() -> None:
    random = np.random.default_rng(0)
    target = random.integers(0, 3, 300)
    x = np.eye(3, 40, dtype=np.float32)[target] + random.normal(0, 0.1, (300, 40)).astype(
        np.float32
    )
    head = fit_linear(x, target, 3, np.ones(300), l2=1e-4, iterations=30, components=5)
    assert head.weight.shape == (40, 3)
    assert (head(x).argmax(1) == target).mean() > 0.98


def test_photos_are_remembered_in_the_finest_cell_that_is_known(tmp_path: Path) -> None:
    rows = make_rows(tmp_path)
    countries = places.country_cells(rows)
    cells = places.city_cells(rows, places.located(rows), countries, photos=5)
    x = np.random.default_rng(1).normal(size=(len(rows), 16)).astype(np.float32)
    settings = MiniSettings(memory=MemorySettings(weight=0.5, dims=8))
    kept = heads.remember(x, rows, countries, cells, settings)
    assert kept is not None
    assert np.bincount(kept.cells, minlength=5).tolist() == [12, 3, 0, 2, 2]
    assert heads.remember(x, rows, countries, cells, MiniSettings()) is None


def test_cities_are_those_with_photos_and_every_country_has_a_rest(tmp_path: Path) -> None:
    rows = make_rows(tmp_path)
    countries = places.country_cells(rows)
    cells = places.city_cells(rows, places.located(rows), countries, photos=5)
    assert cells.ids == ("GB:London", "FR:", "GB:", "IT:", "JP:")
    np.testing.assert_allclose(cells.centers[0], (51.5, -0.13), atol=0.1)
    assert cells.counts.tolist() == [12, 3, 0, 2, 2]


def fitted(tmp_path: Path) -> tuple[heads.Heads, heads.Fitted, Cities]:
    rows = make_rows(tmp_path)
    countries = places.country_cells(rows)
    cells = places.city_cells(rows, places.located(rows), countries, photos=3)
    random = np.random.default_rng(1)

    def linear(k: int) -> Linear:
        return Linear(
            random.normal(size=(16, k)).astype(np.float32), random.normal(size=k).astype(np.float32)
        )

    three = heads.Fitted(linear(len(countries)), linear(len(cells)), linear(5))
    return heads.Heads(three, countries, cells), three, cells


def test_a_countrys_cities_share_its_probability_in_torch_as_in_numpy(tmp_path: Path) -> None:
    module, three, _ = fitted(tmp_path)
    x = np.random.default_rng(2).normal(size=(4, 16)).astype(np.float32)
    with torch.inference_mode():
        country, city, _ = (part.numpy() for part in module(torch.from_numpy(x)))
    np.testing.assert_allclose(np.exp(city).sum(1), 1, atol=1e-5)
    homes = module.home.numpy()
    np.testing.assert_allclose(within(country, three.cities(x), homes), city, atol=1e-4)


def test_the_prior_favours_where_people_travel() -> None:
    prior = heads.log_prior(("FR", "TV"), PriorSettings(power=0.5, arrivals={"FR": 80.0}))
    assert prior[0] - prior[1] == pytest.approx(0.5 * np.log(80.0 / 0.8), abs=1e-5)


def test_halved_weights_say_nearly_the_same(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Linear(64, 32)
    x = torch.randn(8, 64)
    path = tmp_path / "head.onnx"
    export.export(module, x, path, input_name="embedding", outputs=("out",))
    before = path.stat().st_size
    shrink.halve(path)
    assert path.stat().st_size < 0.65 * before
    said = OnnxGraph(path)(embedding=x.numpy())["out"]
    np.testing.assert_allclose(said, module(x).detach().numpy(), atol=2e-3)


def test_held_out_rows_are_never_learnt_from(tmp_path: Path) -> None:
    rows = make_rows(tmp_path)
    seen: list[tuple[set[int], set[int]]] = []

    def learn(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        seen.append((set(train.tolist()), set(test.tolist())))
        return np.zeros((len(test), 4), np.float32)

    held = crossfit.cross_fit(rows, rows.fold, learn)
    assert all(not train & test for train, test in seen)
    assert sorted(held.rows.tolist()) == list(range(len(rows)))


def test_a_constant_answer_earns_nothing_by_ties(tmp_path: Path) -> None:
    rows = make_rows(tmp_path)
    cells = places.country_cells(rows)
    held = crossfit.HeldOut(
        np.arange(len(rows)), np.zeros((len(rows), 4), np.float32), np.ones(len(rows), bool)
    )
    assert crossfit.score(held, rows, cells)["all"]["top1"] == 0


def test_two_crops_of_a_photo_stay_together_in_the_random_split(tmp_path: Path) -> None:
    table = pa.table(
        {
            "path": [f"p/{i:03d}{side}.jpg" for i in range(40) for side in "ab"],
            "country": ["FR"] * 80,
        }
    )
    manifest = from_table(table, tmp_path / "manifest.csv")
    rows = read_rows(manifest, MiniSettings())
    folds = crossfit.at_random(rows, 0)
    assert (folds[0::2] == folds[1::2]).all()
    assert len(set(folds.tolist())) == 5
