"""Borders, names and attributes of a point, offline."""
