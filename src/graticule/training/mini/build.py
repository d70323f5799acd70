"""``graticule train mini``: rows → embeddings → held-out reports → heads → bundle."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from graticule import files
from graticule.belief import Belief
from graticule.calibration import Calibration
from graticule.cells.cities import Cities
from graticule.cells.countries import Countries
from graticule.cells.partition import Partition
from graticule.encoders import export
from graticule.encoders.onnx import OnnxGraph
from graticule.photos.manifest import Manifest
from graticule.refine.memory import Memory
from graticule.scenes import SCENES
from graticule.systems.bundle import Bundle
from graticule.systems.bundle import Manifest as System
from graticule.systems.default import MEMORY
from graticule.systems.nested_decoding import Decoding
from graticule.training.mini import calibrate, card, crossfit, features, heads, places, shrink
from graticule.training.mini.probe import Float32Array, Linear
from graticule.training.mini.rows import Rows, read_rows
from graticule.training.mini.settings import MiniSettings
from graticule.training.mini.trunk import DIM, Trunk
from graticule.version import __version__

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Say = Callable[[str], None]

#: Of the bundled model: raised when its weights change.
VERSION = "2"
#: Photos the half-precision graph is compared on.
_COMPARED = 200


@dataclass(frozen=True)
class Learned:
    """All that heads and reports are made from."""

    settings: MiniSettings
    rows: Rows
    latlon: npt.NDArray[np.float64]
    countries: Countries
    cities: Cities
    vectors: features.Features
    fitted: dict[int, Linear] = field(default_factory=dict)

    @property
    def homes(self) -> IntArray:
        """The country of each cell of the city partition."""
        return self.countries.index(list(self.cities.parents["countries"]))

    def spoken(
        self, train: IntArray, test: IntArray, settings: MiniSettings
    ) -> tuple[Float32Array, FloatArray | None]:
        """Log-weights of countries for ``test`` by a head that saw ``train``, and the votes."""
        x, own = self.vectors.plain, self.rows.take(train)
        # Priors and votes change how a head is read and not the head.
        key = hash((train.tobytes(), settings.probe.model_dump_json()))
        if key not in self.fitted:
            self.fitted[key] = heads.fit_countries(x[train], own, self.countries, settings)
        head = self.fitted[key]
        kept = heads.remember(x[train], own, self.countries, self.cities, settings)
        votes = None
        if kept is not None:
            votes = kept.votes(x[test], len(self.cities), settings.memory.sharpness)
        return head(x[test]), votes

    def decoding(self, settings: MiniSettings, kept: Memory | None = None) -> Decoding:
        """How heads, votes and prior are read together, here and in the bundle."""
        return Decoding(
            self.homes,
            heads.log_prior(self.countries.ids, settings.prior),
            kept,
            settings.memory.weight,
            settings.memory.sharpness,
        )

    def countries_learner(self, settings: MiniSettings) -> crossfit.Learner:
        """Learns a country head and remembers its photos, as ``settings`` say."""
        nothing = np.zeros((1, len(self.cities)), np.float32)

        def learn(train: IntArray, test: IntArray) -> Float32Array:
            said, votes = self.spoken(train, test, settings)
            return self.decoding(settings).weighed(said, nothing, votes)[0]

        return learn


def prepare(
    recipe: Mapping[str, Any], manifest: Manifest, trunk: Trunk, cache: Path, say: Say
) -> Learned:
    """Rows, cells and embeddings: all that heads are made from."""
    torch.manual_seed(int(recipe["seed"]))
    settings = MiniSettings.model_validate(recipe["settings"])
    rows = read_rows(manifest, settings)
    say(f"{len(rows)} photos: embeddings")
    vectors = features.compute(rows, trunk, cache)
    latlon = places.located(rows)
    countries = places.country_cells(rows)
    cities = places.city_cells(rows, latlon, countries, settings.city_photos)
    return Learned(settings, rows, latlon, countries, cities, vectors)


def held_out(learned: Learned) -> tuple[IntArray, calibrate.Held]:
    """What models that saw no photo of its source say of each row, and which rows those are."""
    sources = crossfit.by_source(learned.rows)
    held = crossfit.cross_fit(learned.rows, sources, learned.countries_learner(learned.settings))
    return held.rows, _beliefs(learned, held)


def calibrated(
    learned: Learned, held: calibrate.Held, scenes: Float32Array
) -> tuple[Calibration, dict[str, Any]]:
    """The calibration that held-out sources and scenes give, and what the report says of it."""
    known = np.flatnonzero(learned.rows.scene >= 0)
    indoor = np.exp(scenes[:, SCENES.index("indoor")])
    outdoor = learned.rows.scene[known] != SCENES.index("indoor")
    return calibrate.fit(held, indoor, outdoor, _flatness(learned.rows))


def build(
    recipe: Mapping[str, Any], manifest: Manifest, weights: Path, out: Path, cache: Path, say: Say
) -> Bundle:
    """Make the bundle and its card.

    Args:
        recipe: the recipe, whole; ``settings`` is read here.
        manifest: the photos.
        weights: where the trunk starts.
        out: the bundle's folder.
        cache: the folder of feature caches.
        say: told what is being done.
    """
    trunk = Trunk(weights)
    learned = prepare(recipe, manifest, trunk, cache, say)
    settings, rows, vectors = learned.settings, learned.rows, learned.vectors
    countries, cities = learned.countries, learned.cities

    say("held-out sources")
    table, held = _compare(learned, int(recipe["seed"]))
    report: dict[str, Any] = {"comparison": table}
    scenes = held_scenes(learned)
    fitted, said = calibrated(learned, _beliefs(learned, held), scenes)
    known = np.flatnonzero(rows.scene >= 0)
    report |= {"calibration": said, "scenes": _scene_report(scenes, rows.scene[known])}

    say("heads on all photos")
    whole = heads.Fitted(
        heads.fit_countries(vectors.plain, rows, countries, settings),
        heads.fit_cities(vectors.plain, rows, cities, settings),
        heads.fit_scenes(vectors.plain, vectors.grey, rows.scene, settings.scene_l2),
    )
    kept = heads.remember(vectors.plain, rows, countries, cities, settings)
    decoding = learned.decoding(settings, kept)
    module = heads.Heads(whole, countries, cities)
    report["export"] = _export(trunk, module, rows, out)
    countries.to_parquet(out / "partitions" / "countries.parquet")
    cities.to_parquet(out / "partitions" / "cities.parquet")
    if kept is not None:
        kept.save(out / MEMORY)
    fitted.save(out / "calibration.json")
    report["per_country"] = crossfit.by_country(held, rows, countries)
    licences, counts = np.unique(rows.licence, return_counts=True)
    provenance = {
        "graticule": __version__,
        "seed": int(recipe["seed"]),
        "manifest_sha256": files.sha256(manifest.path),
        "photos": len(rows),
        "rows_sha256": rows_digest(rows),
        "starting_weights": weights.name,
        "starting_weights_sha256": files.sha256(weights),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "machine": platform.machine(),
    }
    system = System(
        name=str(recipe["name"]),
        version=VERSION,
        system="default",
        inputs=(features.PREPROCESS,),
        point_task="cities",
        settings={
            "tasks": ["countries", "cities"],
            "scenes": list(SCENES),
            "decoding": decoding.as_settings(),
        },
        recipe=dict(recipe),
        provenance=provenance,
        licences=(
            "weights: start Apache-2.0 (ImageNet MobileNetV2), heads Apache-2.0",
            *(
                f"photos: {count} × {name or 'not stated'}"
                for name, count in zip(licences.tolist(), counts.tolist(), strict=True)
            ),
        ),
    )
    (out / "MODEL_CARD.md").write_text(card.card(system, report, learned.cities), encoding="utf-8")
    files.write_json(out / "report.json", report)
    return Bundle.seal(out, system)


def _compare(learned: Learned, seed: int) -> tuple[dict[str, Any], crossfit.HeldOut]:
    """The table of what helped: each line is leave-sources-out beside a random split."""
    rows, cells, settings = learned.rows, learned.countries, learned.settings
    sources = crossfit.by_source(rows)
    chance = crossfit.at_random(rows, seed)
    no_votes = {"memory": settings.memory.model_copy(update={"weight": 0.0})}
    no_prior = {"prior": settings.prior.model_copy(update={"power": 0.0})}
    no_balance = {
        "probe": settings.probe.model_copy(update={"source_power": 0.0, "country_power": 0.0})
    }
    flat = settings.model_copy(update=no_votes | no_prior | no_balance)
    level = settings.model_copy(update=no_votes | no_prior)
    silent = settings.model_copy(update=no_votes)
    is_open = np.array([any(x.startswith(w) for w in settings.open_licences) for x in rows.licence])
    table: dict[str, Any] = {}
    held: crossfit.HeldOut
    for name, own, allowed in (
        ("plain probe: no balance, no prior", flat, None),
        ("+ balanced by source and country", level, None),
        ("+ prior of arrivals", silent, None),
        (card.SHIPPED, settings, None),
        ("open licences only (all of these)", settings, is_open),
    ):
        learn = learned.countries_learner(own)
        apart = crossfit.cross_fit(rows, sources, learn, allowed=allowed)
        if own is settings and allowed is None:
            held = apart
        table[name] = {"leave_sources_out": crossfit.score(apart, rows, cells)}
        if own not in (level, silent):
            mixed = crossfit.cross_fit(rows, chance, learn, allowed=allowed)
            table[name]["random_split"] = crossfit.score(mixed, rows, cells)
    return table, held


def _beliefs(learned: Learned, held: crossfit.HeldOut) -> calibrate.Held:
    """Beliefs of held-out sources over both partitions."""
    rows, x, settings = learned.rows, learned.vectors.plain, learned.settings
    at = held.rows
    country = np.zeros((len(at), len(learned.countries)), np.float32)
    city = np.zeros((len(at), len(learned.cities)), np.float32)
    for fold in range(crossfit.FOLDS):
        train = np.flatnonzero(rows.fold != fold)
        test = rows.fold[at] == fold
        head = heads.fit_cities(x[train], rows.take(train), learned.cities, settings)
        said, votes = learned.spoken(train, at[test], settings)
        inside = head(x[at[test]]).clip(-30, 30)
        country[test], city[test] = learned.decoding(settings).weighed(said, inside, votes)
    place = [
        f"{rows.folder[i]}|{rows.city[i] or np.round(learned.latlon[i], 1).tolist()}" for i in at
    ]
    over_countries: Partition = learned.countries
    over_cities: Partition = learned.cities
    return calibrate.Held(
        Belief(over_countries, country),
        Belief.from_logits(over_cities, city),
        learned.countries.index(rows.country[at]),
        learned.latlon[at],
        rows.source[at],
        rows.fold[at],
        np.array(place),
    )


def held_scenes(learned: Learned) -> Float32Array:
    """Held-out log-probabilities of scenes, by five folds of the rows in turn."""
    rows, vectors = learned.rows, learned.vectors
    known = np.flatnonzero(rows.scene >= 0)
    out = np.zeros((len(known), len(SCENES)), np.float32)
    fold = np.arange(len(known)) % crossfit.FOLDS
    for k in range(crossfit.FOLDS):
        train = known[fold != k]
        head = heads.fit_scenes(
            vectors.plain[train], vectors.grey[train], rows.scene[train], learned.settings.scene_l2
        )
        said = Belief.from_logits(_scene_labels(), head(vectors.plain[known[fold == k]]))
        out[fold == k] = said.log_p
    return out


def _scene_labels() -> Any:
    from graticule.belief import Labels

    return Labels(SCENES)


def _scene_report(log_p: Float32Array, truth: IntArray) -> dict[str, Any]:
    right = log_p.argmax(axis=1) == truth
    return {
        "photos": len(truth),
        "accuracy": round(100 * float(right.mean()), 2),
        "by_scene": {
            name: round(100 * float(right[truth == k].mean()), 2)
            for k, name in enumerate(SCENES)
            if (truth == k).any()
        },
    }


def _flatness(rows: Rows) -> npt.NDArray[np.float64]:
    from graticule.photos.nature import flatness
    from graticule.photos.photo import open_photo

    some = rows.manifest.files()[:: max(1, len(rows) // 500)]
    return np.array([flatness(open_photo(file).image) for file in some])


def _export(trunk: Trunk, module: heads.Heads, rows: Rows, out: Path) -> dict[str, Any]:
    """Write both graphs in half precision; how far they are from the float32 network."""
    from graticule.photos.photo import open_photo

    (out / "partitions").mkdir(parents=True, exist_ok=True)
    size = features.PREPROCESS.size
    blank = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    export.export(trunk, blank, out / "encoder.onnx", input_name="pixels_0", outputs=("embedding",))
    export.export(
        module,
        torch.zeros(2, DIM),
        out / "heads.onnx",
        input_name="embedding",
        outputs=("countries", "cities", "scenes"),
    )
    for name in ("encoder.onnx", "heads.onnx"):
        shrink.halve(out / name)
    some = rows.manifest.files()[:: max(1, len(rows) // _COMPARED)]
    encoder, head = OnnxGraph(out / "encoder.onnx"), OnnxGraph(out / "heads.onnx")
    gaps, same = [], []
    for file in some:
        pixels = features.PREPROCESS(open_photo(file).image)[None]
        with torch.inference_mode():
            whole = torch.softmax(
                module.eval()(trunk.eval()(torch.from_numpy(pixels.copy())))[0], 1
            )
        said = head(embedding=encoder(pixels_0=pixels)["embedding"])["countries"]
        half = torch.softmax(torch.from_numpy(said), 1)
        gaps.append(float((whole - half).abs().max()))
        same.append(bool(whole.argmax() == half.argmax()))
    return {
        "precision": "float16 weights, float32 arithmetic",
        "photos": len(some),
        "same_country_first": round(100 * float(np.mean(same)), 2),
        "largest_gap_of_probability": round(max(gaps), 5),
    }


def rows_digest(rows: Rows) -> str:
    """SHA-256 of which photos were learned from, in order."""
    return hashlib.sha256("\n".join(rows.manifest.column("path").tolist()).encode()).hexdigest()
