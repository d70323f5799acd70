"""Every way to cut up the Earth: countries, cities, S2, semantic, nested, gallery."""
