"""Fit a bundle's probabilities, radii and verdicts on photos that its training did not see."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule import calibration as fitting
from graticule import conformal, files
from graticule.belief import Belief
from graticule.calibration import Calibration, WithIndex
from graticule.cells.partition import Partition
from graticule.cells.places import cells_at
from graticule.conformal import CLAIM_PLACES
from graticule.errors import GraticuleError, PhotoError
from graticule.evaluation.truth import Truth
from graticule.locate import albums
from graticule.locate.beliefs import countries_of
from graticule.locate.engine import BATCH, Engine
from graticule.locate.verify_output import limits_in_words
from graticule.photos.duplicates import perceptual_hash
from graticule.photos.manifest import Manifest
from graticule.progress import track
from graticule.refine import neighbours
from graticule.refine.neighbours import Neighbours
from graticule.systems.bundle import Bundle
from graticule.verdicts.fit import fit_verdicts
from graticule.verdicts.limits import Verdicts

#: Fewer located photos than this fit nothing that holds.
MIN_PHOTOS = 30
#: Share of photos that fall silent for want of evidence.
_SILENT = 0.05
#: Folds of sources that verdicts are judged over: a manifest may name a source for each user.
_FOLDS = 10
#: Of a model card's section.
HEADING = "## Calibration"


@dataclass(frozen=True)
class Collected:
    """What a system said, untempered, of photos that could be read.

    Attributes:
        rows: int64 (m,), rows of the manifest.
        beliefs: by task, m photos each.
        points: degrees (m, 2) where the system picks its points itself.
        matches: of each photo in the engine's index, as the index weighs them; None without one.
        vectors: float32 (m, d), the encoder's.
        scenes: the scene each was taken for, "" where the system tells none.
    """

    rows: npt.NDArray[np.int64]
    beliefs: dict[str, Belief[Partition]]
    points: npt.NDArray[np.float64] | None = None
    matches: list[Neighbours | None] | None = None
    vectors: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    scenes: npt.NDArray[np.str_] = field(default_factory=lambda: np.empty(0, dtype=np.str_))


def collect(engine: Engine, manifest: Manifest) -> Collected:
    """Run a system over the photos of a manifest.

    Raises:
        GraticuleError: not one photo could be read.
    """
    paths = manifest.column("path").tolist()
    rows: list[int] = []
    parts: dict[str, list[Belief[Partition]]] = {}
    points: list[npt.NDArray[np.float64]] = []
    matches: list[Neighbours | None] = []
    vectors: list[npt.NDArray[np.float32]] = []
    scenes: list[str] = []
    for batch in _batches(engine, manifest, paths):
        numbers, alike, pixels = zip(*batch, strict=True)
        rows += numbers
        views = [np.stack(crops) for crops in zip(*pixels, strict=True)]
        prediction = engine.system.predict(views)
        for task, belief in prediction.beliefs.items():
            parts.setdefault(task, []).append(belief)
        if prediction.points is not None:
            points.append(prediction.points)
        vectors.append(prediction.embedding)
        told = prediction.scenes
        scenes += (
            [""] * len(numbers)
            if told is None
            else [told.over.ids[best] for best in told.log_p.argmax(axis=1)]
        )
        if engine.album is not None:
            matches += engine.album.near(prediction.embedding, alike)
    if not rows:
        raise GraticuleError(f"{manifest.path}: not one of its {len(paths)} photos can be read")
    beliefs = {
        task: Belief(some[0].over, np.concatenate([b.log_p for b in some]))
        for task, some in parts.items()
    }
    own = np.concatenate(points) if points else None
    found = matches if engine.album is not None else None
    return Collected(
        np.array(rows, dtype=np.int64),
        beliefs,
        own,
        found,
        np.concatenate(vectors),
        np.array(scenes, dtype=np.str_),
    )


def _batches(
    engine: Engine, manifest: Manifest, paths: list[str]
) -> Iterator[list[tuple[int, int, list[npt.NDArray[np.uint8]]]]]:
    batch: list[tuple[int, int, list[npt.NDArray[np.uint8]]]] = []
    for row, path in enumerate(track(paths, "running the model", len(paths))):
        try:
            image = engine.system.open(manifest.file(path)).image
        except PhotoError:
            continue
        alike = perceptual_hash(np.asarray(image)) if engine.album else 0
        batch.append((row, alike, engine.system.crops(image)))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def calibrate(engine: Engine, manifest: Manifest, *, seed: int = 0) -> Calibration:
    """Temperatures, prior, radii, sets, risks, novelty and verdicts, from one pass over a manifest.

    A gallery's density is fitted with its temperature. Beside an index, how much matches count and
    the radii of the mixed belief are fitted too; without it, what was fitted for the model holds.
    Photos with a country and no coordinates fit what is said of countries, and nothing else.

    Args:
        engine: the system, with whatever calibration it has: point kernel and limits of indoor
            and flat pictures are kept.
        manifest: photos that training did not see.
        seed: of the claims that are moved to fit verdicts.

    Raises:
        GraticuleError: fewer than 30 photos have coordinates.
    """
    found = collect(engine, manifest)
    truth = Truth.of(manifest).take(found.rows)
    located = np.flatnonzero(truth.located)
    if len(located) < MIN_PHOTOS:
        raise GraticuleError(
            f"{manifest.path}: {len(located)} photos with coordinates; radii need {MIN_PHOTOS}, "
            f"and {CLAIM_PLACES} independent places before their coverage may be claimed"
        )
    task = engine.system.point_task
    temperatures, density = _temperatures(found, truth, located)
    tempered = {
        name: fitting.tempered(belief, temperatures.get(name, 1.0), density.get(name, 0.0))
        for name, belief in found.beliefs.items()
    }
    prior = {name: belief.p.mean(axis=0) for name, belief in tempered.items()}
    point = tempered[task][located]
    places = truth.latlon[located]
    clusters = truth.clusters()[located]
    alone = np.char.add("#", np.arange(len(located)).astype(str))
    clusters = np.where(clusters == "", alone, clusters)
    guesses = (
        fitting.pick_points(point, engine.calibration.point_km)
        if found.points is None
        else found.points[located]
    )
    fitted = conformal.fit(_sample(engine, found, truth, tempered, located, guesses), seed)
    about = fitted.pop("fitted_on")
    # The task that the decoder measures gains by: the first that has a prior.
    asked = next(iter(prior))
    gains = fitting.gain(tempered[asked], prior[asked])
    speaks = located[gains[located] >= np.quantile(gains, _SILENT)]
    verdicts = _verdicts(
        {name: belief[speaks] for name, belief in tempered.items()},
        prior,
        truth.latlon[speaks],
        truth.clusters()[speaks],
        truth.column("source")[speaks],
        seed,
    )
    none = {"no_verdicts": verdicts} if isinstance(verdicts, str) else {}
    return engine.calibration.model_copy(
        update={
            **fitted,
            "calibrated": True,
            "temperatures": temperatures,
            "density": density,
            "gallery": engine.system.gallery_key,
            "index": _with_index(engine, found, point, located, places, clusters),
            "prior": {name: _figures(p) for name, p in prior.items()},
            "min_gain": float(np.quantile(gains, _SILENT)),
            "verdicts": {} if isinstance(verdicts, str) else verdicts.model_dump(mode="json"),
            "fitted_on": {
                "photos": len(found.rows),
                "with_coordinates": len(located),
                "independent_places": len(np.unique(clusters)),
                "manifest": manifest.path.name,
                "coverage_may_be_claimed": len(np.unique(clusters)) >= CLAIM_PLACES,
                **about,
                **none,
            },
        }
    )


def _sample(
    engine: Engine,
    found: Collected,
    truth: Truth,
    tempered: Mapping[str, Belief[Partition]],
    located: npt.NDArray[np.int64],
    guesses: npt.NDArray[np.float64],
) -> conformal.Sample:
    task = engine.system.point_task
    codes, clusters, sources = truth.countries(), truth.clusters(), truth.column("source")
    named = np.flatnonzero(codes != "")
    countries = countries_of(tempered, task)[named]
    place = {code: i for i, code in enumerate(countries.over.ids)}
    alone = np.char.add("#", np.arange(len(truth)).astype(str))
    return conformal.Sample(
        found.vectors,
        np.where(clusters == "", alone, clusters),
        np.where(sources == "", "not stated", sources),
        found.scenes,
        located,
        tempered[task][located],
        guesses,
        truth.latlon[located],
        named,
        countries,
        np.array([place.get(code, -1) for code in codes[named].tolist()], dtype=np.int64),
    )


def _figures(p: npt.NDArray[np.float32]) -> list[float]:
    """Four figures of each: of a gallery's 100,000 points most are small."""
    return [float(f"{value:.4g}") for value in p]


