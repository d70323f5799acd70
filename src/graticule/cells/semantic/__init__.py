"""Semantic geocells (PIGEON; S2): units merged where photos are few, split where they are many."""

from graticule.cells.semantic.build import PRESETS, Semantic, Settings, semantic
from graticule.cells.semantic.report import Report

__all__ = ["PRESETS", "Report", "Semantic", "Settings", "semantic"]
