"""Towns of 500 people and more, the nearest one to a point, and where a town of a name is.

The places are GeoNames' (CC BY 4.0), about 235,000 of them.
"""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from graticule import sphere
from graticule.atlas import shapes

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: 1e-4° is about 11 m; a town is a point only on a map.
STEPS_PER_DEGREE = 10_000
#: Towns in a leaf of the tree: a third faster than SciPy's 16 on points all over the land.
LEAF_SIZE = 32
#: How many times larger a town must be to win by another of its names.
ALIAS_DISCOUNT = 20.0


@dataclass(frozen=True)
class Town:
    """One town."""

    name: str
    country: str
    lat: float
    lon: float
    population: int


@dataclass(frozen=True, eq=False)
class Towns:
    """All towns, as columns.

    Attributes:
        latlon: float64 (n, 2) degrees.
        country: codes, (n,).
        population: int64 (n,); 0 where GeoNames does not know it.
        name_bytes: all names, UTF-8, a line each; :attr:`name` takes them apart.
        aliases: number of a town → its other names, for towns of 100,000 and more.
    """

    latlon: FloatArray
    country: npt.NDArray[np.str_]
    population: IntArray
    name_bytes: bytes
    aliases: Mapping[int, Sequence[str]]

    def __len__(self) -> int:
        return len(self.latlon)

    def __getitem__(self, number: int) -> Town:
        lat, lon = self.latlon[number].tolist()
        country, people = str(self.country[number]), int(self.population[number])
        return Town(self.name[number], country, lat, lon, people)

    @cached_property
    def name(self) -> tuple[str, ...]:
        """The towns' names as their countries write them, mostly in Latin letters."""
        return tuple(self.name_bytes.decode().split("\n"))

    @cached_property
    def tree(self) -> Any:
        """A k-d tree over the towns' unit vectors."""
        from scipy.spatial import cKDTree

        return cKDTree(sphere.unit_vectors(self.latlon), leafsize=LEAF_SIZE)

    @cached_property
    def by_name(self) -> dict[str, list[int]]:
        """Folded name → towns, the best known first.

        Who is called so goes before who is also called so, unless the other is far larger:
        Bombay is Mumbai and not the village in New Zealand.
        """
        known: dict[str, dict[int, float]] = {}
        for number, (name, people) in enumerate(
            zip(self.name, self.population.tolist(), strict=True)
        ):
            known.setdefault(fold(name), {})[number] = people
            for alias in self.aliases.get(number, ()):
                known.setdefault(fold(alias), {}).setdefault(number, people / ALIAS_DISCOUNT)
        return {name: sorted(by, key=lambda i: -by[i]) for name, by in known.items()}


def fold(name: str) -> str:
    """A name without case, accents, hyphens and apostrophes, so that spellings meet."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    # Latin accents go; the vowel signs of other scripts are letters and stay.
    plain = "".join(c for c in plain if not 0x300 <= ord(c) < 0x370)
    return " ".join(plain.replace("-", " ").replace("'", "").replace("’", "").split())


@cache
def towns() -> Towns:
    """The table of towns, read once."""
    path = shapes.DATA / "towns.npz"
    with shapes.open_data(path) as file:
        steps = np.stack([shapes.unfold(file["lat"]), shapes.unfold(file["lon"])], axis=1)
        codes = np.array(json.loads(file["codes"].tobytes()))
        return Towns(
            latlon=np.cumsum(steps, axis=0) / STEPS_PER_DEGREE,
            country=codes[file["country"]],
            population=shapes.unfold(file["population"]),
            name_bytes=file["names"].tobytes(),
            aliases={int(k): v for k, v in json.loads(file["aliases"].tobytes()).items()},
        )


def nearest_towns(latlon: npt.ArrayLike) -> tuple[IntArray, FloatArray]:
    """The nearest town to each point: its number in :func:`towns` and how far it is in km, (n,)."""
    points = sphere.as_latlon(latlon)
    # Neighbours one after the other find the tree's leaves still in the processor's cache.
    order = np.argsort(_half_degree(points), kind="stable")
    chords, numbers = np.empty(len(points)), np.empty(len(points), np.int64)
    chords[order], numbers[order] = towns().tree.query(sphere.unit_vectors(points[order]))
    return numbers, sphere.arc(chords)


def _half_degree(points: FloatArray) -> IntArray:
    """The number of the half-degree box of each point, row by row."""
    row, column = ((points + np.array([90.0, 540.0])) * 2).astype(np.int64).T
    return np.asarray(row * 2048 + column)


def find_towns(name: str, country: str | None = None) -> list[Town]:
    """Towns of a name, the most populous first; accents and case do not matter."""
    table = towns()
    found = [table[number] for number in table.by_name.get(fold(name), [])]
    return [town for town in found if country in (None, town.country)]


def find_town(name: str, country: str | None = None) -> Town | None:
    """The most populous town of a name, or None.

    Args:
        name: in its country's spelling, or for towns of 100,000 and more in another language too.
        country: only towns of this country.
    """
    found = find_towns(name, country)
    return found[0] if found else None


def write(
    path: str | os.PathLike[str],
    *,
    names: Sequence[str],
    countries: Sequence[str],
    latlon: FloatArray,
    population: IntArray,
    aliases: Mapping[int, Sequence[str]],
) -> None:
    """Write the table; rows that follow each other should lie near each other."""
    codes, country = np.unique(np.array(countries), return_inverse=True)
    whole = np.round(latlon * STEPS_PER_DEGREE).astype(np.int64)
    steps: IntArray = np.diff(whole, axis=0, prepend=np.zeros((1, 2), np.int64))
    np.savez_compressed(
        path,
        lat=shapes.fold(steps[:, 0]),
        lon=shapes.fold(steps[:, 1]),
        country=country.astype(np.uint8),
        population=shapes.fold(population.astype(np.int64)),
        codes=_utf8(json.dumps(codes.tolist())),
        names=_utf8("\n".join(names)),
        aliases=_utf8(json.dumps(aliases, ensure_ascii=False)),
    )


def _utf8(text: str) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)
