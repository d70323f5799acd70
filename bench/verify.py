"""How well `graticule verify` tells true claims from false ones, on sources mini never saw.

    python bench/verify.py

Needs ../shared/photos. Each fold of sources is spoken of by heads that did not see it, and judged
by a temperature, a prior, a reach and limits fitted on the other four. False claims are the true
places moved by 25, 200, 750 and 2,500 km (onto land), places of other photos, and places of the
same climate, and of the same climate and scene, far away. Each place weighs as one. Writes
results/verify.{json,md}, and its table into docs/verify.md.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from common.real_photos import FEATURES, RESULTS, ROOT, SHARED, machine, need_shared
from graticule import atlas, calibration, files, sphere
from graticule.belief import Belief
from graticule.cells.partition import Partition
from graticule.locate.locator import find_model
from graticule.photos import manifest as manifests
from graticule.scenes import SCENES
from graticule.systems.bundle import Bundle
from graticule.training.mini import build as mini
from graticule.training.mini import heads
from graticule.training.mini.calibrate import Held, even_rows
from graticule.training.mini.trunk import Trunk
from graticule.verdicts.evidence import Scale
from graticule.verdicts.fit import RATES, fit_verdicts
from graticule.verdicts.limits import Verdicts
from graticule.verdicts.roc import detection_rate, roc_auc
from graticule.verdicts.trials import LIE_KM, lies

MOVES_KM = (25, 200, 750, 2500)
#: False claims of each kind for a photo, and how far away a place must be to be "elsewhere".
EACH, ELSEWHERE_KM = 4, 750.0
REPLICATES = 100
#: True claims, of a place and of a whole country; and the false ones of whole countries.
TRUE, TRUE_COUNTRY, OTHER_COUNTRY = "true", "true country", "country of another photo"
#: Bearings tried until a moved claim is on land.
TRIES = 60
Array = np.ndarray


@dataclass
class Judged:
    """Photos with their true and false claims.

    Attributes:
        rows: of the held-out predictions.
        place: (n,) number of each photo's place; source and gain likewise.
        scores: method → kind of claim → (photo (m,), score (m,)); the true ones are kinds, too.
        verdicts: rate → kind → (m,) −1 contradicts, 0 can't tell, 1 agrees.
    """

    rows: Array
    place: Array
    source: Array
    gain: Array
    scores: dict[str, dict[str, tuple[Array, Array]]] = field(default_factory=dict)
    verdicts: dict[int, dict[str, tuple[Array, Array]]] = field(default_factory=dict)


def main() -> None:
    """Run it all; a few minutes when the vectors are in the cache."""
    need_shared()
    start = time.perf_counter()
    held, scenes = held_out()
    print(f"held-out beliefs {time.perf_counter() - start:.0f} s", flush=True)
    judged = judge(held, scenes)
    print(f"judged {time.perf_counter() - start:.0f} s", flush=True)
    model = Bundle(find_model("mini"))
    found = report(judged) | {
        "model": {
            "name": model.manifest.name,
            "version": model.manifest.version,
            "sha256": model.sha256,
        },
        "machine": machine(),
        "seconds": round(time.perf_counter() - start, 1),
        "encoder": "mobilenetv2, frozen; heads of the recipe mini, leave-sources-out",
    }
    files.write_json(RESULTS / "verify.json", found)
    with files.atomic(RESULTS / "verify.md") as out:
        out.write(markdown(found))
    into_docs(found)


def held_out() -> tuple[Held, Array]:
    """What heads say of sources they did not see, and the scene of each photo; kept on disk."""
    # Of the model that ships, whatever the recipe has become since.
    recipe = Bundle(find_model("mini")).manifest.recipe
    photos = manifests.read(SHARED / "photos" / "manifest.csv")
    what = json.dumps(recipe["settings"], sort_keys=True) + files.sha256(photos.path)
    folder = FEATURES / f"verify-{hashlib.sha256(what.encode()).hexdigest()[:12]}"
    if not (folder / "held.npz").is_file():
        trunk = Trunk(SHARED / "weights" / "mobilenetv2_imagenet.safetensors")
        learned = mini.prepare(recipe, photos, trunk, FEATURES, print)
        rows, held = mini.held_out(learned)
        x = learned.vectors
        scene = heads.fit_scenes(x.plain, x.grey, learned.rows.scene, learned.settings.scene_l2)
        keep(folder, held, scene(x.plain[rows]).argmax(axis=1))
    with np.load(folder / "held.npz", allow_pickle=False) as kept:
        beliefs = [
            Belief(Partition.from_parquet(folder / f"{name}.parquet"), kept[name])
            for name in ("countries", "cities")
        ]
        rest = [kept[name] for name in ("truth", "latlon", "source", "fold", "cluster")]
        return Held(*beliefs, *rest), kept["scenes"]


def keep(folder: Path, held: Held, scenes: Array) -> None:
    """Write them where :func:`held_out` finds them."""
    folder.mkdir(parents=True, exist_ok=True)
    held.countries.over.to_parquet(folder / "countries.parquet")
    held.cities.over.to_parquet(folder / "cities.parquet")
    with files.atomic(folder / "held.npz", "wb") as out:
        np.savez(
            out,
            countries=held.countries.log_p,
            cities=held.cities.log_p,
            truth=held.truth,
            latlon=held.latlon,
            source=held.source,
            fold=held.fold,
            cluster=held.cluster,
            scenes=scenes,
        )


def judge(held: Held, scenes: Array) -> Judged:
    """Every placed photo's claims, each fold by what was fitted on the others."""
    placed = np.flatnonzero(np.isfinite(held.latlon).all(axis=1))
    _, place = np.unique(held.cluster[placed], return_inverse=True)
    claims = false_claims(held.latlon[placed], place, scenes[placed])
    out = Judged(placed, place, held.source[placed], np.full(len(placed), np.nan))
    fold = held.fold[placed]
    for one in np.unique(fold):
        judge_fold(out, held, claims, one, np.flatnonzero(fold == one))
    return out


