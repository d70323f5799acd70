"""Maps, charts and contact sheets, offline."""
