"""What a recipe says of S2's steps, each of which can be left out."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from graticule.cells.semantic.groups import Grouping
from graticule.refine.prototypes import LIMIT_KM, TEMPERATURE, How
from graticule.systems.place_labels import ATTRIBUTES
from graticule.systems.settings import Part, Region, SystemSettings

#: Boundaries of the atlas that cells are made from.
LEVELS = ("districts", "regions", "countries")
#: What is done where a step is null; the others have their defaults then.
_LEFT_OUT: dict[str, Any] = {
    "cells": {},
    "attributes": (),
    "top": {"k": 1},
    "refine": {"how": "mean"},
}


class CellSettings(Part):
    """How the region is cut.

    Attributes:
        kind: ``semantic``, ``units`` (the boundaries as they are) or ``s2``.
        min: photos of a cell; units with fewer are merged.
        max: cells with more are split.
        rounds: of OPTICS, each min_samples and ξ; those for 100,000 photos by default.
        halve: cut in two a semantic cell without clusters.
    """

    kind: Literal["semantic", "units", "s2"] = "semantic"
    min: int = Field(30, ge=1)
    max: int = Field(60, ge=1)
    rounds: (
        tuple[tuple[Annotated[int, Field(ge=2)], Annotated[float, Field(gt=0, lt=1)]], ...] | None
    ) = Field(None, min_length=1)
    halve: bool = False


class GroupSettings(Part):
    """The second OPTICS, see :class:`graticule.cells.semantic.groups.Grouping`.

    Attributes:
        alpha: share of the distance on the ground.
        min_samples: of OPTICS, in cells.
        xi: of OPTICS.
        borders: make groups hang together.
        label_mass: share of each label given to the other cells of its group, for which the cells
            are learned a second time.
    """

    alpha: float = Field(0.5, ge=0, le=1)
    min_samples: int = Field(2, ge=2)
    xi: float = Field(0.05, gt=0, lt=1)
    borders: bool = True
    label_mass: float = Field(0.0, ge=0, lt=1)

    @property
    def grouping(self) -> Grouping:
        """How cells are grouped."""
        return Grouping(self.alpha, self.min_samples, self.xi, self.borders)


class TopSettings(Part):
    """The likeliest cells.

    Attributes:
        k: that are looked into.
        merge_km: cells nearer than this are one hypothesis.
    """

    k: int = Field(5, ge=1)
    merge_km: float = Field(0.0, ge=0)


class RefineSettings(Part):
    """From cells to a point, see :class:`graticule.refine.prototypes.Refiner`.

    Attributes:
        how: ``prototypes``, ``nearest``, ``weighted``, ``offset`` or ``mean``.
        temperature: of the distance to a prototype.
        limit_km: a point further from its cell's place is not taken.
        min_samples: of OPTICS, and the fewest photos of a prototype.
    """

    how: How = "prototypes"
    temperature: float = Field(TEMPERATURE, gt=0)
    limit_km: float = Field(LIMIT_KM, ge=0)
    min_samples: int = Field(5, ge=2)


class Settings(SystemSettings):
    """All of it. Haversine smoothing is the recipe's ``loss``.

    Attributes:
        region: a country's code; empty: the world.
        boundaries: ``districts``, ``regions``, ``countries`` of the atlas, or a file.
        cells: made from them.
        attributes: told from the picture beside the cell, see
            :func:`graticule.systems.place_labels.place_labels`.
        attribute_loss: weight of each of them.
        fuse: weight of the told attributes in the geo-embedding, 0 leaves them out.
        groups: of cells; null leaves them out.
        top: the likeliest cells; null takes one.
        refine: to a point; null takes the cell's.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("cells", "groups")

    region: Region = ""
    boundaries: str = "districts"
    cells: CellSettings = CellSettings()
    attributes: tuple[str, ...] = ATTRIBUTES  # columns are the manifest's: checked with it
    attribute_loss: float = Field(0.25, ge=0)
    fuse: float = Field(0.5, ge=0)
    groups: GroupSettings | None = None
    top: TopSettings = TopSettings()
    refine: RefineSettings = RefineSettings()

    @field_validator("cells", "attributes", "top", "refine", mode="before")
    @classmethod
    def _left_out(cls, value: Any, info: ValidationInfo) -> Any:
        return _LEFT_OUT[str(info.field_name)] if value is None else value

    @field_validator("boundaries", mode="before")
    @classmethod
    def _there(cls, value: Any) -> Any:
        if not value:
            return "districts"
        if isinstance(value, str) and value not in LEVELS and not Path(value).is_file():
            near = difflib.get_close_matches(value, LEVELS, n=1)
            raise ValueError(
                f"{', '.join(LEVELS)}, or a file"
                + (f"; did you mean {near[0]!r}?" if near else "; there is no such file")
            )
        return value