def judge_fold(out: Judged, held: Held, claims: dict, one: int, test: Array) -> None:
    """Fit on the other folds; score and judge the claims of this one's photos."""
    even = even_rows(held.source)
    train = even[held.fold[even] != one]
    temperature = calibration.fit_temperature(held.countries.log_p[train], held.truth[train])
    beliefs = {
        name: Belief.from_logits(belief.over, belief.log_p, temperature)
        for name, belief in (("countries", held.countries), ("cities", held.cities))
    }
    priors = {name: belief.p[train].mean(axis=0) for name, belief in beliefs.items()}
    gain = calibration.gain(beliefs["countries"], priors["countries"])
    # What mini itself leaves silent: the tenth that says least.
    speaks = gain >= np.quantile(gain[train], 0.1)
    fitted_on = train[np.isfinite(held.latlon[train]).all(axis=1) & speaks[train]]
    verdicts = fit_verdicts(
        {name: belief[fitted_on] for name, belief in beliefs.items()},
        priors,
        held.latlon[fitted_on],
        held.cluster[fitted_on],
        folds=held.fold[fitted_on],
    )
    limits = {rate: (x.contradicts, x.agrees) for rate, x in verdicts.rates.items()}
    print(f"fold {one}: {verdicts.task}, {verdicts.reach_km:g} km, {limits}", flush=True)
    out.gain[test] = np.where(speaks[out.rows[test]], gain[out.rows[test]], np.nan)
    mine = test[speaks[out.rows[test]]]
    points = calibration.pick_points(beliefs["cities"][out.rows], 250.0)
    for kind, (photo, latlon) in claims.items():
        chosen = np.flatnonzero(np.isin(photo, mine))
        at, where = photo[chosen], latlon[chosen]
        score(out, kind, at, where, out.rows[at], beliefs, priors, verdicts, points)


def score(
    out: Judged,
    kind: str,
    photo: Array,
    where: Array,
    rows: Array,
    beliefs: dict,
    priors: dict,
    verdicts: Verdicts,
    points: Array,
) -> None:
    """Scores of some claims by each method, and their verdicts."""
    task = verdicts.task
    belief = beliefs[task][rows]
    scale = Scale(belief.over, priors[task], verdicts.reach_km)
    wide = kind in (TRUE_COUNTRY, OTHER_COUNTRY)
    codes = atlas.countries(where).tolist() if wide else []
    said = scale.weigh(belief, where, codes, shares=not wide)
    by = {"likelihood ratio": said.log_ratio}
    if not wide:
        lands = beliefs["countries"]
        alone = Scale(lands.over, np.ones(len(lands.over)), 0.0)
        by |= {
            "share of places that fit worse": -said.as_good,
            "probability of the claim's country": alone.weigh(
                lands[rows], where, shares=False
            ).log_ratio,
            "nearness to the model's point": -sphere.haversine(points[photo], where),
        }
    for method, values in by.items():
        add(out.scores.setdefault(method, {}), kind, photo, values)
    sign = {"contradicts": -1, "can't tell": 0, "agrees": 1}
    for rate in RATES:
        limits = verdicts.countries.get(rate) if wide else verdicts.limits(rate)
        told = np.array(
            [sign[limits.judge(r)] if limits and np.isfinite(r) else 0 for r in said.log_ratio],
            float,
        )
        add(out.verdicts.setdefault(rate, {}), kind, photo, told)


