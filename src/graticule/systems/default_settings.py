"""What a recipe says of S6, and what it may choose of it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field

from graticule.systems.nested_places import Center
from graticule.systems.settings import Part, SystemSettings

_T = TypeVar("_T")
#: Null is a table that says nothing.
OrEmpty = Annotated[_T, BeforeValidator(lambda value: {} if value is None else value)]
_Power: TypeAlias = Annotated[float, Field(ge=0)]
_Km: TypeAlias = Annotated[float, Field(gt=0)]


class BalanceSettings(Part):
    """What each row counts, see :func:`graticule.systems.default.row_weights`.

    Attributes:
        source: power by which photos of one source and country count less.
        country: and then of one country.
    """

    source: float = Field(0.0, ge=0)
    country: float = Field(0.0, ge=0)


class MemorySettings(Part):
    """The votes of alike training photos, see :mod:`graticule.refine.memory`.

    Attributes:
        weight: beside the heads; 0 leaves them out.
        sharpness: cosine in which a photo's vote falls to 1/e.
        dims: components that are kept of a photo's vector.
    """

    weight: float = Field(0.0, ge=0, lt=1)
    sharpness: float = Field(0.1, gt=0)
    dims: int = Field(128, ge=2)


class PriorSettings(Part):
    """Where people travel.

    Attributes:
        power: of the share of arrivals; 0 leaves the prior out.
        elsewhere: arrivals of a country that is not listed.
        arrivals: by country.
    """

    power: float = Field(0.0, ge=0)
    elsewhere: float = Field(1.0, gt=0)
    arrivals: OrEmpty[dict[str, Annotated[float, Field(gt=0)]]] = Field(default_factory=dict)


class ChooseSettings(Part):
    """Lists to choose from on inner folds; what is not listed is as the settings fix it.

    Attributes:
        by: which folds, see :func:`graticule.systems.choosing.inner_folds`.
        balance: see :class:`BalanceSettings`.
        smooth_km: null is the recipe's loss.
        memory: see :class:`MemorySettings`; ``dims`` are the settings' own.
        power: of the prior.
        scene_weight: of what a photo's scene says.
        point_km: the narrowest that comes close to the best.
    """

    by: Literal["folds", "groups"] = "folds"
    balance: tuple[OrEmpty[BalanceSettings], ...] | None = Field(None, min_length=1)
    smooth_km: tuple[_Power | None, ...] | None = Field(None, min_length=1)
    memory: tuple[OrEmpty[MemorySettings], ...] | None = Field(None, min_length=1)
    power: tuple[_Power, ...] | None = Field(None, min_length=1)
    scene_weight: tuple[_Power, ...] | None = Field(None, min_length=1)
    point_km: tuple[_Km, ...] | None = Field(None, min_length=1)


class Settings(SystemSettings):
    """All of it.

    Attributes:
        city_photos: training photos that a city needs to be told apart.
        center: where a country's rest lies: ``polygon``, ``people`` or ``photos``.
        balance: what each row counts.
        smooth_km: τ of labels smoothed by distance in place of the recipe's loss, 0 for plain ones.
        prior: where people travel.
        memory: what alike photos vote.
        scenes: tell scenes too, where the manifest has them.
        scene_weight: what they say of countries.
        point_km: width of the kernel that picks points.
        choose: what is chosen; null fixes all.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("places", "inner")

    city_photos: int = Field(30, ge=1)
    center: Center = "polygon"
    balance: OrEmpty[BalanceSettings] = BalanceSettings()
    smooth_km: float | None = Field(None, ge=0)
    prior: OrEmpty[PriorSettings] = PriorSettings()
    memory: OrEmpty[MemorySettings] = MemorySettings()
    scenes: bool = False
    scene_weight: float = Field(0.0, ge=0)
    point_km: float = Field(250.0, gt=0)
    choose: Annotated[ChooseSettings | None, BeforeValidator(lambda value: value or None)] = None
