"""What a system's own part of a recipe may say, checked before anything runs.

A system declares its settings as a model ``Settings`` beside its ``plan``; recipes are checked
against it when they are read, and the plan reads the typed values.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from graticule.errors import RecipeError

#: A longer value is not repeated in a message.
_SHOWN = 60
_NUMBER, _WHOLE = "should be a number", "should be a whole number"
_BOOLEAN = "should be true or false"
#: What pydantic says of a value that is of another type, in our words.
_WORDS = {
    "missing": "is missing",
    "tuple_type": "should be a list",
    "string_type": "should be text, in quotes",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _BOOLEAN,
    "bool_parsing": _BOOLEAN,
}


class Part(BaseModel):
    """A table of keys, and of no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SystemSettings(Part):
    """Settings of a system that has none; each system's own derive from it.

    Attributes:
        NETWORKS: what a recipe's ``networks`` may change: the ``spec`` of the jobs of the plan.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any], where: str = "") -> Self:
        """As a recipe's ``settings`` say.

        Args:
            given: the table as it was read.
            where: the recipe, for messages.

        Raises:
            RecipeError: an unknown key (the nearest known is named), or a wrong value.
        """
        try:
            return cls.model_validate(dict(given))
        except ValidationError as error:
            raise RecipeError(first_words(where, error, cls, "settings.")) from error


def _country(code: str) -> str:
    from graticule.atlas.countries import column, country_codes

    known = country_codes()
    if not code or code in known:
        return code
    names = {
        str(name).casefold(): one for by in ("name", "alpha3") for one, name in column(by).items()
    }
    near = difflib.get_close_matches(code.casefold(), names, n=1, cutoff=0.8)
    meant = code.upper() if code.upper() in known else names[near[0]] if near else ""
    raise ValueError(
        f"use {meant}" if meant else "no country's code (ISO 3166-1 alpha-2, as IN or FR)"
    )


#: A country's code, or empty for the world.
Region = Annotated[str, AfterValidator(_country)]


def first_words(
    where: str, error: ValidationError, model: type[BaseModel], prefix: str = ""
) -> str:
    """What is wrong with a table, in one line; of several things one.

    A misspelt key goes first: another error may be that it is missing under its right name.

    Args:
        where: the file.
        error: of its validation.
        model: the table was checked against.
        prefix: of the keys, where the table is part of another.
    """
    found = error.errors(include_url=False)
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    unknown = first["type"] == "extra_forbidden"
    # A branch of a union, ``literal['head','all']``, is no key.
    keys = [str(part) for part in first["loc"] if unknown or "[" not in str(part)]
    place = f"{prefix}{'.'.join(keys)}".rstrip(".")
    head = f"{where}: " if where else ""
    if unknown:
        return f"{head}unknown key {place!r}; {nearest(keys[-1], _known(model, keys[:-1]))}"
    value = first["input"]
    # Of a whole table the message says which of its values are meant.
    plain = first["type"] != "missing" and not isinstance(value, (Mapping, BaseModel))
    shown = f" {value!r}" if place and plain and len(repr(value)) <= _SHOWN else ""
    said = _said(first, _known(model, keys))
    return f"{head}{place}{shown}: {said}" if place else f"{head}{said}"


def _said(error: Any, known: Sequence[str]) -> str:
    """What pydantic says of a value, in our words."""
    if error["type"] in _WORDS:
        return _WORDS[error["type"]]
    if error["type"] == "model_type":
        return f"is no table of keys; known are {', '.join(known)}"
    if error["type"] == "literal_error":
        allowed = str(error["ctx"]["expected"])
        near = difflib.get_close_matches(str(error["input"]), allowed.split("'")[1::2], n=1)
        return allowed.replace("'", "") + (f"; did you mean {near[0]!r}?" if near else "")
    message = str(error["msg"]).removeprefix("Value error, ")
    return message.replace("Input should", "should")


def nearest(key: str, known: Sequence[str]) -> str:
    """Which known key is meant, or all there are."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known are {', '.join(known)}" if known else "none is known"


def _known(part: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys of the part of a model that a path of keys leads to."""
    for key in path:
        found = part.model_fields.get(key)
        if found is None:
            continue  # a position in a list, or the branch of a union
        models = _models(found.annotation)
        if models:
            part = models[0]
    return list(part.model_fields)


def _models(kind: Any) -> list[type[BaseModel]]:
    """The models in a type: in its lists, tables and unions too."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for inner in typing.get_args(kind) for model in _models(inner)]