def add(to: dict, kind: str, photo: Array, values: Array) -> None:
    """Append to what other folds gave."""
    old = to.get(kind, (np.empty(0, int), np.empty(0)))
    to[kind] = (np.concatenate([old[0], photo]), np.concatenate([old[1], values]))


def false_claims(latlon: Array, place: Array, scenes: Array) -> dict[str, tuple[Array, Array]]:
    """Kind → (photo, claimed place, or a place in the claimed country)."""
    rng = np.random.default_rng(0)
    everyone = np.arange(len(latlon))
    claims = {TRUE: (everyone, latlon)}
    for km in MOVES_KM:
        photo = np.repeat(everyone, EACH)
        claims[f"moved {km:,} km"] = moved(photo, latlon[photo], km, rng)
    photo, other = lies(latlon, place, seed=0, each=EACH)
    claims["place of another photo"] = (photo, latlon[other])
    home = atlas.countries(latlon)
    known = np.flatnonzero(home != "")
    claims[TRUE_COUNTRY] = (known, latlon[known])
    abroad = (home[photo] != "") & (home[other] != "") & (home[photo] != home[other])
    claims[OTHER_COUNTRY] = (photo[abroad], latlon[other[abroad]])
    zone = atlas.climate(latlon)
    claims["same climate elsewhere"] = alike(latlon, place, zone, rng)
    both = np.char.add(zone, np.char.add("|", np.array(SCENES)[scenes]))
    claims["same climate and scene elsewhere"] = alike(latlon, place, both, rng)
    return claims


def moved(photo: Array, latlon: Array, km: float, rng: Any) -> tuple[Array, Array]:
    """Places at a distance in a random direction, on land; photos without any are left out."""
    found = np.full(latlon.shape, np.nan)
    for _ in range(TRIES):
        todo = np.flatnonzero(np.isnan(found[:, 0]))
        if not len(todo):
            break
        tried = sphere.offset(latlon[todo], rng.uniform(0, 360, len(todo)), np.full(len(todo), km))
        land = np.asarray(atlas.is_land(tried))
        found[todo[land]] = tried[land]
    kept = np.isfinite(found[:, 0])
    return photo[kept], found[kept]


def alike(latlon: Array, place: Array, label: Array, rng: Any) -> tuple[Array, Array]:
    """Places of other photos with the same label, far away, drawn by place."""
    _, index, size = np.unique(place, return_inverse=True, return_counts=True)
    weight = 1.0 / size[index]
    photo, where = [], []
    for row, km in enumerate(sphere.distances(latlon, latlon)):
        share = np.where((label == label[row]) & (km >= ELSEWHERE_KM), weight, 0.0)
        if share.sum() <= 0 or not str(label[row]).strip("|"):
            continue
        drawn = rng.choice(len(latlon), EACH, p=share / share.sum())
        photo += [row] * EACH
        where += list(latlon[drawn])
    return np.array(photo, int), np.array(where).reshape(-1, 2)


class Draws:
    """Weights of photos: each place one, and drawn again by place or by source."""

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        rng = np.random.default_rng(0)
        self.replicates = {}
        for name, labels in (("places", judged.place), ("sources", judged.source)):
            _, index = np.unique(labels, return_inverse=True)
            n = index.max() + 1
            self.replicates[name] = [
                np.bincount(rng.integers(0, n, n), minlength=n)[index] for _ in range(REPLICATES)
            ]

    def weights(self, photo: Array) -> Array:
        """(m,) so that the claims of one place add up to one."""
        _, index, size = np.unique(
            self.judged.place[photo], return_inverse=True, return_counts=True
        )
        return 1.0 / size[index]

    def estimate(self, statistic: Any, photos: list[Array]) -> dict[str, Any]:
        """A statistic of weights, with intervals by places and by sources."""
        base = [self.weights(photo) for photo in photos]
        found = {"value": statistic(*base)}
        for name, replicates in self.replicates.items():
            values = [
                statistic(*(w * drawn[photo] for w, photo in zip(base, photos, strict=True)))
                for drawn in replicates
            ]
            found[name] = [float(v) for v in np.nanpercentile(values, [2.5, 97.5])]
        return {
            key: [round(float(x), 4) for x in value] if isinstance(value, list) else round(value, 4)
            for key, value in found.items()
        }


