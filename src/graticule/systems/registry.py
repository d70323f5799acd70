"""Which systems there are: one line here and one file beside it make a new one."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from graticule.errors import BundleError

if TYPE_CHECKING:
    from graticule.systems.system import System

#: The key in ``system.json`` → "module:class".
SYSTEMS: dict[str, str] = {
    "default": "graticule.systems.default:Default",
    "scene_routed": "graticule.systems.scene_routed:SceneRouted",
    "ten_cities": "graticule.systems.ten_cities:TenCities",
    "multitask_s2": "graticule.systems.multitask_s2:MultitaskS2",
    "hybrid": "graticule.systems.hybrid:Hybrid",
    "semantic_cells": "graticule.systems.semantic_cells:SemanticCells",
    "geoclip": "graticule.systems.geoclip:GeoClip",
}


def load_system(path: str | Path) -> System:
    """Open a bundle folder and return the system that runs it.

    Raises:
        BundleError: the folder is no bundle, or names a system this version does not have.
    """
    from graticule.systems.bundle import Bundle

    bundle = Bundle(path)
    target = SYSTEMS.get(bundle.manifest.system)
    if target is None:
        raise BundleError(
            f"{bundle.path}: no system {bundle.manifest.system!r} in this version "
            f"(there are {', '.join(SYSTEMS)})"
        )
    module, name = target.split(":")
    system: System = getattr(importlib.import_module(module), name)(bundle)
    return system
