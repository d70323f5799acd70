"""S3's tables for any photos: accuracy a city, confusion, the city that swallows, elsewhere.

Photos of a city on the list that no training photo shows, and photos whose city nobody knows, are
counted and not judged: neither can be right or wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class CityEvidence:
    """What a system said of the n photos that can be judged.

    Attributes:
        true: (n,) city ids, "" for a photo known to show none of them.
        said: (n,) city ids.
        probability: float64 (n,) of the city said.
        gain: float64 (n,) nats over the prior, what abstention goes by.
        answered: bool (n,) whether the calibrated threshold lets it answer.
        rows: int64 (n,) of the manifest.
        never_shown: photos not among the n, by city: on the list, but in no training photo.
        unknown: how many more were left out because nobody knows their city.
    """

    true: npt.NDArray[np.str_]
    said: npt.NDArray[np.str_]
    probability: npt.NDArray[np.float64]
    gain: npt.NDArray[np.float64]
    answered: npt.NDArray[np.bool_]
    rows: npt.NDArray[np.int64]
    never_shown: Mapping[str, int] = field(default_factory=dict)
    unknown: int = 0


def pooled(parts: Sequence[CityEvidence]) -> CityEvidence:
    """The evidence of several folds as one."""
    never = Counter[str]()
    for part in parts:
        never.update(part.never_shown)
    return CityEvidence(
        np.concatenate([part.true for part in parts]),
        np.concatenate([part.said for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate([part.gain for part in parts]),
        np.concatenate([part.answered for part in parts]),
        np.concatenate([part.rows for part in parts]),
        dict(never),
        sum(part.unknown for part in parts),
    )


def tables(evidence: CityEvidence) -> dict[str, Any]:
    """All tables as plain numbers."""
    inside = evidence.true != ""
    true, said = evidence.true[inside], evidence.said[inside]
    cities = sorted({*true.tolist(), *said.tolist()})
    place = {name: i for i, name in enumerate(cities)}
    confusion = np.zeros((len(cities), len(cities)), dtype=np.int64)
    at = [np.array([place[name] for name in names], dtype=np.int64) for names in (true, said)]
    np.add.at(confusion, tuple(at), 1)
    right = np.diag(confusion)
    photos = confusion.sum(axis=1)
    wrong = confusion.sum(axis=0) - right
    each = {
        name: {
            "photos": int(photos[i]),
            "accuracy": float(right[i] / photos[i]) if photos[i] else None,
            "wrongly_said": int(wrong[i]),
        }
        for i, name in enumerate(cities)
    }
    swallows = cities[int(wrong.argmax())] if wrong.sum() else None
    out: dict[str, Any] = {
        "photos": len(true),
        "accuracy": float((true == said).mean()) if len(true) else None,
        "mean_of_cities": float(np.mean([c["accuracy"] for c in each.values() if c["photos"]]))
        if len(true)
        else None,
        "cities": each,
        "confusion": confusion.tolist(),
        "swallows": swallows,
        "swallowed_share_of_errors": float(wrong.max() / wrong.sum()) if wrong.sum() else None,
        "never_shown": dict(sorted(evidence.never_shown.items())),
        "city_unknown": evidence.unknown,
    }
    if inside.any() and not inside.all():
        out["elsewhere"] = elsewhere(evidence)
    return out


def elsewhere(evidence: CityEvidence) -> dict[str, Any]:
    """How well abstention tells photos of the cities from photos of none of them."""
    inside = evidence.true != ""
    known, other = evidence.gain[inside], evidence.gain[~inside]
    order = np.argsort(np.concatenate([known, other]), kind="stable")
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    auc = (ranks[: len(known)].sum() - len(known) * (len(known) + 1) / 2) / (
        len(known) * len(other)
    )
    answered = evidence.answered[inside]
    right = (evidence.true == evidence.said)[inside]
    return {
        "photos_of_other_cities": len(other),
        "others_called_elsewhere": float((~evidence.answered[~inside]).mean()),
        "own_called_elsewhere": float((~answered).mean()),
        "accuracy_where_answered": float(right[answered].mean()) if answered.any() else None,
        "auroc": float(auc),
    }


def markdown(found: Mapping[str, Any]) -> str:
    """The tables as Markdown."""
    lines = [
        f"Accuracy {_percent(found['accuracy'])} on {found['photos']} photos; mean of cities "
        f"{_percent(found['mean_of_cities'])}.",
        "",
        "| city | accuracy | photos | wrongly said |",
        "|---|---|---|---|",
    ]
    for name, city in found["cities"].items():
        lines.append(
            f"| {name} | {_percent(city['accuracy'])} | {city['photos']} | {city['wrongly_said']} |"
        )
    if found["swallows"]:
        lines += [
            "",
            f"{found['swallows']} swallows most: {_percent(found['swallowed_share_of_errors'])} of "
            "all wrong answers say it.",
        ]
    if "elsewhere" in found:
        other = found["elsewhere"]
        lines += [
            "",
            f"Elsewhere: of {other['photos_of_other_cities']} photos of other places "
            f"{_percent(other['others_called_elsewhere'])} are called elsewhere, and "
            f"{_percent(other['own_called_elsewhere'])} of the cities' own; where it answers, "
            f"{_percent(other['accuracy_where_answered'])} are right (AUROC {other['auroc']:.2f}).",
        ]
    if found.get("never_shown"):
        names = ", ".join(f"{name} ({n})" for name, n in found["never_shown"].items())
        lines += ["", f"Not judged, for no training photo shows the city: {names}."]
    if found.get("city_unknown"):
        lines += ["", f"Not judged, for nobody knows their city: {found['city_unknown']} photos."]
    return "\n".join(lines) + "\n"


def beside(splits: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures of several splits of the same photos, and the points between them, as Markdown.

    Args:
        splits: by the split's name, :func:`tables` with ``rows``, the side that was judged. Points
            are those of each further split above the first.
    """
    first, *others = splits
    every = {name: found["cities"] for name, found in splits.items()}
    lines: dict[str, list[tuple[float | None, int]]] = {
        "all photos": [(found["accuracy"], found["photos"]) for found in splits.values()],
        "mean of cities": [(found["mean_of_cities"], found["photos"]) for found in splits.values()],
    }
    none = {"accuracy": None, "photos": 0}
    for city in sorted({city for cities in every.values() for city in cities}):
        cells = [cities.get(city, none) for cities in every.values()]
        lines[city] = [(cell["accuracy"], cell["photos"]) for cell in cells]
    head = [*(f"{name} (photos)" for name in splits), *(f"{n} − {first}" for n in others)]
    out = ["| accuracy | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for name, cells in lines.items():
        base = cells[0][0]
        gaps = [
            "–" if base is None or share is None else f"{100 * (share - base):+.1f} points"
            for share, _ in cells[1:]
        ]
        said = [f"{_percent(share)} ({photos})" for share, photos in cells]
        out.append(f"| {name} | " + " | ".join([*said, *gaps]) + " |")
    judged = {name: found["rows"] for name, found in splits.items()}
    if set(judged.values()) != {"test"}:
        sides = ", ".join(f"{name} on its {rows} photos" for name, rows in judged.items())
        out += ["", f"Judged: {sides}; validation photos chose the best epoch and flatter."]
    return "\n".join(out) + "\n"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"
