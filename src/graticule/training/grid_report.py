"""The tables of a grid: photos by place, and every row's scores on the same photos (S5's three)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from graticule import metrics, sphere
from graticule.cells.boundaries import of_atlas
from graticule.cells.regions import regions
from graticule.systems.plan import Outcome, Rows, country_codes

if TYPE_CHECKING:
    from graticule.training.trainer import Result

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

#: S5's: region, country, continent.
THRESHOLDS_KM = (200.0, 750.0, 2500.0)
#: Lines of the tables of photos.
_LONGEST = 10


@dataclass(frozen=True)
class Evidence:
    """What a row said of n photos.

    Attributes:
        rank: (n,) of the photo's own division, −1 where that is unknown.
        country_rank: (n,) of its country, the divisions of a country added up; −1 where unknown.
        km: (n,) from its point to the photo, NaN where the photo has no place.
    """

    rank: IntArray
    country_rank: IntArray
    km: FloatArray


def pooled(parts: Sequence[Evidence]) -> Evidence:
    """The evidence of several folds as one."""
    names = ("rank", "country_rank", "km")
    return Evidence(*(np.concatenate([getattr(part, n) for part in parts]) for n in names))


def judged(rows: Rows) -> tuple[str, IntArray]:
    """The test rows, or the validation rows where there are none; and which of the two."""
    if rows.test.any():
        return "test", np.flatnonzero(rows.test)
    return "validation", np.flatnonzero(rows.validation)


def evidence(outcome: Outcome, rows: Rows, wanted: IntArray) -> Evidence:
    """Judge a trained row on rows of the manifest."""
    assert outcome.log_p is not None
    assert outcome.target is not None
    partition = outcome.partitions[outcome.point_task]
    log_p = outcome.log_p(wanted)
    known = known_labels(rows, outcome)[wanted]
    codes = country_codes(rows)
    names, share = _countries(rows, codes, outcome.target, len(partition))
    by_country = np.exp(log_p) @ share
    truth = np.full(len(wanted), -1)
    place = np.searchsorted(names, codes[wanted])
    inside = (place < len(names)) & (names[np.minimum(place, len(names) - 1)] == codes[wanted])
    truth[inside] = place[inside]
    km = np.full(len(wanted), np.nan)
    located = rows.located[wanted]
    best = partition.centers[log_p.argmax(axis=1)]
    km[located] = sphere.haversine(best[located], rows.latlon[wanted[located]])
    return Evidence(
        np.where(known, metrics.ranks(log_p, outcome.target[wanted]), -1),
        np.where(codes[wanted] != "", metrics.ranks(by_country, truth), -1),
        km,
    )


def known_labels(rows: Rows, outcome: Outcome) -> npt.NDArray[np.bool_]:
    """Rows whose division could be known: a place, or a label of their own."""
    assert outcome.target is not None
    if outcome.point_task == "countries":
        return np.asarray(country_codes(rows) != "")
    return np.asarray(rows.located | (outcome.target >= 0))


def _countries(
    rows: Rows, codes: npt.NDArray[np.str_], target: IntArray, cells: int
) -> tuple[npt.NDArray[np.str_], FloatArray]:
    """Countries of the training photos, and the share of each cell's photos in each of them."""
    learned = rows.train & (target >= 0) & (codes != "")
    names, number = np.unique(codes[learned], return_inverse=True)
    share = np.zeros((cells, len(names)))
    np.add.at(share, (target[learned], number), 1.0)
    return names, share / np.maximum(share.sum(axis=1, keepdims=True), 1.0)


def scores(found: Evidence) -> dict[str, Any]:
    """Accuracy, top-5, top-10 of divisions and of countries; mean km and shares within."""
    out: dict[str, Any] = {}
    for name, rank in (("", found.rank), ("country_", found.country_rank)):
        some = rank[rank > 0]
        for k in (1, 5, 10):
            out[f"{name}top{k}"] = round(metrics.top_k(some, k), 1) if len(some) else None
        out[f"{name}photos"] = len(some)
    km = found.km[np.isfinite(found.km)]
    out["photos_with_coordinates"] = len(km)
    out["mean_km"] = round(float(km.mean())) if len(km) else None
    out["within_200_750_2500"] = (
        metrics.within(km, THRESHOLDS_KM).round(1).tolist() if len(km) else None
    )
    return out


