"""What sources write into the column ``mark``, and "photo unavailable" cards, which show no place.

Cards, like burned-in text (:mod:`graticule.photos.sources.lettering`), are told by appearance, so
both can be wrong: the row is left in. ``results/marks.json`` has how often they are right on
pictures that we drew, and how often they cry on real photos.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

#: Values of the column ``mark``.
PLACEHOLDER: Final = "placeholder"
BURNED_IN: Final = "burned-in"

#: File names of the cards that Flickr redirects to when a photo has gone.
UNAVAILABLE_NAMES: Final = ("photo_unavailable", "image_unavailable", "photo_not_available")

_SIDE: Final = 128
#: Share of a card's height that its words keep to; those of a page of text run down all of it.
_WORDS: Final = 0.5


def is_unavailable_url(url: str) -> bool:
    """Whether an address, after redirects, is that of a card and not of a photo."""
    name = url.rpartition("/")[2].lower()
    return name.startswith(UNAVAILABLE_NAMES)


def looks_unavailable(image: Image) -> bool:
    """Whether a picture is a card: grey words on an even ground, or nothing at all.

    An even ground fills three quarters of it, the whole has no colour to speak of, and what is not
    ground keeps to the middle, where such cards have their words.
    """
    small = image.convert("RGB").resize((_SIDE, _SIDE), resample=0)
    pixels = np.asarray(small).astype(np.int16)
    chroma = pixels.max(axis=2) - pixels.min(axis=2)
    if float((chroma > 24).mean()) > 0.02:
        return False
    grey = pixels.mean(axis=2)
    counts = np.bincount(grey.astype(np.intp).ravel(), minlength=256)
    ground = int(counts.argmax())
    off = np.abs(grey - ground) > 6
    edge = np.concatenate(
        [off[:4].ravel(), off[-4:].ravel(), off[:, :4].ravel(), off[:, -4:].ravel()]
    )
    if float(off.mean()) >= 0.25 or float(edge.mean()) >= 0.02:
        return False
    # Grain of a scan and of a JPEG is everywhere and faint; words are in rows.
    rows = np.flatnonzero((np.abs(grey - ground) > 24).sum(axis=1) > 1)
    return not len(rows) or bool(rows[-1] - rows[0] < _WORDS * _SIDE)