def _with_index(
    engine: Engine,
    found: Collected,
    point: Belief[Partition],
    located: npt.NDArray[np.int64],
    places: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.str_],
) -> WithIndex | None:
    """How much matches count, and the radii of the belief that they are mixed into."""
    album = engine.album
    if album is None or found.matches is None:
        return None
    matches = [found.matches[row] for row in located]
    cells = albums.cells_of(point.over, places)
    own = point.p[np.arange(len(places)), cells].astype(np.float64)
    ours = albums.cells_of(point.over, album.index.rows.latlon)
    weighing = albums.fit_on(matches, own, cells, ours)
    if weighing is None:
        raise GraticuleError(
            f"{album.index.path}: has matches for fewer than {neighbours.FEWEST} of these photos, "
            "so nothing can be fitted beside it"
        )
    matches = [None if one is None else neighbours.reweighed(one, weighing) for one in matches]
    mixed = albums.mix(point, matches, nearest=True)
    width = engine.calibration.point_km
    guesses = fitting.pick_points(mixed, width) if found.points is None else found.points[located]
    guesses = albums.drawn(guesses, matches, width)
    masses = fitting.fit_radii(mixed, places, guesses, clusters)
    return WithIndex(
        fingerprint=album.index.fingerprint,
        weighing=dataclasses.asdict(weighing),
        radius_mass=dict(masses),
    )


