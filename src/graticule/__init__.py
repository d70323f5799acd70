"""graticule: where on Earth was this photo taken, and how sure can we be?"""

from __future__ import annotations

from graticule.version import __version__

__all__ = ["__version__"]