def epochs(results: Sequence[Result]) -> dict[str, list[int]]:
    """Of each network: the epoch it kept, the last it learned in, and how many it was allowed."""
    return {
        "best_epoch": [result.progress.best_epoch + 1 for result in results],
        "last_epoch": [result.progress.total for result in results],
        "epochs_allowed": [_allowed(result) for result in results],
    }


def _allowed(result: Result) -> int:
    """How many epochs it would have learned, had patience not ended its last phase."""
    phases, done = result.spec.phases, result.progress
    here = sum(row.get("phase") == len(phases) - 1 for row in done.history)
    return done.total - here + phases[-1].epochs


def counts(rows: Rows) -> dict[str, dict[str, int]]:
    """Photos by country, and by sub-division (ISO 3166-2) where they have coordinates."""
    codes = country_codes(rows)
    used = rows.train | rows.validation | rows.test
    by_country = _table(codes[used & (codes != "")])
    places = rows.latlon[used & rows.located]
    by_region: dict[str, int] = {}
    if len(places):
        units = regions(places, of_atlas("regions"))
        own = units.assign(places)
        by_region = _table(np.array(units.ids)[own[own >= 0]])
    return {"countries": by_country, "sub_divisions": by_region}


def _table(values: npt.NDArray[np.str_]) -> dict[str, int]:
    names, number = np.unique(values, return_counts=True)
    order = np.argsort(-number, kind="stable")
    return {str(names[i]): int(number[i]) for i in order}


def markdown(report: Mapping[str, Any], where: str) -> str:
    """The tables to read."""
    lines = [f"# {report['grid']}, on the {report['judged_on']} photos of {where}", ""]
    if report["judged_on"] == "validation":
        lines += ["These photos also chose the best epoch: the figures flatter.", ""]
    return "\n".join([*lines, *photo_table(report), "", *score_table(report["rows"])]) + "\n"


def photo_table(report: Mapping[str, Any]) -> list[str]:
    """S5's first table: photos per country and per sub-division, the most frequent first."""
    countries, units = report["countries"], report["sub_divisions"]
    lines = ["| country | photos | sub-division | photos |", "|---|---:|---|---:|"]
    left, right = list(countries.items()), list(units.items())
    for i in range(min(_LONGEST, max(len(left), len(right)))):
        cells = [
            *(left[i] if i < len(left) else ("", "")),
            *(right[i] if i < len(right) else ("", "")),
        ]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    lines.append(
        f"| {len(left)} countries | {sum(countries.values())} | {len(right)} sub-divisions "
        f"| {sum(units.values())} |"
    )
    return lines


def score_table(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """S5's second and third: accuracy, top-5, top-10, mean distance; and shares within."""
    lines = [
        "| head, features | accuracy | top-5 | top-10 | country top-1 | top-5 | mean km "
        "| 200 km | 750 km | 2500 km | best / last epoch | s |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|",
    ]
    failed = {name: found["failed"] for name, found in rows.items() if "failed" in found}
    for name, found in rows.items():
        if name in failed:
            lines.append(f"| {name} | " + "– | " * 9 + f"failed | {found['seconds']:.1f} |")
            continue
        near = found["within_200_750_2500"] or [None] * 3
        values = [found[k] for k in ("top1", "top5", "top10", "country_top1", "country_top5")]
        words = [_word(value) for value in (*values, found["mean_km"], *near)]
        words += [_epochs(found), _word(found["seconds"])]
        lines.append(f"| {name} | " + " | ".join(words) + " |")
    if any("*" in _epochs(found) for found in rows.values()):
        lines += ["", "\\* learned for as many epochs as it was allowed, and might have gone on."]
    lines += [line for name, why in failed.items() for line in ("", f"{name}: {why}")]
    return lines


def _word(value: float | None) -> str:
    return "–" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.1f}"


def _epochs(found: Mapping[str, Any]) -> str:
    """The best and the last epoch of each network, marked where it was stopped by their number."""
    three = (found.get(key, ()) for key in ("best_epoch", "last_epoch", "epochs_allowed"))
    return ", ".join(
        f"{best} / {last}{'*' if last >= allowed else ''}"
        for best, last, allowed in zip(*three, strict=True)
    )
