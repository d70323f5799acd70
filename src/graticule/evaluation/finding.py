"""One kind of leak or defect among judged photos, and the photos that are left without them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]

#: What the finding of places written into files beside the pixels is called.
METADATA_PLACE = "place in metadata"
#: How many examples a finding shows.
EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """One kind of leak or defect.

    Attributes:
        kind: short name, e.g. ``"same photographer"``.
        rows: bool (n,), the test photos it concerns.
        examples: up to five, each "test photo ← training photo" or the photo and why.
        means: what it does to the headline, in words.
        leak: whether it is a leak from training, or a defect of the test itself.
        spoils: whether its photos are left out of the clean number; some defects spoil only the
            numbers of systems that could have used them.
    """

    kind: str
    rows: BoolArray
    examples: tuple[str, ...]
    means: str
    leak: bool
    spoils: bool = True

    @property
    def count(self) -> int:
        """How many test photos it concerns."""
        return int(self.rows.sum())


def leaked(
    kind: str, paths: Sequence[str], rows: BoolArray, twin: Callable[[int], str], means: str
) -> Finding:
    """A leak that puts a training photo beside each test photo.

    Args:
        kind: short name.
        paths: (n,) of the test photos.
        rows: bool (n,), those it concerns.
        twin: the training photo of a row, and what is to be said of the pair.
        means: what it does to the headline.
    """
    shown = np.flatnonzero(rows)[:EXAMPLES].tolist()
    return Finding(kind, rows, tuple(f"{paths[i]} ← {twin(i)}" for i in shown), means, leak=True)


def held_against(findings: Sequence[Finding], *, reads_files: bool) -> list[Finding]:
    """The findings, of which places in files spoil nothing for who never reads them."""
    return [
        replace(f, spoils=f.spoils and (reads_files or f.kind != METADATA_PLACE)) for f in findings
    ]


def clean_rows(findings: Sequence[Finding], n: int) -> BoolArray:
    """The test photos that no finding spoils, bool (n,)."""
    rows = np.ones(n, dtype=bool)
    for finding in findings:
        if finding.spoils:
            rows &= ~finding.rows
    return rows
