"""A prediction turned into answers: points, radii, names, and when to say nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from graticule import calibration, sphere
from graticule.answer import Answer, Exif, Hypothesis, Model, Point, Scene
from graticule.belief import Belief, Labels
from graticule.calibration import Calibration
from graticule.cells.partition import Partition
from graticule.cells.units import KINDS
from graticule.errors import GraticuleError
from graticule.locate import albums, places
from graticule.locate.albums import Album
from graticule.locate.beliefs import (
    CITY_DECIMALS,
    OWN_DECIMALS,
    TOP,
    Beliefs,
    lands_of,
    ranked,
)
from graticule.locate.evidence import Evidence
from graticule.locate.hypotheses import Told
from graticule.photos.exif import Metadata
from graticule.refine.hypotheses import Picked
from graticule.refine.neighbours import Neighbours
from graticule.systems.system import Prediction, System

#: What two decimals are good for; a smaller radius would be of a point nobody is told.
FINEST_KM = 1.0
#: The same in a gallery of the user's own, who knows those places already.
OWN_FINEST_KM = 0.1
#: What is said of a photo that is unlike those the radii were fitted on.
NOVEL = "unlike the photos it was calibrated on: its radius is widened"


@dataclass(frozen=True)
class Looked:
    """What is known of a photo beside its pixels in the batch.

    Attributes:
        name: what its answer calls it.
        metadata: of the file.
        flatness: share of flat pixels, see :mod:`graticule.photos.nature`.
        alike: perceptual hash, 0 where nothing is compared.
    """

    name: str
    metadata: Metadata
    flatness: float
    alike: int = 0


@dataclass(frozen=True)
class Options:
    """How answers are decoded.

    Attributes:
        evidence: the user's prior.
        always_answer: give a point where the answer would abstain.
        all_places: list every country instead of the first ten.
        areas: say how large the smallest area is that holds 50 and 90 % of the belief.
        max_risk: percent of first countries that may be wrong among those answered; the rest is
            abstained from.
    """

    evidence: Evidence = field(default_factory=Evidence)
    always_answer: bool = False
    all_places: bool = False
    areas: bool = False
    max_risk: int | None = None


class Decoder:
    """Turns predictions of one system into answers."""

    def __init__(
        self, system: System, fitted: Calibration, options: Options, album: Album | None = None
    ) -> None:
        self.system, self.fitted, self.options, self.album = system, fitted, options, album
        calibrated, self.radius_mass = fitted.calibrated, fitted.radius_mass
        if album is not None:
            # Radii were measured without an index, or beside one that was another.
            calibrated = calibrated and album.fitted is not None
            if album.fitted is not None:
                self.radius_mass = album.fitted.radius_mass
        manifest = system.bundle.manifest
        self.model = Model(
            name=manifest.name,
            version=manifest.version,
            sha256=system.bundle.sha256,
            calibrated=calibrated,
            gallery=system.gallery_key,
            index=None if album is None else album.index.fingerprint,
        )
        self._least_sure = self._threshold(options.max_risk)
        self._priors: dict[str, npt.NDArray[np.float64]] = {}
        if options.evidence:
            self._priors = self._weigh(options.evidence)

    def _threshold(self, risk: int | None) -> float:
        if risk is None:
            return 0.0
        if risk not in self.fitted.risk_confidence:
            known = ", ".join(f"{r} %" for r in sorted(self.fitted.risk_confidence)) or "none"
            raise GraticuleError(
                f"a risk of {risk} %: {self.model.name} was not calibrated to keep it (it can "
                f"keep: {known}); graticule calibrate fits what its photos allow"
            )
        return self.fitted.risk_confidence[risk]

    def _novel(self, prediction: Prediction) -> npt.NDArray[np.bool_]:
        fitted = self.fitted
        if fitted.novelty is None or fitted.novel_above is None:
            return np.zeros(len(prediction.embedding), dtype=bool)
        return np.asarray(fitted.novelty.score(prediction.embedding) > fitted.novel_above)

    def _weigh(self, evidence: Evidence) -> dict[str, npt.NDArray[np.float64]]:
        """The evidence as log-weights of each task's cells, once for all photos."""
        priors = {
            task: evidence.log_prior(partition)
            for task, partition in self.system.partitions.items()
        }
        if not np.isfinite(priors[self.system.point_task]).any():
            raise GraticuleError(
                f"{evidence}: {self.system.bundle.manifest.name} knows no place there, so nothing "
                "is left; loosen it"
            )
        return priors

    def answers(self, prediction: Prediction, looked: Sequence[Looked]) -> list[Answer]:
        """One answer a photo, in order; alike photos of the album count as evidence."""
        album = self.album
        tempered = {
            task: self.fitted.temper(task, belief) for task, belief in prediction.beliefs.items()
        }
        # Before matches are mixed in: a likeness is no reason to speak where the model is silent.
        gains = self.gains(tempered)
        found: list[Neighbours | None] = [None] * len(looked)
        if album is not None:
            found = album.near(prediction.embedding, [photo.alike for photo in looked])
            tempered = {
                task: albums.mix(belief, found, nearest=task == self.system.point_task)
                for task, belief in tempered.items()
            }
        # A task that knows no place there says nothing; the point's own task does, by _weigh.
        for task, prior in self._priors.items():
            if task not in tempered:
                continue
            if np.isfinite(prior).any():
                tempered[task] = tempered[task].with_prior(prior)
            else:
                del tempered[task]
        scenes, novel, picked = prediction.scenes, self._novel(prediction), self._pick(prediction)
        said = Beliefs(tempered, self, found, picked.points, scenes, novel)
        told = None if picked.hypotheses is None else Told(picked.hypotheses, said.point)
        spoke = prediction.spoke or (None,) * len(looked)
        answers = [
            self._answer(
                row, photo, said, told, scenes, spoke[row], float(gains[row]), bool(novel[row])
            )
            for row, photo in enumerate(looked)
        ]
        if album is None:
            return answers
        return [
            answer.model_copy(update={"matches": album.matches(one)})
            for answer, one in zip(answers, found, strict=True)
        ]

    def _pick(self, prediction: Prediction) -> Picked:
        """The system's own points, from its belief as the user's evidence leaves it."""
        if not self._priors:
            return Picked(prediction.points, prediction.hypotheses)
        task = self.system.point_task
        # Evidence counts as much beside this belief as beside the tempered one that is told.
        prior = self.fitted.temperatures.get(task, 1.0) * self._priors[task]
        return self.system.pick(prediction.beliefs[task].with_prior(prior), prediction.embedding)

    @cached_property
    def lands(self) -> tuple[Labels, npt.NDArray[np.int64]]:
        """The countries of the point's cells, and which of them each cell lies in (−1 for none)."""
        return lands_of(self.system.partitions[self.system.point_task])

    @cached_property
    def groupings(self) -> dict[str, places.Grouping]:
        """Which units the point's cells lie in, of the kinds of place that have no belief."""
        partitions, allowed = self.system.partitions, self.options.evidence.countries
        return {
            kind: places.grouping(partitions[self.system.point_task], kind, allowed)
            for kind in KINDS
            if kind not in partitions
        }

    def gains(self, beliefs: Mapping[str, Belief[Partition]]) -> npt.NDArray[np.float64]:
        """Nats that each photo's tempered beliefs say over the prior, (n,)."""
        for task, prior in self.fitted.prior.items():
            if task in beliefs and len(prior) == len(beliefs[task].over):
                return calibration.gain(beliefs[task], prior)
        return np.full(len(next(iter(beliefs.values()))), np.inf)

    def _answer(
        self,
        row: int,
        photo: Looked,
        said: Beliefs,
        told: Told | None,
        scenes: Belief[Labels] | None,
        spoke: str | None,
        gain: float,
        novel: bool,
    ) -> Answer:
        scene = scene_of(scenes, row)
        reason = self.why_silent(photo, scene, gain)
        if reason is None and said.surest(row) < self._least_sure:
            reason = f"its country would be wrong more often than {self.options.max_risk} %"
        own = self.system.finest
        point: Point | None = None
        hypotheses: tuple[Hypothesis, ...] = ()
        if reason is None or self.options.always_answer:
            radius = said.radii[80][row] if 80 in said.radii else math.inf
            rounded = partial(
                _rounded, radius_km=radius, finest=OWN_DECIMALS if own else CITY_DECIMALS
            )
            point = rounded(said.points[row])
            hypotheses = () if told is None else told.of(row, point, rounded)
        if reason is None and novel:
            reason = NOVEL
        most = None if self.options.all_places else TOP
        finest = OWN_FINEST_KM if own else FINEST_KM
        radii = {str(k): _radius(km[row], finest) for k, km in said.radii.items()}
        return Answer(
            photo=photo.name,
            point=point,
            radius_km=radii if point else {},
            area_km2={str(k): _significant(km2[row], 3) for k, km2 in said.areas.items()},
            country_sets={str(k): int(sizes[row]) for k, sizes in said.country_sets.items()},
            countries=said.countries(row, most),
            regions=said.places("regions", row, most),
            districts=said.places("districts", row, most),
            cities=said.cities(row),
            cells=said.cells(row),
            hypotheses=hypotheses,
            scene=scene,
            spoke=spoke,
            abstained=reason is not None and point is None,
            reason=reason,
            exif=_exif(photo.metadata, point),
            model=self.model,
        )

    def why_silent(self, photo: Looked, scene: Scene | None, gain: float) -> str | None:
        """Why a photo gets no answer, in words; None where it gets one."""
        if photo.flatness > self.fitted.max_flatness:
            return "looks like a screenshot, a scan or a drawing, not a photo"
        indoor = scene.probabilities.get("indoor", 0.0) if scene else 0.0
        if indoor > self.fitted.max_indoor:
            return "indoors: nothing outside is seen"
        if gain < self.fitted.min_gain:
            return "not enough evidence: the photo says little more than no photo would"
        return None


