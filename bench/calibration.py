"""Do radii and sets hold on sources nobody saw? results/calibration.{json,md}.

Linear heads over countries on MobileNetV2's vectors (the feature cache of ../shared), trained on
four folds of sources and asked on the fifth. Levels are fitted on the answers of the other folds,
so that a judged source was neither trained nor calibrated on. Beside that, the same photos in folds
drawn at random: what a careless evaluation would claim.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

from common.real_photos import FEATURES, FOLDS, RESULTS, SHARED, Photos, machine, need_shared
from graticule import calibration, conformal, files, sphere
from graticule.belief import Belief
from graticule.calibration import LEVELS
from graticule.cells.countries import countries
from graticule.cells.partition import Partition
from graticule.novelty import Novelty

EPOCHS, BATCH, RATE, DECAY = 12, 256, 1e-3, 0.05
POINT_KM = 250.0


def main() -> None:
    """Train, ask, fit, judge and write."""
    need_shared()
    began = time.monotonic()
    photos = Photos()
    codes = photos.columns["country"]
    usable = codes != ""
    vectors = _vectors(photos)
    result: dict[str, Any] = {
        "photos": int((usable & (photos.fold >= 0)).sum()),
        "with_coordinates": int((usable & (photos.fold >= 0) & _located(photos)).sum()),
        "claim_places": conformal.CLAIM_PLACES,
        "machine": machine(),
        "splits": {},
    }
    splits = {
        "sources apart": np.where(usable, photos.fold, -1),
        "random folds": photos.random_folds(usable & (photos.fold >= 0), 0),
    }
    for name, fold in splits.items():
        result["splits"][name] = judge(photos, vectors, usable, fold)
        result["seconds"] = round(time.monotonic() - began)
        files.write_json(RESULTS / "calibration.json", result)
        with files.atomic(RESULTS / "calibration.md") as handle:
            handle.write(_markdown(result))


def _vectors(photos: Photos) -> np.ndarray:
    from graticule.encoders import frozen
    from graticule.encoders.spec import EncoderSpec

    weights = SHARED / "weights" / "mobilenetv2_imagenet.safetensors"
    spec = EncoderSpec.model_validate({"name": "mobilenetv2", "weights": str(weights)})
    encoder = frozen.open_encoder(spec, download=False, device="cpu")
    return encoder.vectors(photos.files, FEATURES).astype(np.float32)


def _located(photos: Photos) -> np.ndarray:
    return np.isfinite(photos.manifest.latlon).all(axis=1)


def places_of(photos: Photos) -> np.ndarray:
    """What counts as one independent place: a landmark, city or spot of one source."""
    latlon, columns = photos.manifest.latlon, photos.columns
    spot = np.array([str(np.round(p, 1).tolist()) if np.isfinite(p).all() else "" for p in latlon])
    own = np.char.add("#", np.arange(len(spot)).astype(str))
    name = np.select(
        [columns["landmark"] != "", columns["city"] != "", spot != "", columns["group"] != ""],
        [columns["landmark"], columns["city"], spot, columns["group"]],
        own,
    )
    return np.char.add(np.char.add(photos.folder, "|"), name)


def learn(vectors: np.ndarray, cells: np.ndarray, n: int, asked: np.ndarray) -> np.ndarray:
    """Log-weights of a linear head on standardised vectors, each country weighing by √photos."""
    import torch

    torch.manual_seed(0)
    middle, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-3
    x = torch.from_numpy((vectors - middle) / spread)
    y = torch.from_numpy(cells)
    count = torch.bincount(y, minlength=n).clamp(min=1).float()
    head = torch.nn.Linear(x.shape[1], n)
    steps = EPOCHS * (len(x) // BATCH)
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    weight = (1 / count.sqrt())[y]
    for _ in range(steps):
        rows = torch.multinomial(weight, BATCH, replacement=True)
        loss = torch.nn.functional.cross_entropy(head(x[rows]), y[rows], label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.inference_mode():
        return head(torch.from_numpy((asked - middle) / spread)).numpy()


def judge(
    photos: Photos, vectors: np.ndarray, usable: np.ndarray, fold: np.ndarray
) -> dict[str, Any]:
    """One split: coverage of radii and of sets of countries, as fitted and widened."""
    codes, latlon = photos.columns["country"], photos.manifest.latlon
    ids = sorted(set(codes[usable].tolist()))
    cells: Partition = countries(ids)
    asked = usable & (fold >= 0)
    logits = np.zeros((len(codes), len(cells)), dtype=np.float32)
    truth = np.full(len(codes), -1)
    novelty, limit = np.zeros(len(codes)), np.zeros(len(codes))
    for k in range(FOLDS):
        mine, train = asked & (fold == k), usable & (fold != k)
        known = np.unique(codes[train])
        target = cells.index(codes)
        logits[mine] = learn(vectors[train], target[train], len(cells), vectors[mine])
        # A country that training did not see has no say, and cannot be told.
        logits[np.ix_(mine, ~np.isin(cells.ids, known))] = -60.0
        truth[mine] = np.where(np.isin(codes[mine], known), target[mine], -1)
        novelty[mine] = Novelty.fit(vectors[train]).score(vectors[mine])
        limit[mine] = conformal.alike_limit(vectors[train])
    novel = novelty > limit
    place = places_of(photos)
    found: dict[str, Any] = {}
    located = asked & _located(photos)
    for what, rows in (("sets of countries", asked), ("radii", located)):
        inside = {how: np.zeros((len(codes), len(LEVELS)), bool) for how in ("plain", "widened")}
        size = {how: np.zeros((len(codes), len(LEVELS))) for how in inside}
        for k in range(FOLDS):
            mine, others = rows & (fold == k), rows & (fold != k)
            if not mine.any() or not others.any():
                continue
            # The temperature too is of the other folds alone.
            heat = calibration.fit_temperature(logits[others], truth[others])
            score, of = _scores(what, cells, logits, truth, latlon, heat, mine | others)
            spot = np.cumsum(mine | others) - 1
            plain = calibration.quantiles(score[spot[others]], place[others])
            wide = conformal.widened(score[spot[others]], place[others], novel[others], plain)
            for j, level in enumerate(LEVELS):
                mass = np.where(novel[mine], wide[level], plain[level])
                for how, given in (("plain", np.full(mass.shape, plain[level])), ("widened", mass)):
                    inside[how][mine, j] = score[spot[mine]] <= given
                    size[how][mine, j] = of(spot[mine], given)
        found[what] = _table(photos, rows, place, novel, novelty, inside, size)
    return found


def _scores(what, cells, logits, truth, latlon, heat, rows):
    """Scores of rows, and how large the set or radius of some of them is at a mass."""
    belief = Belief.from_logits(cells, logits[rows], heat)
    if what == "radii":
        points = calibration.pick_points(belief, POINT_KM)
        km = sphere.haversine(points, latlon[rows])
        score = calibration.mass_within(belief, points, km)

        def radius(some: np.ndarray, mass: np.ndarray) -> np.ndarray:
            return calibration.radii_holding(belief[some], points[some], mass[:, None])[:, 0]

        return score, radius
    return conformal.mass_before(belief, truth[rows]), lambda some, mass: conformal.set_sizes(
        belief[some], mass
    )


def _table(photos, rows, place, novel, novelty, inside, size) -> dict[str, Any]:
    """Coverage in percent and median size, each source and all, by photo, place and source."""
    source = photos.columns["source"]

    def measured(mine: np.ndarray, weight: np.ndarray | None = None) -> dict[str, Any]:
        return {
            how: {
                str(level): {
                    "coverage": round(100 * float(np.average(found[mine, j], weights=weight)), 1),
                    "median_size": round(float(np.median(size[how][mine, j])), 1),
                }
                for j, level in enumerate(LEVELS)
            }
            for how, found in inside.items()
        }

    each = {}
    for name in np.unique(source[rows]):
        mine = rows & (source == name)
        each[str(name)] = {
            "photos": int(mine.sum()),
            "places": len(np.unique(place[mine])),
            "unlike": round(100 * float(novel[mine].mean()), 1),
            "median_novelty": round(float(np.median(novelty[mine])), 2),
            **measured(mine),
        }
    groups = {"photos": None, "places": place[rows], "sources": source[rows]}
    whole = {}
    for by, labels in groups.items():
        weight = None
        if labels is not None:
            _, index, count = np.unique(labels, return_inverse=True, return_counts=True)
            weight = 1 / count[index]
        whole[by] = measured(rows, weight)
    gaps = {
        how: max(abs(whole["places"][how][str(k)]["coverage"] - k) for k in LEVELS)
        for how in inside
    }
    return {
        "photos": int(rows.sum()),
        "places": len(np.unique(place[rows])),
        "sources": each,
        "all": whole,
        "largest_gap_points": {how: round(gap, 1) for how, gap in gaps.items()},
        "unlike": _novel_alone(inside, novel, rows),
    }


def _novel_alone(inside, novel, rows) -> dict[str, Any]:
    """The coverage of photos told to be unlike, and of the others."""
    return {
        name: {
            "photos": int(mine.sum()),
            **{
                how: {
                    str(level): round(100 * float(found[mine, j].mean()), 1)
                    for j, level in enumerate(LEVELS)
                }
                for how, found in inside.items()
            },
        }
        for name, mine in (("unlike", rows & novel), ("alike", rows & ~novel))
        if mine.any()
    }


def _markdown(result: dict[str, Any]) -> str:
    lines = [
        "# Calibration on sources nobody saw",
        "",
        "Made by `bench/calibration.py`. Linear heads over countries on MobileNetV2's vectors, "
        f"{result['photos']} photos with a country, {result['with_coordinates']} of them with "
        "coordinates. Levels, temperature and the novelty that widens are fitted on the other "
        "folds. Photos with a country and no coordinates judge the sets of countries alone. "
        "Measured coverage in percent, and the median size in brackets (countries of a set, km of "
        "a radius). A country that training did not see cannot be in any set: it is a miss. A "
        "photo with no landmark, city, coordinates or group counts as a place of its own. Such "
        "weak heads make large sets: what is tested here is that they hold, not that they are "
        "small.",
        "",
        f"Coverage may be claimed where {result['claim_places']} independent places stand behind "
        "it.",
    ]
    for split, parts in result["splits"].items():
        for what, found in parts.items():
            enough = found["places"] >= result["claim_places"]
            gap = found["largest_gap_points"]
            lines += [
                "",
                f"## {what.capitalize()}, {split}",
                "",
                f"{found['photos']} photos at {found['places']} places "
                f"({'enough' if enough else 'too few'} to claim). Largest gap to what is "
                f"promised, places weighing as one: {gap['plain']} points, {gap['widened']} "
                "widened.",
                "",
                "| | photos | places | unlike, % | "
                + " | ".join(f"{level} % | widened" for level in LEVELS)
                + " |",
                "|---|---:|---:|---:|" + "---:|---:|" * len(LEVELS),
            ]
            for name, row in found["sources"].items():
                lines.append(
                    f"| {name} | {row['photos']} | {row['places']} | {row['unlike']} | "
                    + _cells(row)
                )
            for by, row in found["all"].items():
                lines.append(f"| **all, by {by}** | | | | " + _cells(row))
            for name, row in found["unlike"].items():
                lines.append(
                    f"| **{name}** | {row['photos']} | | | "
                    + " | ".join(
                        f"{row['plain'][str(level)]} | {row['widened'][str(level)]}"
                        for level in LEVELS
                    )
                    + " |"
                )
    lines += ["", f"{result['machine']}; {result['seconds']} s."]
    return "\n".join(lines) + "\n"


def _cells(row: dict[str, Any]) -> str:
    return (
        " | ".join(
            f"{row[how][str(level)]['coverage']} ({row[how][str(level)]['median_size']:,.0f})"
            for level in LEVELS
            for how in ("plain", "widened")
        )
        + " |"
    )


if __name__ == "__main__":
    if "--page" in sys.argv:  # write the page again from the figures
        with files.atomic(RESULTS / "calibration.md") as page:
            page.write(_markdown(files.read_json(RESULTS / "calibration.json")))
    else:
        main()
