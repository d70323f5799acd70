"""How S4's networks become a place: f* down the partitionings, shares of scenes, points.

The same for a bundle and for networks that were just trained.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from graticule.belief import Belief, down_hierarchy, normalise
from graticule.cells.adaptive import S2Cells
from graticule.cells.partition import Partition
from graticule.systems.plan import FloatArray, IntArray, Rows, Trained
from graticule.systems.s2_report import Evidence
from graticule.systems.scene_routed import answering_shares, chosen_only

#: Photos decoded at a time where many are asked for: 13 k cells of three beliefs in some 100 MB.
CHUNK = 256


def routed_shares(
    scene_p: npt.ArrayLike, scenes: Sequence[str], answering: Sequence[str], routing: str
) -> FloatArray:
    """Weight of each answering network, (n, answering): one of them (hard), or all (soft)."""
    share = answering_shares(scene_p, scenes, answering)
    return chosen_only(share) if routing == "hard" else share


def ancestors(cells: Sequence[S2Cells]) -> list[IntArray]:
    """For each partition but the last, the ancestor in it of every cell of the last."""
    return [cells[-1].ancestors(coarser) for coarser in cells[:-1]]


def f_star(beliefs: Sequence[Belief[Partition]], over: Sequence[IntArray]) -> Belief[Partition]:
    """The finest of beliefs from coarse to fine, times its ancestors."""
    return down_hierarchy(beliefs[-1], list(zip(beliefs[:-1], over, strict=True)))


def decoded(
    network: Trained, cells: Sequence[S2Cells], decode: str, rows: IntArray
) -> Belief[Partition]:
    """What a trained network says of rows of the manifest, decoded as asked."""
    chosen = cells if decode == "f*" else [part for part in cells if part.name == decode]
    beliefs: list[Belief[Partition]] = [
        Belief.from_logits(part, network.log_p(part.name, rows)) for part in chosen
    ]
    return f_star(beliefs, ancestors(chosen))


class Trainees:
    """Trained networks as one system: what the bundle will say, before it is written."""

    def __init__(
        self,
        cells: Sequence[S2Cells],
        networks: Sequence[Trained],
        shares: FloatArray | None = None,
    ) -> None:
        """Take the networks.

        Args:
            cells: from coarse to fine.
            networks: one, or one for each answering scene.
            shares: float64 (rows of the manifest, networks), for several.
        """
        self.cells, self.networks, self.shares = list(cells), list(networks), shares

    def belief(self, decode: str, rows: IntArray) -> Belief[Partition]:
        """The belief of rows of the manifest, by one decoding: ``f*`` or a partitioning."""
        beliefs = [decoded(network, self.cells, decode, rows) for network in self.networks]
        if self.shares is None:
            return beliefs[0]
        share = self.shares[rows]
        total = sum(share[:, i, None] * part.p for i, part in enumerate(beliefs))
        return of_shares(beliefs[0].over, np.asarray(total, dtype=np.float64))

    def points(self, decode: str, rows: IntArray) -> FloatArray:
        """The mean of the photos of the likeliest cell, degrees (k, 2), in bounded memory."""
        found = [np.empty((0, 2))]
        for start in range(0, len(rows), CHUNK):
            belief = self.belief(decode, rows[start : start + CHUNK])
            found.append(belief.over.centers[belief.log_p.argmax(axis=1)])
        return np.concatenate(found)


def of_shares(cells: Partition, p: FloatArray) -> Belief[Partition]:
    """The belief of probabilities (n, cells)."""
    with np.errstate(divide="ignore"):
        return Belief(cells, normalise(np.log(p)))


def evidence(
    whole: Trainees, rows: Rows, scenes: npt.NDArray[np.str_], wanted: IntArray
) -> Evidence:
    """What the trained system says of rows with a place, by every decoding.

    Args:
        whole: the system.
        rows: the manifest.
        scenes: (n,) what its photos show, "" where nobody knows.
        wanted: its rows; those without a place are left out.
    """
    wanted = wanted[rows.located[wanted]]
    decodings = [*(part.name for part in whole.cells), "f*"]
    fine = whole.cells[-1]
    cell = fine.assign(rows.latlon[wanted]) if len(wanted) else np.empty(0, np.int64)
    return Evidence(
        wanted,
        rows.latlon[wanted],
        {decoding: whole.points(decoding, wanted) for decoding in decodings},
        scenes[wanted],
        np.where(cell >= 0, fine.counts[cell], 0),
    )