def _temperatures(
    found: Collected, truth: Truth, located: npt.NDArray[np.int64]
) -> tuple[dict[str, float], dict[str, float]]:
    """Temperatures by task, and of galleries the power of their points' areas."""
    out: dict[str, float] = {}
    density: dict[str, float] = {}
    for task, belief in found.beliefs.items():
        cells = np.full(len(truth), -1, dtype=np.int64)
        if belief.over.kind == "countries":
            cells = belief.over.index(truth.countries())
        else:
            cells[located] = cells_at(belief.over, truth.latlon[located])
        if (cells >= 0).sum() < MIN_PHOTOS:
            continue
        if belief.over.kind == "gallery":
            areas = fitting.log_areas(belief.over)
            out[task], density[task] = fitting.fit_density(belief.log_p, cells, areas)
        else:
            out[task] = fitting.fit_temperature(belief.log_p, cells)
    return out, density


def _verdicts(
    beliefs: Mapping[str, Belief[Partition]],
    priors: Mapping[str, npt.NDArray[np.float32]],
    latlon: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.str_],
    sources: npt.NDArray[np.str_],
    seed: int,
) -> Verdicts | str:
    """Limits of verdicts, each fold of sources judged by the others'; why there are none."""
    # Many photos of one place, as folders of landmarks are, tell no more of new places than one.
    spots = np.array([f"{lat:.1f},{lon:.1f}" for lat, lon in latlon.tolist()], dtype=np.str_)
    places = np.where(clusters == "", spots, clusters)
    try:
        return fit_verdicts(beliefs, priors, latlon, places, folds=_folds(sources), seed=seed)
    except GraticuleError as error:
        return str(error)


def _folds(sources: npt.NDArray[np.str_]) -> npt.NDArray[np.int64] | None:
    """At most :data:`_FOLDS` folds of whole sources, the largest apart; None of a single source."""
    _, index, size = np.unique(sources, return_inverse=True, return_counts=True)
    if len(size) < 2:
        return None
    rank = np.argsort(np.argsort(-size, kind="stable"))
    return np.asarray(rank[index] % _FOLDS)


