"""S6: nested cells, weights, the prior, and a bundle that says what training said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.belief import normalise
from graticule.errors import RecipeError
from graticule.photos import manifest as manifests
from graticule.refine.memory import build
from graticule.systems.default import log_prior, row_weights
from graticule.systems.nested_decoding import Decoding, scene_evidence, within
from graticule.systems.nested_places import nested_places
from graticule.systems.plan import Rows
from toy import make_photos

HOMES = np.array([0, 0, 1, 2, 2, 2])


def rows(**columns: list[str]) -> Rows:
    n = len(next(iter(columns.values())))
    latlon = np.full((n, 2), np.nan)
    lat = columns.pop("lat", None)
    if lat is not None:
        latlon[:, 0] = [float(x) if x else np.nan for x in lat]
        latlon[:, 1] = [float(x) if x else np.nan for x in columns.pop("lon")]
    train = np.ones(n, dtype=bool)
    arrays = {name: np.array(values) for name, values in columns.items()}
    return Rows(arrays, latlon, train, ~train, ~train, "m.csv")


@given(st.integers(0, 1000))
def test_countries_are_the_sums_of_their_cities(seed: int) -> None:
    rng = np.random.default_rng(seed)
    country = normalise(5 * rng.standard_normal((4, 3)))
    fine = within(country, 5 * rng.standard_normal((4, 6)).astype(np.float32), HOMES)
    np.testing.assert_allclose(np.exp(fine).sum(axis=1), 1, atol=1e-4)
    together = np.stack([np.exp(fine)[:, c == HOMES].sum(axis=1) for c in range(3)], axis=1)
    np.testing.assert_allclose(together, np.exp(country), atol=1e-4)


@given(st.floats(0.05, 0.95))
def test_votes_draw_the_belief_to_the_photos_that_look_alike(weight: float) -> None:
    rng = np.random.default_rng(0)
    seen = rng.standard_normal((12, 8)).astype(np.float32)
    cells = np.arange(12) % 5  # no photo is of the sixth
    kept = build(seen, cells, np.ones(12), 8)
    flat = np.zeros((12, 3), np.float32), np.zeros((12, 6), np.float32)
    plain = Decoding(HOMES, np.zeros(3, np.float32))
    voted = Decoding(HOMES, np.zeros(3, np.float32), kept, weight, 0.1)
    for before, after in zip(plain(*flat, seen), voted(*flat, seen), strict=True):
        np.testing.assert_allclose(np.exp(after).sum(axis=1), 1, atol=1e-4)
        assert np.isfinite(after).all()
        assert before.shape == after.shape
    country, fine = voted(*flat, seen)
    rows = np.arange(12)
    assert (np.exp(fine)[rows, cells] > np.exp(plain(*flat, seen)[1])[rows, cells]).all()
    assert (np.exp(country)[rows, HOMES[cells]] > 1 / 3).all()


def test_the_prior_tilts_and_sums_stay_one() -> None:
    flat = np.zeros((1, 3), np.float32), np.zeros((1, 6), np.float32), np.zeros((1, 4))
    prior = log_prior(("FR", "TD", "XK"), {"power": 1, "elsewhere": 1, "arrivals": {"FR": 8}})
    country, fine = Decoding(HOMES, prior)(*flat)
    np.testing.assert_allclose(np.exp(country[0]), [0.8, 0.1, 0.1], atol=1e-5)
    assert np.exp(fine).sum() == pytest.approx(1, abs=1e-5)
    with pytest.raises(RecipeError, match=r"settings\.prior"):
        log_prior(("FR",), {"power": 1, "elsewhere": 0})


@given(st.floats(0.05, 0.95), st.floats(0, 2))
def test_scenes_speak_for_the_countries_that_show_them(sure: float, weight: float) -> None:
    told = np.log(np.array([[0.9, 0.1]] * 60 + [[0.1, 0.9]] * 60, dtype=np.float32))
    country = np.array([0] * 60 + [1] * 58 + [2] * 2)
    table = scene_evidence(told, country, np.ones(120), 3)
    # What countries show on the average is what all photos show; two photos say next to nothing.
    assert table[0, 0] > 0.5 > 0 > table[0, 1]
    assert 0 < table[1, 2] < table[1, 1] / 2
    flat = np.zeros((1, 3), np.float32), np.zeros((1, 6), np.float32), np.zeros((1, 4))
    seen = np.log(np.array([[sure, 1 - sure]], dtype=np.float32))
    country_p, fine = Decoding(HOMES, np.zeros(3, np.float32), scenes=table, scene_weight=weight)(
        *flat, seen
    )
    evidence = np.exp(seen) @ np.exp(table)
    np.testing.assert_allclose(
        np.exp(country_p), evidence**weight / (evidence**weight).sum(), rtol=1e-4
    )
    assert np.exp(fine).sum() == pytest.approx(1, abs=1e-4)
    # Without a word on the scene nothing changes.
    plain = Decoding(HOMES, np.zeros(3, np.float32), scenes=table, scene_weight=weight)(*flat)
    np.testing.assert_allclose(np.exp(plain[0]), 1 / 3, rtol=1e-5)


def test_balanced_rows_of_one_source_and_country_count_together_as_one() -> None:
    source, codes = np.array(["a"] * 9 + ["b"]), np.array(["FR"] * 8 + ["IT", "FR"])
    weight = row_weights(source, codes, {"source": 1.0})
    assert weight[:8].sum() == pytest.approx(weight[8])
    assert weight[9] == pytest.approx(weight[8])
    assert row_weights(source, codes, {}).tolist() == [1.0] * 10


def test_every_photo_finds_the_cell_that_is_known_of_it() -> None:
    table = rows(
        country=["FR", "FR", "FR", "IT", "", ""],
        city=["Paris", "Paris", "", "", "", ""],
        lat=["", "", "", "", "48.85", "44.5"],
        lon=["", "", "", "", "2.35", "3.5"],
    )
    found = nested_places(table, city_photos=3, center="polygon")
    assert found.cities.ids == ("FR:Paris", "FR:", "IT:")
    named = [found.cities.ids[i] if i >= 0 else "" for i in found.city]
    # Two by name, one by its coordinates, one known to be elsewhere; two say nothing of cities.
    assert named == ["FR:Paris", "FR:Paris", "", "", "FR:Paris", "FR:"]
    assert found.countries.ids == ("FR", "IT")
    assert found.country.tolist() == [0, 0, 0, 1, 0, 0]


def test_a_country_can_lie_where_its_people_are() -> None:
    table = rows(country=["RU", "FR"], city=["", ""])
    land = nested_places(table, city_photos=9, center="polygon").countries
    people = nested_places(table, city_photos=9, center="people").countries
    assert people.centers[1, 1] < land.centers[1, 1] - 20  # Russia: west of Siberia


def test_what_cannot_be_cut_is_said() -> None:
    with pytest.raises(RecipeError, match="fewer than two countries"):
        nested_places(rows(country=["FR", "FR"]), city_photos=5, center="polygon")


@pytest.mark.parametrize(
    "parts",
    [
        [],
        ["settings.smooth_km=300", "settings.scene_weight=1"],
        ["settings.choose={by: groups, smooth_km: [0, 300], scene_weight: [0.5, 1]}"],
    ],
)
def test_the_bundle_says_what_training_said(tmp_path: Path, parts: list[str]) -> None:
    pytest.importorskip("lightning")
    from graticule.systems.registry import load_system
    from graticule.training import recipe as recipes
    from graticule.training import run, write
    from graticule.training.calibrate import calibrate

    table = make_photos(tmp_path / "p", 36)
    recipe = recipes.load(
        "s6",
        [
            "encoder={name: tiny, preprocess: {size: 32, resize: squash}}",
            "settings.city_photos=5",
            "phases.0.epochs=20",
            *parts,
        ],
    )
    trainer, notes = run.prepare(recipe, table, tmp_path / "b", run.Options(workers=0))
    results, outcome = run.run_jobs(trainer)
    story = write.Story(
        recipe, write.provenance({"manifest_sha256": "", "train_photos": 1, "validation_photos": 1},
                                 results, 1.0), tuple(notes), ()
    )  # fmt: skip
    fitted = calibrate(outcome, trainer.rows, np.flatnonzero(trainer.rows.validation))
    write.write_bundle(tmp_path / "b", results, outcome, fitted, story)
    system = load_system(tmp_path / "b")
    assert outcome.log_p is not None
    wanted = np.arange(6)
    images = [system.open(manifests.read(table).files()[i]).image for i in wanted]
    said = system.predict([np.stack([system.crops(image)[0] for image in images])])
    np.testing.assert_allclose(said.beliefs["cities"].p, np.exp(outcome.log_p(wanted)), atol=0.02)
    assert said.scenes is not None
    assert bool(system.bundle.manifest.settings["decoding"].get("scenes")) == bool(parts)
