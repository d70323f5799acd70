"""What the recipe of the bundled model says under ``settings``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from graticule.systems import default_settings
from graticule.systems.settings import Part, SystemSettings


class ProbeSettings(Part):
    """The linear heads.

    Attributes:
        l2: penalty on the mean loss, times the sum of squared weights (rows have length one).
        iterations: of L-BFGS, at most.
        source_power: a row weighs (rows of its source and country) to minus this power, so that
            a source with hundreds of photos of one place is not hundreds of pieces of evidence.
        country_power: the same for a country's total after that.
        components: principal directions that the heads of countries and cities learn along; 0: all.
    """

    l2: float = Field(1e-5, gt=0)
    iterations: int = Field(60, ge=1)
    source_power: float = Field(1.0, ge=0)
    country_power: float = Field(0.25, ge=0)
    components: int = Field(0, ge=0)


class MemorySettings(default_settings.MemorySettings):
    """The votes of the training photos, as S6's; twice as much is kept of each."""

    dims: int = Field(256, ge=2)


class TuneSettings(Part):
    """How the upper blocks of the trunk learn, after the probe; no epochs leaves them as they are.

    Attributes:
        epochs: passes over the rows.
        views: random crops of each photo that are prepared once, beside the whole photo.
        learning_rate: of the trunk's upper blocks, at its top.
        head_rate: of the heads.
        weight_decay: of AdamW.
        dropout: on the embedding.
        label_smoothing: of countries and cities.
        city_weight: of the loss over cities beside that over countries.
        largest_weight: of a row, where the mean is one.
        batch_size: rows in a step.
    """

    epochs: int = Field(0, ge=0)
    views: int = Field(8, ge=2)
    learning_rate: float = Field(5e-5, gt=0)
    head_rate: float = Field(3e-4, gt=0)
    weight_decay: float = Field(0.02, ge=0)
    dropout: float = Field(0.2, ge=0, lt=1)
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    city_weight: float = Field(0.3, ge=0)
    largest_weight: float = Field(6.0, gt=0)
    batch_size: int = Field(64, ge=1)


class PriorSettings(Part):
    """Where people photograph.

    Attributes:
        power: the belief is multiplied by the shares of ``arrivals`` to this power.
        arrivals: international tourist arrivals of a country, millions a year.
        elsewhere: arrivals of a country that is not listed.
    """

    power: float = Field(0.0, ge=0)
    elsewhere: float = Field(0.8, gt=0)
    arrivals: dict[str, float] = Field(default_factory=dict)


class MiniSettings(SystemSettings):
    """All of it.

    Attributes:
        method: says that this is such a recipe.
        exclude: sources by the first folder of ``path`` that this model must not see.
        open_licences: words that start the ``licence`` of a row which the open variant may use.
        city_photos: photos that a city needs to be told apart.
        every: of a source, only each n-th row is used (by first folder).
        probe: the heads.
        memory: the votes of training photos.
        tune: the trunk.
        prior: where people photograph.
        scene_l2: penalty of the scene head.
    """

    method: Literal["held_out_probe"] = "held_out_probe"
    exclude: tuple[str, ...] = ()
    open_licences: tuple[str, ...] = ("CC", "Wikimedia", "BSD")
    city_photos: int = Field(30, ge=2)
    every: dict[str, int] = Field(default_factory=dict)
    probe: ProbeSettings = ProbeSettings()
    memory: MemorySettings = MemorySettings()
    tune: TuneSettings = TuneSettings()
    prior: PriorSettings = PriorSettings()
    scene_l2: float = Field(1e-4, gt=0)