def scene_of(scenes: Belief[Labels] | None, row: int) -> Scene | None:
    """The scene of one photo as answers have it."""
    if scenes is None:
        return None
    best = list(ranked(scenes, row, None))
    return Scene(name=best[0][0], probability=best[0][1], probabilities=dict(best))


def _exif(metadata: Metadata, point: Point | None) -> Exif | None:
    if metadata.lat is None and metadata.captured_at is None:
        return None
    gap = None
    if point is not None and metadata.lat is not None and metadata.lon is not None:
        gap = float(sphere.haversine((metadata.lat, metadata.lon), (point.lat, point.lon)))
    return Exif(
        lat=metadata.lat,
        lon=metadata.lon,
        distance_km=None if gap is None else _significant(gap),
        captured_at=metadata.captured_at,
    )


def _rounded(latlon: npt.NDArray[np.float64], radius_km: float, finest: int) -> Point:
    # A tenth of the radius is the finest that the digits may claim; a degree is 111 km.
    step = max(radius_km / 10 / 111.2, 1e-9)
    decimals = min(max(0, math.ceil(-math.log10(step))), finest)
    lat, lon = (round(float(value), decimals) for value in latlon)
    return Point(lat=lat, lon=lon)


def _significant(value: float, digits: int = 2) -> float:
    if value <= 0 or not math.isfinite(value):
        return 0.0
    return round(value, digits - 1 - math.floor(math.log10(value)))


def _radius(km: float, finest: float) -> float:
    # Up, so that rounding costs no coverage; and never finer than the point's own digits.
    km = max(float(km), finest)
    step = 10.0 ** (math.floor(math.log10(km)) - 1)
    return round(math.ceil(km / step - 1e-9) * step, 2)
