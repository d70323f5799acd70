"""Answers as table, JSON, CSV, GeoJSON, KML, XMP sidecar, HTML map.

One file a format; :mod:`graticule.output.formats` opens the right writer by name.
"""

from __future__ import annotations

from graticule.output.formats import FORMATS, Format, Writer, pick_format, write, writer

__all__ = ["FORMATS", "Format", "Writer", "pick_format", "write", "writer"]
