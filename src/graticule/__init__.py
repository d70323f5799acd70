"""graticule: where on Earth was this photo taken, and how sure can we be?

import graticule
answers = graticule.load().locate(images=["a.jpg"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graticule.version import __version__

if TYPE_CHECKING:
    from graticule.answer import Answer
    from graticule.locate.locator import Answers, Locator, load

__all__ = ["Answer", "Answers", "Locator", "__version__", "load"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: `graticule --help` needs none of it.
    if name in {"Answers", "Locator", "load"}:
        from graticule.locate import locator

        return getattr(locator, name)
    if name == "Answer":
        from graticule.answer import Answer

        return Answer
    raise AttributeError(f"module 'graticule' has no attribute {name!r}")
