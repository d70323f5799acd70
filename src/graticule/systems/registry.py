"""Which systems there are: one line here and one file beside it make a new one."""

from __future__ import annotations

import difflib
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graticule.errors import BundleError, RecipeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from graticule.systems.plan import Plan
    from graticule.systems.settings import SystemSettings
    from graticule.systems.system import System

#: The key in ``system.json`` → "module:class".
SYSTEMS: dict[str, str] = {
    "default": "graticule.systems.default:Default",
    "scene_routed": "graticule.systems.scene_routed:SceneRouted",
    "ten_cities": "graticule.systems.ten_cities:TenCities",
    "multitask_s2": "graticule.systems.multitask_s2:MultitaskS2",
    "scenes": "graticule.systems.scene_labels:SceneLabels",
    "hybrid": "graticule.systems.hybrid:Hybrid",
    "semantic_cells": "graticule.systems.semantic_cells:SemanticCells",
    "geoclip": "graticule.systems.geoclip:GeoClip",
    "zero_shot": "graticule.systems.zero_shot:ZeroShot",
}


#: Systems that compare photos with points, which a user may give.
WITH_GALLERY = ("geoclip",)


def load_system(
    path: str | Path, gallery: str | Path | None = None, *, zero_shot: bool = False
) -> System:
    """Open a bundle folder and return the system that runs it.

    Args:
        path: the folder.
        gallery: points of the user's in place of the bundle's own.
        zero_shot: answer by captions, whatever else the bundle can do.

    Raises:
        BundleError: the folder is no bundle, names a system this version does not have, takes no
            gallery and is given one, or cannot read captions and should.
        PartitionError: the gallery's file is none.
    """
    from graticule.systems.bundle import Bundle

    bundle = Bundle(path)
    if zero_shot:
        if gallery is not None:
            raise BundleError("--zero-shot compares photos with captions: it takes no --gallery")
        from graticule.systems.zero_shot import ZeroShot

        return ZeroShot(bundle)
    target = SYSTEMS.get(bundle.manifest.system)
    if target is None:
        raise BundleError(
            f"{bundle.path}: no system {bundle.manifest.system!r} in this version "
            f"(there are {', '.join(SYSTEMS)})"
        )
    if gallery is not None and bundle.manifest.system not in WITH_GALLERY:
        raise BundleError(
            f"{bundle.manifest.name}: has no gallery that --gallery could take the place of; "
            "it goes with --model geoclip"
        )
    module, name = target.split(":")
    kind = getattr(importlib.import_module(module), name)
    system: System = kind(bundle) if gallery is None else kind(bundle, gallery)
    return _with_taught(system)


def _with_taught(system: System) -> System:
    """The system with the places that its bundle was taught, if it was."""
    from graticule.refine.taught import Taught
    from graticule.systems.taught import TaughtSystem, taught_file

    file = taught_file(system.bundle)
    if file is None:
        return system
    return TaughtSystem(system, Taught.load(system.bundle.file(file)))


def find_plan(system: str) -> Callable[..., Plan]:
    """How a system is trained: the function ``plan`` of its file.

    Raises:
        RecipeError: there is no such system, or it is not trained by recipes.
    """
    found: Callable[..., Plan] = _trained(system).plan
    return found


def find_settings(system: str) -> type[SystemSettings]:
    """What a recipe may say of a system: the model ``Settings`` beside its plan.

    Raises:
        RecipeError: there is no such system, or it is not trained by recipes.
    """
    found: type[SystemSettings] = _trained(system).Settings
    return found


def _trained(system: str) -> Any:
    """The file of a system that recipes train."""
    if system not in SYSTEMS:
        near = difflib.get_close_matches(system, SYSTEMS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(SYSTEMS)}"
        raise RecipeError(f"no system {system!r}; {hint}")
    module = importlib.import_module(SYSTEMS[system].split(":")[0])
    if not hasattr(module, "plan"):
        raise RecipeError(f"system {system!r} has no plan: recipes cannot train it")
    return module
