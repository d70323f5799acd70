"""A grid: one recipe trained once for each set of encoders and each head, and ablations beside.

The document's comparison (S5, Okkerman 2024) as a file, so that one command runs it over anybody's
photos; `graticule.training.grid_run` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from graticule.errors import RecipeError
from graticule.systems.settings import first_words
from graticule.training.recipe import Recipe, apply_change, parse, recipe_path

#: The key that tells a grid from a recipe.
MARK: Final = "grid"


class Change(BaseModel):
    """A row that changes one thing: a part of a recipe, and what it is laid over.

    Attributes:
        of: its own set of features and head, where they are not those of the other rows.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    of: tuple[str, str] | None = None


class Ablations(BaseModel):
    """Rows that change one thing each.

    Attributes:
        of: the set of features and the head that they change.
        rows: changes by the name of the row; one that is null is left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: tuple[str, str]
    rows: dict[str, Change | None]

    def placed(self) -> dict[str, tuple[str, str, dict[str, Any]]]:
        """Features, head and changes of each row, by its name."""
        return {
            name: (*(row.of or self.of), row.model_extra or {})
            for name, row in self.rows.items()
            if row is not None
        }


class Grid(BaseModel):
    """Which recipes are trained and compared.

    Attributes:
        name: of the grid.
        grid: the recipe that every row changes.
        description: in a sentence.
        encoders: by a short name, as a recipe's ``encoder``.
        features: sets of encoders, by the name of the set.
        heads: as a recipe's ``head``, by name.
        ablations: further rows.
        base: changes laid over the recipe in every row (``--set base.seed=1``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    grid: str
    description: str = ""
    encoders: dict[str, dict[str, Any]]
    features: dict[str, tuple[str, ...]]
    heads: dict[str, dict[str, Any]]
    ablations: Ablations | None = None
    base: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _known(self) -> Grid:
        for name, parts in self.features.items():
            unknown = [part for part in parts if part not in self.encoders]
            if unknown or not parts:
                raise ValueError(
                    f"features.{name}: no encoder {', '.join(unknown) or 'at all'}; "
                    f"there are {', '.join(self.encoders)}"
                )
        if self.ablations:
            places = {"of": self.ablations.of} | {
                f"rows.{name}.of": (features, head)
                for name, (features, head, _) in self.ablations.placed().items()
            }
            for name, (features, head) in places.items():
                if features not in self.features or head not in self.heads:
                    raise ValueError(
                        f"ablations.{name}: no row of features {features!r}, head {head!r}"
                    )
        return self

    def rows(self) -> dict[str, Recipe]:
        """Every row's recipe, by the row's name: heads by features, then the ablations.

        Raises:
            RecipeError: a row's changes do not make a recipe.
        """
        raw = yaml.safe_load(recipe_path(self.grid).read_text(encoding="utf-8"))
        out = {
            f"{head}, {features}": self._row(raw, features, head, {})
            for head in self.heads
            for features in self.features
        }
        if self.ablations:
            for name, (features, head, own) in self.ablations.placed().items():
                out[f"{head}, {features}: {name}"] = self._row(raw, features, head, own)
        return out

    def _row(self, raw: dict[str, Any], features: str, head: str, own: dict[str, Any]) -> Recipe:
        first, *others = (self.encoders[part] for part in self.features[features])
        changes: dict[str, Any] = {"encoder": first, "fuse": others, "head": self.heads[head]}
        for more in (changes, self.base, own):
            raw = laid_over(raw, more)
        return parse({**raw, "name": self.name}, f"{self.name}: {head}, {features}")


def laid_over(raw: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are merged, an encoder of another name is not."""
    out = dict(raw)
    for key, value in own.items():
        merge = isinstance(value, Mapping) and isinstance(out.get(key), dict)
        whole = key == "encoder" and "name" in value
        out[key] = laid_over(out[key], value) if merge and not whole else value
    return out


def is_grid(name: str) -> bool:
    """Whether a name or file is a grid's and not a recipe's.

    Raises:
        RecipeError: there is no such file.
    """
    try:
        raw = yaml.safe_load(recipe_path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return False  # reading it as a recipe says what is wrong
    return isinstance(raw, dict) and MARK in raw


def load(name: str, changes: list[str] | None = None) -> Grid:
    """Read a grid and change it; see :func:`graticule.training.recipe.load`.

    Raises:
        RecipeError: an unknown key or encoder, or a wrong value.
    """
    path = recipe_path(name)
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    for change in changes or ():
        apply_change(raw, change)
    try:
        return Grid.model_validate(raw)
    except ValidationError as error:
        raise RecipeError(first_words(str(path), error, model=Grid)) from error
