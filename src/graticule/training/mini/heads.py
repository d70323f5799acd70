"""The heads of the bundled model: countries, cities inside them, scenes; and its memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from graticule.cells.cities import Cities
from graticule.cells.countries import Countries
from graticule.refine import memory
from graticule.refine.memory import Memory
from graticule.scenes import SCENES
from graticule.systems import default
from graticule.training.mini.probe import Float32Array, Linear, fit_linear
from graticule.training.mini.rows import Rows, row_weights
from graticule.training.mini.settings import MiniSettings, PriorSettings

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Fitted:
    """Three linear heads on one embedding.

    Attributes:
        countries: over the countries of the partition, without the prior.
        cities: over the cells of the city partition; compared only inside one country.
        scenes: over `graticule.scenes.SCENES`.
    """

    countries: Linear
    cities: Linear
    scenes: Linear


def fit_countries(x: Float32Array, rows: Rows, cells: Countries, settings: MiniSettings) -> Linear:
    """The head over countries, from the rows that have one."""
    known = np.flatnonzero(rows.country != "")
    own = rows.take(known)
    return fit_linear(
        x[known],
        cells.index(own.country),
        len(cells),
        row_weights(own, settings.probe),
        l2=settings.probe.l2,
        iterations=settings.probe.iterations,
        components=settings.probe.components,
    )


def fit_cities(x: Float32Array, rows: Rows, cells: Cities, settings: MiniSettings) -> Linear:
    """The head that tells a country's cities and its rest apart.

    One softmax inside each country that has a city; a country without one has nothing to learn.
    """
    weight = np.zeros((x.shape[1], len(cells)), np.float32)
    bias = np.zeros(len(cells), np.float32)
    homes = np.array(cells.parents["countries"])
    target = cells.index(np.where(rows.city == "", "-", rows.city))
    rest = cells.index([f"{c}:" for c in rows.country])
    # Where a country is known and no city is, the photo says nothing about which city.
    known = rows.city != ""
    target = np.where((target < 0) & known, rest, target)
    for code in np.unique(homes):
        mine = np.flatnonzero(homes == code)
        used = np.flatnonzero(np.isin(target, mine))
        if len(mine) < 2 or not len(used):
            continue
        counts = np.bincount(target[used], minlength=len(cells))[target[used]]
        head = fit_linear(
            x[used],
            np.searchsorted(mine, target[used]).astype(np.int64),
            len(mine),
            counts**-0.5,
            l2=settings.probe.l2 * 10,
            iterations=settings.probe.iterations,
            components=settings.probe.components,
        )
        weight[:, mine], bias[mine] = head.weight, head.bias
    return Linear(weight, bias)


def fit_scenes(x: Float32Array, grey: Float32Array, scene: IntArray, l2: float) -> Linear:
    """The scene head, from every photo once as it is and once without its colour.

    Industrial and indoor scenes come in grey only; so that grey means nothing, all classes are
    seen in grey too.
    """
    known = scene >= 0
    both = np.concatenate([x[known], grey[known]])
    target = np.concatenate([scene[known], scene[known]])
    counts = np.bincount(target, minlength=len(SCENES))
    return fit_linear(both, target, len(SCENES), 1.0 / counts[target], l2=l2, iterations=60)


def remember(
    x: Float32Array, rows: Rows, countries: Countries, cities: Cities, settings: MiniSettings
) -> Memory | None:
    """The rows that have a country, as votes for the finest cell that is known; None for none."""
    if settings.memory.weight <= 0:
        return None
    known = np.flatnonzero(rows.country != "")
    own = rows.take(known)
    city = cities.index(np.where(own.city == "", "-", own.city))
    rest = cities.index([f"{code}:" for code in own.country])
    cell = np.where(city < 0, rest, city)
    return memory.build(x[known], cell, row_weights(own, settings.probe), settings.memory.dims)


def log_prior(codes: tuple[str, ...], settings: PriorSettings) -> Float32Array:
    """What is added to the log-weights of countries: power · log share of arrivals."""
    return default.log_prior(codes, settings.model_dump())


class Heads(nn.Module):
    """Embedding → log-weights of countries, cities and scenes."""

    home: Tensor

    def __init__(self, fitted: Fitted, countries: Countries, cities: Cities) -> None:
        super().__init__()
        self.countries = _layer(fitted.countries)
        self.cities = _layer(fitted.cities)
        self.scenes = _layer(fitted.scenes)
        homes = countries.index(list(cities.parents["countries"]))
        member = np.zeros((len(cities), len(countries)), np.float32)
        member[np.arange(len(cities)), homes] = 1.0
        self.register_buffer("member", torch.from_numpy(member))
        self.register_buffer("home", torch.from_numpy(homes))

    def forward(self, embedding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log-weights (n, countries), (n, cities), (n, scenes).

        p(city) = p(country) · p(city | country).
        """
        country = torch.log_softmax(self.countries(embedding), 1)
        # Bounded, so that the sum inside a country neither overflows nor vanishes.
        inside = self.cities(embedding).clamp(-30.0, 30.0)
        total = (inside.exp() @ self.member).log()
        city = inside - total[:, self.home] + country[:, self.home]
        return country, city, self.scenes(embedding)


def _layer(head: Linear) -> nn.Linear:
    layer = nn.Linear(*head.weight.shape)
    layer.weight.data = torch.from_numpy(np.ascontiguousarray(head.weight.T))
    layer.bias.data = torch.from_numpy(np.asarray(head.bias, dtype=np.float32))
    return layer
