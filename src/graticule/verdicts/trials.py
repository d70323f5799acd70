"""True and false claims about photos of known places, on which limits are fitted and judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from graticule import atlas, sphere
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.verdicts.evidence import FloatArray, IntArray, Scale
from graticule.verdicts.roc import roc_auc

#: A false claim that is nearer to the truth than this is no lie that a picture could tell.
LIE_KM = 200.0
#: False claims for each true one.
LIES = 10
#: Fewer independent places than this fit no limit.
FEWEST = 20

#: A task and a reach.
Asked = tuple[str, float]


def lies(
    places: FloatArray, clusters: npt.ArrayLike, seed: int = 0, each: int = LIES
) -> tuple[IntArray, IntArray]:
    """False claims: the place of another photo, drawn by place, at least :data:`LIE_KM` away.

    Args:
        places: (n, 2) degrees, where the photos are.
        clusters: (n,) photos of one place share one; each place is as likely a lie.
        seed: of the draw.
        each: lies for each photo.

    Returns:
        The photo (m,) and whose place is claimed for it (m,).
    """
    rng = np.random.default_rng(seed)
    _, index, size = np.unique(np.asarray(clusters), return_inverse=True, return_counts=True)
    weight = 1.0 / size[index]
    photo, other = [], []
    for row, km in enumerate(sphere.distances(places, places)):
        share = np.where(km >= LIE_KM, weight, 0.0)
        if share.sum() <= 0:
            continue
        drawn = rng.choice(len(places), each, p=share / share.sum())
        photo += [row] * each
        other += drawn.tolist()
    return np.array(photo, dtype=np.int64), np.array(other, dtype=np.int64)


@dataclass(frozen=True)
class Column:
    """Log ratios of some claims, and the place of each photo."""

    ratio: FloatArray
    group: IntArray

    @cached_property
    def places(self) -> int:
        """How many independent places the photos are of."""
        return len(np.unique(self.group))

    @cached_property
    def weight(self) -> FloatArray:
        """(n,), so that places are equal."""
        if not len(self.group):
            return np.empty(0)
        _, index, size = np.unique(self.group, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / size[index])


@dataclass(frozen=True)
class Part:
    """Claims that limits are fitted on, and those of one fold that are judged by them."""

    true: Column
    false: Column
    judged_true: Column
    judged_false: Column


@dataclass(frozen=True)
class Trials:
    """Log ratios of true and false claims for each (task, reach).

    Attributes:
        groups: (n,) the place of each photo.
        photo: (m,) the photo of each false claim.
        true: (task, reach) → (n,), NaN where the model knows no place near.
        false: (task, reach) → (m,), likewise.
    """

    groups: IntArray
    photo: IntArray
    true: Mapping[Asked, FloatArray]
    false: Mapping[Asked, FloatArray]

    @classmethod
    def of(
        cls,
        beliefs: Mapping[str, Belief[Partition]],
        priors: Mapping[str, npt.ArrayLike],
        places: FloatArray,
        groups: IntArray,
        false_claims: tuple[IntArray, IntArray],
        reaches: Sequence[float],
    ) -> Trials:
        """Of places: each photo's own, and those of others, see :func:`lies`."""
        photo, other = false_claims
        true, false = {}, {}
        for task, belief in beliefs.items():
            for reach in reaches:
                scale = Scale(belief.over, priors[task], reach)
                true[task, reach] = scale.weigh(belief, places, shares=False).log_ratio
                false[task, reach] = scale.weigh(
                    belief[photo], places[other], shares=False
                ).log_ratio
        return cls(groups, photo, true, false)

    @classmethod
    def of_countries(
        cls,
        task: str,
        belief: Belief[Partition],
        prior: npt.ArrayLike,
        places: FloatArray,
        groups: IntArray,
        false_claims: tuple[IntArray, IntArray],
    ) -> Trials:
        """Of whole countries: each photo's own, and those of photos in other countries."""
        codes = atlas.countries(places)
        photo, other = false_claims
        real = (codes[photo] != "") & (codes[other] != "") & (codes[photo] != codes[other])
        photo, other = photo[real], other[real]
        scale = Scale(belief.over, prior, 0.0)
        true = scale.weigh(belief, places, codes.tolist(), shares=False).log_ratio
        false = scale.weigh(
            belief[photo], places[other], codes[other].tolist(), shares=False
        ).log_ratio
        asked = task, 0.0
        return cls(groups, photo, {asked: np.where(codes == "", np.nan, true)}, {asked: false})

    def known(self, asked: Asked) -> npt.NDArray[np.bool_]:
        """Photos whose true claims have a ratio, (n,)."""
        return np.asarray(np.isfinite(self.true[asked]))

    def columns(self, asked: Asked, chosen: npt.NDArray[np.bool_]) -> tuple[Column, Column]:
        """Of the chosen photos: their true claims and their false ones."""
        rows = np.flatnonzero(chosen & self.known(asked))
        told = np.flatnonzero(chosen[self.photo] & np.isfinite(self.false[asked]))
        return (
            Column(self.true[asked][rows], self.groups[rows]),
            Column(self.false[asked][told], self.groups[self.photo[told]]),
        )

    def best(self, chosen: npt.NDArray[np.bool_]) -> Asked:
        """The task and reach that tell the chosen photos' true claims from false ones best."""
        areas = []
        for asked in self.true:
            true, false = self.columns(asked, chosen)
            areas.append(roc_auc(true.ratio, false.ratio, true.weight, false.weight))
        return list(self.true)[int(np.nanargmax(areas)) if np.isfinite(areas).any() else 0]

    def parts(self, folds: npt.NDArray[np.generic]) -> list[Part]:
        """Each fold with what the others say, where enough are left to say anything."""
        found = []
        for one in np.unique(folds):
            asked = self.best(folds != one)
            part = Part(*self.columns(asked, folds != one), *self.columns(asked, folds == one))
            if min(part.true.places, part.false.places) >= FEWEST:
                found.append(part)
        return found
