"""Places added from a handful of photos, without training: prototypes beside those of the model.

Vectors are centred on the mean of the model's own photos and brought to unit length (SimpleShot,
Wang et al. 2019); a place's prototype is the mean of its photos (Snell et al. 2017). How like a
photo is to a place is its cosine with the prototype minus that with the likest place the model
knows already: what looks like every temple looks like no temple in particular. How surely that
means the place is fitted on the model's own places, each in turn taken for a new one that is known
from 1, 2, 5 … photos.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule import files
from graticule.errors import BundleError, GraticuleError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Float32Array = npt.NDArray[np.float32]
Float16Array = npt.NDArray[np.float16]

#: Shots that the likeness is fitted for; a place of n photos takes the largest that is not above.
SHOTS = (1, 2, 5, 10, 20)
#: Probability of a taught place before the photo is looked at; all of them share at most MOST.
PRIOR, MOST = 0.05, 0.5
#: Places of the model that a photo is compared with, and photos of theirs that the fit looks at.
OTHERS, SAMPLE = 1024, 2000
#: Fewest photos of a place of the model beyond those of its prototype, and fewest such places.
_LEFT, _FEWEST = 1, 2
#: Weight of the ridge that keeps separable likenesses from certainty.
_RIDGE = 1e-3
_VERSION = 1


@dataclass(frozen=True)
class Known:
    """What the model knows, as taught places are judged by.

    Attributes:
        mean: float32 (d,), of its photos' vectors.
        others: float16 (m, d), the prototypes of its places, centred, of unit length.
        curve: float64 (len(SHOTS), 2), slope and offset of the log-odds of a likeness by shots.
    """

    mean: Float32Array
    others: Float16Array
    curve: FloatArray

    def directions(self, vectors: npt.ArrayLike) -> Float32Array:
        """Vectors (n, d) centred and brought to unit length, float32."""
        return _unit(np.asarray(vectors, dtype=np.float32) - self.mean)


@dataclass(frozen=True)
class Place:
    """A taught place.

    Attributes:
        name: what the user calls it.
        lat: degrees.
        lon: degrees.
        radius_km: how far its photos reach.
        photos: the photos' SHA-256, the first 32 digits.
        share: its mean probability for photos of elsewhere.
    """

    name: str
    lat: float
    lon: float
    radius_km: float
    photos: tuple[str, ...]
    share: float = 0.0


@dataclass(frozen=True)
class Taught:
    """All taught places of a model.

    Attributes:
        known: what they are judged by.
        places: in the order they were taught.
        vectors: float32 (k, d), of their photos, place by place.
    """

    known: Known
    places: tuple[Place, ...] = ()
    vectors: Float32Array = field(default_factory=lambda: np.empty((0, 0), np.float32))

    @property
    def latlon(self) -> FloatArray:
        """Where the places are, degrees (m, 2)."""
        return np.array([(p.lat, p.lon) for p in self.places], dtype=np.float64).reshape(-1, 2)

    def _own(self, number: int) -> slice:
        first = sum(len(place.photos) for place in self.places[:number])
        return slice(first, first + len(self.places[number].photos))

    def find(self, name: str) -> int | None:
        """The number of a place by its name, whatever its capitals."""
        wanted = name.strip().casefold()
        names = [place.name.casefold() for place in self.places]
        return names.index(wanted) if wanted in names else None

    def with_place(self, place: Place, vectors: npt.ArrayLike) -> Taught:
        """With a new place, or with further photos of one of that name.

        Photos that are there already are passed over; a known place keeps what ``place`` leaves as
        it was. ``vectors`` are (k, d), in the order of ``place.photos``.
        """
        new = np.asarray(vectors, dtype=np.float32)
        number = self.find(place.name)
        before = () if number is None else self.places[number].photos
        fresh = [i for i, photo in enumerate(place.photos) if photo not in before]
        whole = replace(place, photos=before + tuple(place.photos[i] for i in fresh))
        new = new[fresh]
        if number is None:
            return replace(
                self,
                places=(*self.places, whole),
                vectors=np.concatenate([self.vectors.reshape(-1, new.shape[1]), new]),
            )
        end = self._own(number).stop
        places = (*self.places[:number], whole, *self.places[number + 1 :])
        joined = np.concatenate([self.vectors[:end], new, self.vectors[end:]])
        return replace(self, places=places, vectors=joined)

    def without(self, name: str) -> Taught:
        """Without a place.

        Raises:
            GraticuleError: there is none of that name.
        """
        number = self.find(name)
        if number is None:
            there = ", ".join(place.name for place in self.places) or "none"
            raise GraticuleError(f"{name}: not a taught place; there is {there}")
        own = self._own(number)
        return replace(
            self,
            places=self.places[:number] + self.places[number + 1 :],
            vectors=np.concatenate([self.vectors[: own.start], self.vectors[own.stop :]]),
        )

    def prototypes(self) -> Float32Array:
        """The mean direction of each place's photos, of unit length (m, d)."""
        directions = self.known.directions(self.vectors)
        means = [directions[self._own(i)].mean(axis=0) for i in range(len(self.places))]
        return _unit(np.stack(means))

    def shares(self, vectors: npt.ArrayLike) -> FloatArray:
        """Probability that each photo is of each taught place, (n, m); rows sum to at most one.

        Raises:
            GraticuleError: the vectors are of another encoder.
        """
        seen = np.asarray(vectors, dtype=np.float32)
        if seen.shape[1] != len(self.known.mean):
            raise GraticuleError(
                f"vectors of length {seen.shape[1]}, the taught places' have "
                f"{len(self.known.mean)}: they are of another encoder"
            )
        directions = self.known.directions(seen)
        like = (directions @ self.prototypes().T).astype(np.float64)
        elsewhere = (directions @ self.known.others.T.astype(np.float32)).max(axis=1)
        n = len(self.places)
        log_prior = np.log(min(PRIOR, MOST / n) / (1 - min(n * PRIOR, MOST)))
        odds = np.empty(like.shape)
        for number, place in enumerate(self.places):
            # The other taught places are places it may be of, too.
            rivals = np.delete(like, number, axis=1).max(axis=1, initial=-1.0)
            slope, offset = self.known.curve[_row(len(place.photos))]
            margin = like[:, number] - np.maximum(elsewhere, rivals)
            odds[:, number] = np.exp(np.clip(slope * margin + offset + log_prior, -50, 50))
        odds = np.nan_to_num(odds)  # a photo without a vector is of no taught place
        return np.asarray(odds / (1 + odds.sum(axis=1, keepdims=True)))

    def save(self, path: str | Path) -> None:
        """Write one safetensors file, whole or not at all."""
        from safetensors.numpy import save

        about = {
            "version": _VERSION,
            "shots": SHOTS,
            "places": [vars(place) for place in self.places],
        }
        tensors = {
            "mean": self.known.mean,
            "others": np.ascontiguousarray(self.known.others),
            "curve": np.ascontiguousarray(self.known.curve),
            "vectors": np.ascontiguousarray(self.vectors),
        }
        with files.atomic(path, "wb") as handle:
            handle.write(save(tensors, {"taught": json.dumps(about, ensure_ascii=False)}))

    @classmethod
    def load(cls, path: str | Path) -> Taught:
        """Read what :meth:`save` wrote.

        Raises:
            BundleError: it is no such file.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "numpy") as file:
                about = json.loads(file.metadata()["taught"])
                found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if about["version"] > _VERSION:
                raise BundleError(f"{path}: from a newer graticule; pip install -U graticule")
            places = tuple(
                Place(**{**place, "photos": tuple(place["photos"])}) for place in about["places"]
            )
            known = Known(found["mean"], found["others"], found["curve"])
            return cls(known, places, found["vectors"])
        except (OSError, SafetensorError, TypeError, KeyError, ValueError) as error:
            raise BundleError(f"{path}: not taught places; teach them again") from error


def fit(vectors: npt.ArrayLike, groups: npt.ArrayLike, *, seed: int = 0) -> Known:
    """Learn from photos of known places how like photos of one place are.

    Args:
        vectors: (n, d); photos with NaN in theirs are left out.
        groups: (n,) the place of each, numbers or names.
        seed: of the places and photos drawn.

    Raises:
        GraticuleError: fewer than two places have the two photos it takes.
    """
    seen = np.asarray(vectors, dtype=np.float32)
    sound = np.isfinite(seen).all(axis=1)
    seen, own = seen[sound], np.unique(np.asarray(groups)[sound], return_inverse=True)[1]
    counts = np.bincount(own, minlength=1)
    if (counts > _LEFT).sum() < _FEWEST:
        raise GraticuleError(
            "too few places to learn what is alike from: two or more with two photos or more each"
        )
    rng = np.random.default_rng(seed)
    mean = seen.mean(axis=0)
    directions = _unit(seen - mean)
    kept = _drawn(np.flatnonzero(counts), OTHERS, rng)
    means = np.stack([directions[own == place].mean(axis=0) for place in kept])
    sample = _sample(own, rng)
    curve = np.empty((len(SHOTS), 2))
    for row, shots in enumerate(SHOTS):
        found = _episodes(directions[sample], own[sample], shots, rng)
        # Where no place has so many photos, a place of so many is judged as one of fewer.
        curve[row] = curve[row - 1] if found is None else _log_odds(*found)
    return Known(mean, _unit(means).astype(np.float16), curve)


def _sample(own: IntArray, rng: np.random.Generator) -> IntArray:
    """Photos to fit on: whole places as long as there is room, at most what SHOTS can use."""
    chosen: list[IntArray] = []
    room = SAMPLE
    for place in rng.permutation(np.flatnonzero(np.bincount(own) > _LEFT)):
        here = _drawn(np.flatnonzero(own == place), 2 * SHOTS[-1], rng)
        chosen.append(here)
        room -= len(here)
        if room <= 0 and len(chosen) >= _FEWEST:
            break
    return np.sort(np.concatenate(chosen))


def _drawn(items: IntArray, most: int, rng: np.random.Generator) -> IntArray:
    return items if len(items) <= most else np.sort(rng.choice(items, most, replace=False))


def _episodes(
    directions: Float32Array, own: IntArray, shots: int, rng: np.random.Generator
) -> tuple[FloatArray, npt.NDArray[np.bool_]] | None:
    """Margins of photos towards a place known by ``shots`` of its photos, and whether they are its.

    None where fewer than two places have more photos than that.
    """
    counts = np.bincount(own)
    places = np.flatnonzero(counts > 0)
    able = np.flatnonzero(counts >= shots + _LEFT)
    if len(able) < _FEWEST:
        return None
    sums = np.stack([directions[own == place].sum(axis=0) for place in places])
    to_all = directions @ _unit(sums).T
    # A photo is no part of the place it is compared with.
    column = np.searchsorted(places, own)
    rest = _unit(sums[column] - directions)
    to_all[np.arange(len(own)), column] = (rest * directions).sum(axis=1)
    margins, hits = [], []
    for place in able.tolist():
        mine = np.flatnonzero(own == place)
        shown = rng.choice(mine, shots, replace=False)
        asked = np.setdiff1d(np.arange(len(own)), shown)
        like = directions[asked] @ _unit(directions[shown].mean(axis=0))
        others = np.delete(to_all[asked], np.searchsorted(places, place), axis=1).max(axis=1)
        margins.append((like - others).astype(np.float64))
        hits.append(own[asked] == place)
    return np.concatenate(margins), np.concatenate(hits)


def _log_odds(margin: FloatArray, hit: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset of the log-odds under equal priors: logistic regression by Newton's steps.

    A slope below nought, of vectors that tell nothing, becomes nought.
    """
    x = np.stack([margin, np.ones(len(margin))], axis=1)
    weight = np.where(hit, 0.5 / hit.sum(), 0.5 / (~hit).sum())
    ridge = _RIDGE * np.diag([margin.var(), 0.0]) + 1e-9 * np.eye(2)
    found = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -50, 50)))
        slope = x.T @ (weight * (p - hit)) + ridge @ found
        bend = (x * (weight * p * (1 - p))[:, None]).T @ x + ridge
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < 1e-8:
            break
    if not np.isfinite(found).all() or found[0] <= 0:
        return 0.0, 0.0
    return float(found[0]), float(found[1])


def _row(photos: int) -> int:
    """The row of the curve for a place of so many photos."""
    return max(0, int(np.searchsorted(SHOTS, photos, side="right")) - 1)


def _unit(vectors: npt.NDArray[np.floating]) -> Float32Array:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-12), dtype=np.float32)
