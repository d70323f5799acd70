"""A stack of partitions, coarse to fine, in which every fine cell knows its ancestors.

The hierarchy that f* multiplies down (S4), and country > region > district > cell. On disk it is
the finest partition with its ancestors as columns, and the coarser ones beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.cells.adaptive import PRESETS, S2Cells, adaptive
from graticule.cells.areas import Areas
from graticule.cells.boundaries import Boundaries
from graticule.cells.geometry import areas_only
from graticule.cells.partition import FloatArray, IntArray, Partition
from graticule.cells.semantic import Settings, semantic
from graticule.errors import PartitionError


@dataclass(frozen=True, eq=False)
class Nested:
    """Partitions from coarse to fine; the last one's parents hold the cells of all before.

    Raises:
        PartitionError: there is no level, two have one name, or a finest cell lacks an ancestor.
    """

    levels: tuple[Partition, ...]

    def __post_init__(self) -> None:
        names = [level.name for level in self.levels]
        if not names or len(set(names)) < len(names):
            raise PartitionError(f"a hierarchy needs levels of different names, got {names}")
        for level, column in zip(self.levels, self.ancestors.T, strict=True):
            if (column < 0).any():
                lost = self.finest.ids[int(np.flatnonzero(column < 0)[0])]
                raise PartitionError(
                    f"{self.finest.name}: cell {lost} has no ancestor in {level.name}"
                )

    @property
    def finest(self) -> Partition:
        """The last level."""
        return self.levels[-1]

    @cached_property
    def ancestors(self) -> IntArray:
        """Cell of every level above each finest cell and itself, int64 (cells, levels)."""
        coarser = [self.finest.parents_in(level) for level in self.levels[:-1]]
        return np.stack([*coarser, np.arange(len(self.finest))], axis=1).astype(np.int64)

    def assign(self, latlon: npt.ArrayLike) -> IntArray:
        """The cell of each point in every level, int64 (n, levels); −1 outside."""
        own = self.finest.assign(latlon)
        table = np.vstack([self.ancestors, np.full(len(self.levels), -1)])
        return np.asarray(table[own], np.int64)

    def multiply(self, log_p: Sequence[npt.ArrayLike]) -> FloatArray:
        """The log-weights of the finest cells: each one's log-probability and its ancestors'.

        p(fine) · p(its middle ancestor) · p(its coarse ancestor), the hierarchical decoding f* of
        Müller-Budack et al. (2018). Normalise them for a belief.

        Args:
            log_p: for each level (n, its cells), coarse to fine.

        Returns:
            float64 (n, finest cells).
        """
        if len(log_p) != len(self.levels):
            raise PartitionError(
                f"{len(self.levels)} levels need as many beliefs, not {len(log_p)}"
            )
        weights = np.asarray(log_p[-1], dtype=np.float64).copy()
        for level, own in zip(log_p[:-1], self.ancestors.T[:-1], strict=True):
            weights += np.asarray(level, dtype=np.float64)[:, own]
        return weights

    def to_parquet(self, path: str | Path) -> list[Path]:
        """Write the finest level to ``path`` and each other beside it as ``STEM-NAME.parquet``."""
        target = Path(path)
        # The finest last: where it is, the ones it needs are there.
        files = [target.with_name(f"{target.stem}-{p.name}.parquet") for p in self.levels[:-1]]
        for level, file in zip(self.levels, [*files, target], strict=True):
            level.to_parquet(file)
        return [*files, target]


def read_nested(path: str | Path) -> Nested:
    """Read what :meth:`Nested.to_parquet` wrote.

    Raises:
        PartitionError: a file is missing or is no partition.
    """
    from graticule.cells.files import read_partition

    target = Path(path)
    finest = read_partition(target)
    files = [target.with_name(f"{target.stem}-{name}.parquet") for name in finest.parents]
    return Nested((*(read_partition(file) for file in files if file.is_file()), finest))


def nest(levels: Sequence[Partition]) -> Nested:
    """Stack partitions, coarse to fine, by where the finest cells lie.

    S2 cells lie in the S2 cells that hold them; other cells, in the cell that holds their point,
    where they do not know their parents already.
    """
    if not levels:
        raise PartitionError("a hierarchy needs at least one partition")
    finest = levels[-1]
    parents = dict(finest.parents)
    for level in levels[:-1]:
        if level.name not in parents:
            own = _above(finest, level)
            parents[level.name] = tuple("" if i < 0 else level.ids[i] for i in own)
    return Nested((*levels[:-1], replace(finest, parents=parents)))


def _above(fine: Partition, coarse: Partition) -> IntArray:
    if isinstance(fine, S2Cells) and isinstance(coarse, S2Cells):
        return fine.ancestors(coarse)
    return coarse.assign(fine.centers)


def nested_s2(
    latlon: npt.ArrayLike, names: Sequence[str] = ("coarse", "middle", "fine"), tau_min: int = 50
) -> Nested:
    """The ISNs' stack of adaptive S2 partitions; see :data:`graticule.cells.adaptive.PRESETS`.

    Raises:
        PartitionError: an unknown preset, or what :func:`adaptive` raises.
    """
    unknown = [name for name in names if name not in PRESETS]
    if unknown:
        raise PartitionError(f"no S2 preset {unknown[0]!r}; choose from {', '.join(PRESETS)}")
    coarse_to_fine = sorted(names, key=lambda name: -PRESETS[name][1])
    return nest([adaptive(latlon, PRESETS[n][1], tau_min, name=n) for n in coarse_to_fine])


def nested_admin(latlon: npt.ArrayLike, units: Boundaries, settings: Settings) -> Nested:
    """Country > region > district > cell: semantic cells and what they make up.

    A cell of merged regions or districts is one at those levels too, so that all levels nest.

    Args:
        latlon: (n, 2) places of photos.
        units: the administrative units to begin from.
        settings: of the semantic cells.
    """
    finest, _ = semantic(latlon, units, settings, name="cells")
    whole = zip(finest.parents["regions"], finest.parents["units"], strict=True)
    keys = {
        "countries": finest.parents["countries"],
        "regions": tuple(region or unit for region, unit in whole),
        "units": finest.parents["units"],
    }
    levels = [dissolve(finest, key, name) for name, key in keys.items()]
    return Nested((*levels, replace(finest, parents=keys)))


def dissolve(fine: Areas, keys: Sequence[str], name: str) -> Areas:
    """The cells of one key each joined to one, in the order of the keys.

    Args:
        fine: the cells.
        keys: (n,) what each belongs to.
        name: of the partition.
    """
    import shapely

    assert fine.polygons is not None
    ids, group = np.unique(np.array(keys), return_inverse=True)
    group = group.astype(np.int64)
    rows = [np.flatnonzero(group == i) for i in range(len(ids))]
    polygons = np.empty(len(ids), dtype=object)
    polygons[:] = [areas_only(shapely.union_all(fine.polygons[own])) for own in rows]
    # Cells without photos still have a place; they count a little, so that no mean is of nothing.
    return Areas(
        name=name,
        ids=tuple(ids.tolist()),
        centers=sphere.group_means(fine.centers, group, len(ids), fine.counts + 1e-6),
        counts=np.bincount(group, fine.counts).astype(np.int64),
        areas_km2=np.bincount(group, fine.areas_km2).astype(np.float64),
        polygons=polygons,
        reach_km=fine.reach_km,
    )