def report(judged: Judged) -> dict[str, Any]:
    """All figures."""
    draws = Draws(judged)
    speaks = np.isfinite(judged.gain)
    found: dict[str, Any] = {
        "photos": len(judged.rows),
        "silent": int((~speaks).sum()),
        "places": len(np.unique(judged.place[speaks])),
        "sources": len(np.unique(judged.source[speaks])),
        "replicates": REPLICATES,
        "kinds": {},
        "methods": {},
        "verdicts": {},
        "by_source": {},
    }
    ratio = judged.scores["likelihood ratio"]
    for kind in ratio:
        if kind not in (TRUE, TRUE_COUNTRY):
            true = ratio[TRUE_COUNTRY if kind == OTHER_COUNTRY else TRUE]
            found["kinds"][kind] = of_kind(draws, true, ratio[kind], full=True)
            print(kind, found["kinds"][kind]["auc"], flush=True)
    for method, kinds in judged.scores.items():
        found["methods"][method] = {
            kind: of_kind(draws, kinds[TRUE], kinds[kind], full=False)
            for kind in ("moved 2,500 km", "place of another photo", "same climate elsewhere")
        }
    # The photos that say most, by thirds of the gain over the prior.
    edges = np.nanquantile(judged.gain, [1 / 3, 2 / 3])
    third = np.digitize(judged.gain, edges)
    found["by_gain"] = {
        name: of_kind(
            draws,
            chosen(ratio[TRUE], (third == k) & speaks),
            chosen(ratio["place of another photo"], (third == k) & speaks),
            full=False,
        )
        for k, name in enumerate(("says least", "middle", "says most"))
    }
    for rate, kinds in judged.verdicts.items():
        found["verdicts"][str(rate)] = verdict_rates(draws, kinds)
    true = judged.verdicts[5][TRUE]
    for source in np.unique(judged.source):
        mine = judged.source[true[0]] == source
        if mine.any():
            weight = draws.weights(true[0][mine])
            found["by_source"][str(source)] = {
                "photos": int(mine.sum()),
                "places": len(np.unique(judged.place[true[0][mine]])),
                "contradicted": round(float(np.average(true[1][mine] < 0, weights=weight)), 4),
                "agreed": round(float(np.average(true[1][mine] > 0, weights=weight)), 4),
            }
    return found


def chosen(claims: tuple[Array, Array], photos: Array) -> tuple[Array, Array]:
    """The claims of some photos."""
    kept = photos[claims[0]]
    return claims[0][kept], claims[1][kept]


def of_kind(draws: Draws, true: tuple, false: tuple, *, full: bool) -> dict[str, Any]:
    """AUC and detection rates of one kind of false claim; only photos that have both."""
    both = np.isfinite(true[1]), np.isfinite(false[1])
    (a, x), (b, y) = (
        (photo[kept], values[kept])
        for (photo, values), kept in zip((true, false), both, strict=True)
    )
    kept = np.isin(a, b)
    a, x = a[kept], x[kept]
    out = {
        "true_claims": len(a),
        "false_claims": len(b),
        "auc": draws.estimate(lambda u, v: roc_auc(x, y, u, v), [a, b]),
    }
    if full:
        for rate in RATES:
            out[f"found_at_{rate}"] = draws.estimate(
                lambda u, v, share=rate / 100: detection_rate(x, y, share, u, v), [a, b]
            )
    return out


def verdict_rates(draws: Draws, kinds: dict) -> dict[str, Any]:
    """What share of each kind of claim was contradicted and said to agree."""
    out = {}
    for kind, (photo, told) in kinds.items():
        out[kind] = {
            word: draws.estimate(
                lambda w, hit=hit: float((w * hit).sum() / max(w.sum(), 1e-9)), [photo]
            )
            for word, hit in (("contradicted", told < 0), ("agreed", told > 0))
        }
    return out


def percent(one: dict[str, Any], by: str = "places") -> str:
    """A share with its interval."""
    low, high = one[by]
    return f"{100 * one['value']:.1f} ({100 * low:.1f}–{100 * high:.1f})"


def area(one: dict[str, Any], by: str = "places") -> str:
    """An AUC with its interval."""
    return f"{one['value']:.3f} ({one[by][0]:.3f}–{one[by][1]:.3f})"


