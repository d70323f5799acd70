"""From the heads of S6 to a belief over countries and the cities in them.

Heads, the votes of alike training photos, what the scene says and a prior of where people travel
make countries; cities share what their country has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule.belief import normalise
from graticule.refine.memory import Memory

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]

#: Log of the share that a cell keeps for which no photo votes.
VOTELESS = -14.0
#: Photos of the average that a country's own scenes are weighed against.
_DRAWN = 10.0


@dataclass(frozen=True)
class Decoding:
    """What is done with the heads' outputs, in training and in the bundle alike.

    Attributes:
        homes: int64 (cities,), the country of each fine cell.
        prior: float32 (countries,), added to their log-weights.
        memory: of training photos, or None.
        weight: of the memory's votes beside the heads, between 0 and 1: countries are the product
            p(heads)^(1 − weight) · p(votes)^weight, cities inside a country the mixture.
        sharpness: see :meth:`graticule.refine.memory.Memory.votes`.
        scenes: float32 (scenes, countries), log of how much more often a country's photos show a
            scene than all do, or None.
        scene_weight: power of Σ p(scene) · p(scene | country) / p(scene), which countries are
            multiplied by.
        temperature: of countries. A temperature over the fine cells would hand probability to the
            countries that have many.
    """

    homes: IntArray
    prior: Float32Array
    memory: Memory | None = None
    weight: float = 0.0
    sharpness: float = 0.05
    scenes: Float32Array | None = None
    scene_weight: float = 0.0
    temperature: float = 1.0

    def as_settings(self) -> dict[str, Any]:
        """What a bundle's settings say of it; the memory is a file of its own."""
        found: dict[str, Any] = {
            "prior": [round(float(x), 5) for x in self.prior],
            "weight": self.weight,
            "sharpness": self.sharpness,
            "temperature": round(self.temperature, 5),
        }
        if self.scenes is not None:
            found["scene_weight"] = self.scene_weight
            found["scenes"] = [[round(float(x), 4) for x in row] for row in self.scenes]
        return found

    def __call__(
        self,
        country: Float32Array,
        city: Float32Array,
        vectors: Float32Array,
        scenes: Float32Array | None = None,
    ) -> tuple[Float32Array, Float32Array]:
        """Log-probabilities of countries and of fine cells, from the heads' log-weights."""
        votes = None
        if self.memory is not None and self.weight > 0:
            votes = self.memory.votes(vectors, len(self.homes), self.sharpness)
        return self.weighed(country, city, votes, scenes)

    def weighed(
        self,
        country: Float32Array,
        city: Float32Array,
        votes: FloatArray | None,
        scenes: Float32Array | None = None,
    ) -> tuple[Float32Array, Float32Array]:
        """The same with the votes at hand, (n, cities), or none."""
        log_p: FloatArray = normalise(country).astype(np.float64)
        inside: npt.NDArray[np.floating] = city
        if votes is not None and self.weight > 0:
            with np.errstate(divide="ignore"):
                cells = np.maximum(np.log(votes), VOTELESS)
                own = _log_sums(np.log(votes), self.homes, country.shape[1])
            log_p = (1 - self.weight) * log_p + self.weight * np.maximum(own, VOTELESS)
            nobody = np.zeros_like(log_p)
            inside = np.logaddexp(
                np.log1p(-self.weight) + within(nobody, city, self.homes),
                np.log(self.weight) + within(nobody, cells, self.homes),
            )
        if self.scenes is not None and scenes is not None:
            log_p += self.scene_weight * _mixed(normalise(scenes), self.scenes)
        told = normalise((log_p + self.prior) / self.temperature)
        return told, within(told, inside, self.homes)


def within(
    country: npt.NDArray[np.floating], city: npt.NDArray[np.floating], homes: IntArray
) -> Float32Array:
    """Log p(city) = log p(country) + log p(city | country), float32 (n, cities).

    Args:
        country: log-probabilities (n, countries).
        city: log-weights (n, cities), compared only inside one country.
        homes: country of each city (cities,).
    """
    total = _log_sums(city.astype(np.float64), homes, country.shape[1])
    return np.asarray(city - total[:, homes] + country[:, homes], dtype=np.float32)


def scene_evidence(
    log_p: Float32Array, country: IntArray, weight: FloatArray, countries: int
) -> Float32Array:
    """Log of p(scene | country) / p(scene), float32 (scenes, countries).

    A country's share is drawn to that of all photos, as if it had as much of them again as an
    average photo weighs ten times: a country with two photos has no scenes of its own.

    Args:
        log_p: (n, scenes) of the photos learned from.
        country: (n,) of each.
        weight: (n,) what each counts.
        countries: how many there are.
    """
    p = np.exp(log_p.astype(np.float64)) * weight[:, None]
    overall = p.sum(axis=0) / max(weight.sum(), 1e-12)
    drawn = _DRAWN * float(weight.mean()) if len(weight) else 1.0
    own = np.zeros((p.shape[1], countries))
    np.add.at(own.T, country, p)
    share = (own + drawn * overall[:, None]) / (own.sum(axis=0) + drawn)
    ratio = np.maximum(share, 1e-12) / np.maximum(overall, 1e-12)[:, None]
    return np.asarray(np.log(ratio), dtype=np.float32)


def _mixed(log_p: Float32Array, log_ratio: Float32Array) -> FloatArray:
    """Log Σ p(scene) · ratio(scene, country), (n, countries)."""
    p = np.exp(log_p.astype(np.float64))
    return np.asarray(np.log(p @ np.exp(log_ratio.astype(np.float64))))


def _log_sums(values: FloatArray, groups: IntArray, n: int) -> FloatArray:
    order = np.argsort(groups, kind="stable")
    owned, starts = np.unique(groups[order], return_index=True)
    top = values.max(axis=1, keepdims=True)
    # Differences over 300 nats vanish: no two cells are that far apart in what they say.
    raised = np.exp(np.maximum(values[:, order] - top, -300.0))
    out = np.full((len(values), n), -np.inf)
    out[:, owned] = np.log(np.add.reduceat(raised, starts, axis=1)) + top
    return out
