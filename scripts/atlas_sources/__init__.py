"""Where the atlas comes from, one file a source; run by ``scripts/build_atlas.py``."""