def kinds_table(found: dict[str, Any]) -> str:
    """AUC and detection by kind of false claim."""
    lines = [
        "| false claim | claims | AUC (95 % by places) | 95 % by sources | found at 1 % false "
        "alarms, % | at 5 %, % |",
        "|---|---:|---|---|---|---|",
    ]
    for kind, one in found["kinds"].items():
        low, high = one["auc"]["sources"]
        lines.append(
            f"| {kind} | {one['false_claims']:,} | {area(one['auc'])} | {low:.3f}–{high:.3f} | "
            f"{percent(one['found_at_1'])} | {percent(one['found_at_5'])} |"
        )
    return "\n".join(lines)


def verdicts_table(found: dict[str, Any]) -> str:
    """Stated against measured."""
    names = [
        TRUE,
        "place of another photo",
        "moved 2,500 km",
        "same climate elsewhere",
        TRUE_COUNTRY,
        OTHER_COUNTRY,
    ]
    lines = [
        "| stated | claim | contradicted, % (by places) | by sources | said to agree, % (by "
        "places) | by sources |",
        "|---|---|---|---|---|---|",
    ]
    for rate, kinds in found["verdicts"].items():
        for kind in names:
            no, yes = kinds[kind]["contradicted"], kinds[kind]["agreed"]
            lines.append(
                f"| {rate} % | {kind} | {percent(no)} | {percent(no, 'sources')} | "
                f"{percent(yes)} | {percent(yes, 'sources')} |"
            )
    return "\n".join(lines)


def markdown(found: dict[str, Any]) -> str:
    """``results/verify.md``."""
    methods = [
        f"| {name} | " + " | ".join(area(kinds[k]["auc"]) for k in kinds) + " |"
        for name, kinds in found["methods"].items()
    ]
    columns = list(next(iter(found["methods"].values())))
    gains = [
        f"| {name} | {one['true_claims']:,} | {area(one['auc'])} |"
        for name, one in found["by_gain"].items()
    ]
    sources = [
        f"| {name} | {one['photos']} | {one['places']} | {100 * one['contradicted']:.1f} | "
        f"{100 * one['agreed']:.1f} |"
        for name, one in found["by_source"].items()
    ]
    return f"""# Claims about places: true ones from false ones

Written by `bench/verify.py`: {found["photos"]:,} development photos with a known place; the model
was silent on {found["silent"]:,}. {found["places"]} places, {found["sources"]} sources. Encoder:
{found["encoder"]}. The model that ships is {found["model"]["name"]} {found["model"]["version"]}
(SHA-256 {found["model"]["sha256"][:16]}…); here its recipe's heads speak of sources they did not
see. Each fold of sources is judged by a temperature, a prior, a reach and limits
fitted on the other four; each place weighs as one. Intervals are 95 %, by {found["replicates"]}
bootstrap draws of places, and of sources: the wider one is the honest one for a source nobody has
seen. {found["machine"]}, {found["seconds"]:.0f} s.

## By kind of false claim

A score of 0.5 is a coin. Found: share of false claims below what 1 or 5 % of the true ones score.

{kinds_table(found)}

A claim moved by 25 km is in the same country, and nearly always in the same cell: a model of
countries and a few cities cannot know. Claims of the same climate, and of the same climate and
scene, ask whether it sees more than vegetation, light and the kind of street.

## Verdicts: stated against measured

Stated: share of true claims that are contradicted, and of false ones (places of other photos, at
least {LIE_KM:.0f} km away) that are said to agree. Limits are fitted so that sources judged by each
other keep that rate; here sources are judged that had no part in it. Whole countries have limits of
their own.

{verdicts_table(found)}

## By source, at a stated 5 %

| source | photos | places | true claims contradicted, % | said to agree, % |
|---|---:|---:|---:|---:|
{chr(10).join(sources)}

## Other scores on the same claims (AUC)

| score | {" | ".join(columns)} |
|---|{"---|" * len(columns)}
{chr(10).join(methods)}

## By how much the photo says (AUC, places of other photos)

| nats over the prior | photos | AUC |
|---|---:|---|
{chr(10).join(gains)}
"""


def into_docs(found: dict[str, Any]) -> None:
    """The two tables between the marks of docs/verify.md."""
    page = ROOT / "docs" / "verify.md"
    begin, end = "<!-- made by bench/verify.py -->", "<!-- end -->"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    tables = f"{kinds_table(found)}\n\n{verdicts_table(found)}"
    with files.atomic(page) as out:
        out.write(f"{before}{begin}\n{tables}\n{end}{after}")


if __name__ == "__main__":
    main()
