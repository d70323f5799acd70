"""Answers as table, JSON, CSV, GeoJSON, KML, XMP sidecar, HTML map."""
