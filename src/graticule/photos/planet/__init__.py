"""A synthetic planet: drawn pictures whose look depends on where they are, to test on.

Nothing is downloaded and nothing is left to luck: the same seed gives the same bytes on the same
versions of Pillow and NumPy. No accuracy on it says anything about photographs of the Earth.
"""

from graticule.photos.planet.build import make

__all__ = ["make"]