def card_with(card: str, fitted: Calibration) -> str:
    """A model card whose section "Calibration" says what was fitted, in place of what it said."""
    about = fitted.fitted_on
    lines = [
        HEADING,
        "",
        f"Fitted on {about['with_coordinates']} photos with coordinates at "
        f"{about['independent_places']} independent places ({about['manifest']})"
        + (
            "."
            if about["coverage_may_be_claimed"]
            else f": fewer than {CLAIM_PLACES} places, so the radii are a guide, no promise."
        ),
    ]
    lines += [f"- temperature of {task}: {t:.3g}" for task, t in fitted.temperatures.items()]
    lines += [f"- power of the area of {task}: {d:.3g}" for task, d in fitted.density.items()]
    if fitted.gallery:
        lines.append(f"- holds with the gallery {fitted.gallery[:8]} alone, given as --gallery")
    if fitted.index:
        lines.append(
            f"- with the index {fitted.index.fingerprint[:8]} as it was, radii of their own and a "
            f"weight of up to {fitted.index.weighing['weight']:.0%}; with any other, none"
        )
    lines += [f"- {line}" for line in verdict_lines(fitted)]
    if fitted.risk_confidence:
        kept = ", ".join(f"{risk} %" for risk in sorted(fitted.risk_confidence))
        lines.append(f"- risks that --max-risk can keep: {kept}")
    lines += ["", *drift_table(fitted)]
    section = "\n".join(lines).rstrip() + "\n"
    start = card.find(HEADING)
    if start < 0:
        return card.rstrip() + "\n\n" + section
    after = card.find("\n## ", start + len(HEADING))
    rest = "" if after < 0 else card[after:]
    return card[:start] + section + rest


def verdict_lines(fitted: Calibration) -> list[str]:
    """What `graticule verify` may promise with this calibration, or why it has no verdicts."""
    if not fitted.verdicts:
        why = fitted.fitted_on.get("no_verdicts", "none were fitted")
        return [f"no verdicts for graticule verify: {why}"]
    verdicts = Verdicts.of(fitted.verdicts)
    return [limits_in_words(verdicts, rate, countries=True) for rate in sorted(verdicts.rates)]


def drift_table(fitted: Calibration) -> list[str]:
    """How coverage held on each source when it was left out, as Markdown; [] where one is all."""
    lines = []
    for what, table in fitted.fitted_on.get("drift", {}).items():
        places = table["places"]
        enough = places >= CLAIM_PLACES
        claim = "enough to claim it" if enough else f"too few to claim it ({CLAIM_PLACES} are)"
        levels = list(table["all"]["photos"]["plain"])
        rows = [
            (name, row["photos"], row["places"], row["unlike"], row)
            for name, row in table["sources"].items()
        ]
        rows += [
            (f"all, each of the {by} weighing as one", "", "", "", row)
            for by, row in table["all"].items()
        ]
        lines += [
            f"Measured coverage of {what}, percent, each source judged by levels fitted on the "
            "others; widened: with the levels for photos unlike the known ones. "
            f"{places} independent places, {claim}.",
            "",
            "| source | photos | places | unlike, % | "
            + " | ".join(f"{level} % | widened" for level in levels)
            + " |",
            "|---|---:|---:|---:|" + "---:|---:|" * len(levels),
            *(
                f"| {name} | {photos} | {clusters} | {unlike} | "
                + " | ".join(
                    f"{row['plain'][level]:.1f} | {row['widened'][level]:.1f}" for level in levels
                )
                + " |"
                for name, photos, clusters, unlike, row in rows
            ),
            "",
        ]
    return lines


def write(bundle: Bundle, fitted: Calibration, target: Path) -> Bundle:
    """Write a copy of a bundle with another calibration, sealed.

    Raises:
        GraticuleError: the target exists.
    """
    if target.exists():
        raise GraticuleError(f"{target}: exists; choose another -o for the calibrated bundle")
    shutil.copytree(bundle.path, target)
    (target / "system.json").unlink()
    fitted.save(target / "calibration.json")
    card = target / "MODEL_CARD.md"
    before = card.read_text(encoding="utf-8") if card.is_file() else f"# {bundle.manifest.name}\n"
    with files.atomic(card) as out:
        out.write(card_with(before, fitted))
    return Bundle.seal(target, bundle.manifest)
