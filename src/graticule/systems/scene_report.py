"""S1's tables for any photos: the router by scene, countries by scene, hard, soft and oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

#: Rank of a country that the system does not know: right at no k.
UNKNOWN: Final = 1_000_000
#: What each way of answering is, in the order of the tables.
MODES: Final = {
    "hard": "the router's scene picks the classifier (the document)",
    "soft": "Σ p(scene) · p(country | scene)",
    "oracle": "the true scene picks the classifier, for photos whose scene is known",
    "hard, scene known": "hard on the photos of the oracle, to be compared with it",
    "soft, scene known": "soft on the photos of the oracle",
    "best": "the classifier that happens to be right, if any: a bound for any routing",
    "baseline": "one classifier for all photos, no scenes",
}


@dataclass(frozen=True)
class SceneEvidence:
    """What a scene-routed system said of n photos.

    Attributes:
        scenes: their names.
        scene_true: int64 (n,), −1 where unknown.
        scene_said: int64 (n,), the router's.
        ranks: by mode, int64 (n,): countries that were held likelier than the true one; −1 where
            the mode does not apply.
        source: (n,) collection of each photo, "" where unknown.
    """

    scenes: tuple[str, ...]
    scene_true: IntArray
    scene_said: IntArray
    ranks: Mapping[str, IntArray]
    source: npt.NDArray[np.str_]


def rank_of_truth(log_p: npt.NDArray[np.float32], truth: IntArray) -> IntArray:
    """How many cells were held likelier than the true one, int64 (n,); ties count half, up.

    A head that says the same of every cell must not be right by chance of order.
    """
    known = truth >= 0
    own = np.take_along_axis(log_p, np.maximum(truth, 0)[:, None], axis=1)
    above, level = (log_p > own).sum(axis=1), (log_p == own).sum(axis=1) - 1
    return np.where(known, above + (level + 1) // 2, UNKNOWN).astype(np.int64)


def pooled(parts: Sequence[SceneEvidence]) -> SceneEvidence:
    """The evidence of several folds as one."""
    first = parts[0]
    return SceneEvidence(
        first.scenes,
        np.concatenate([p.scene_true for p in parts]),
        np.concatenate([p.scene_said for p in parts]),
        {mode: np.concatenate([p.ranks[mode] for p in parts]) for mode in first.ranks},
        np.concatenate([p.source for p in parts]),
    )


def tables(evidence: SceneEvidence) -> dict[str, Any]:
    """All tables as plain numbers: shares from 0 to 1, with the number of photos beside them."""
    labelled = evidence.scene_true >= 0
    size = len(evidence.scenes)
    confusion = np.zeros((size, size), dtype=np.int64)
    np.add.at(confusion, (evidence.scene_true[labelled], evidence.scene_said[labelled]), 1)
    router = {
        scene: _share(confusion[i, i], confusion[i].sum())
        for i, scene in enumerate(evidence.scenes)
    }
    router["all"] = _share(int(np.trace(confusion)), int(confusion.sum()))
    countries: dict[str, Any] = {}
    for mode, ranks in evidence.ranks.items():
        asked = ranks >= 0
        rows = {"all": asked}
        rows |= {
            scene: asked & (evidence.scene_said == i) for i, scene in enumerate(evidence.scenes)
        }
        countries[mode] = {name: _accuracy(ranks[mask]) for name, mask in rows.items()}
        names = [name for name in np.unique(evidence.source[asked]) if name]
        if names:
            each = [ranks[asked & (evidence.source == name)] for name in names]
            countries[mode]["mean over sources"] = {
                "photos": len(names),
                "top1": float(np.mean([(r < 1).mean() for r in each])),
                "top5": float(np.mean([(r < 5).mean() for r in each])),
            }
    return {
        "scenes": list(evidence.scenes),
        "router": router,
        "confusion": confusion.tolist(),
        "countries": countries,
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The tables as Markdown."""
    scenes = found["scenes"]
    lines = [
        "Router, accuracy by true scene:",
        "",
        "| scene | accuracy | photos |",
        "|---|---|---|",
    ]
    for name, cell in found["router"].items():
        lines.append(f"| {name} | {_percent(cell['share'])} | {cell['photos']} |")
    lines += ["", "Router, true scene (rows) against predicted (columns), photos:", ""]
    lines += ["| | " + " | ".join(scenes) + " |", "|---" * (len(scenes) + 1) + "|"]
    for name, row in zip(scenes, found["confusion"], strict=True):
        lines.append(f"| {name} | " + " | ".join(str(n) for n in row) + " |")
    lines += ["", "Country, top-1 / top-5 by the router's scene:", ""]
    columns = ["all", "mean over sources", *scenes]
    lines += ["| answered by | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for mode in (m for m in MODES if m in found["countries"]):
        cells = []
        for column in columns:
            cell = found["countries"][mode].get(column)
            cells.append(
                f"{_percent(cell['top1'])} / {_percent(cell['top5'])} ({cell['photos']})"
                if cell and cell["photos"]
                else "–"
            )
        lines.append(f"| {mode} | " + " | ".join(cells) + " |")
    lines += [""] + [f"- {mode}: {MODES[mode]}." for mode in MODES if mode in found["countries"]]
    return "\n".join(lines) + "\n"


def _accuracy(ranks: IntArray) -> dict[str, Any]:
    if not len(ranks):
        return {"photos": 0, "top1": None, "top5": None}
    return {
        "photos": len(ranks),
        "top1": float((ranks < 1).mean()),
        "top5": float((ranks < 5).mean()),
    }


def _share(right: int, total: int) -> dict[str, Any]:
    return {"photos": int(total), "share": float(right / total) if total else None}


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
