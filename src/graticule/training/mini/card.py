"""The bundled model's card and its page of results, written from what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graticule import atlas
from graticule.cells.cities import Cities
from graticule.systems.bundle import Manifest

Report = Mapping[str, Any]

#: The line of the comparison that is shipped.
SHIPPED = "+ votes of training photos (shipped)"

_USE = """Guess the country of a travel photo, offline, on any computer, and say how sure the
guess is. It is small and was trained on a few thousand photos: it is right about the country less
often than it is wrong, and its radius says so. Not for finding people, for anything that needs a
street, or for evidence in a dispute."""

_HELD_OUT = """Every figure below is of photos from sources the model had not learnt from (five
folds, a whole source on one side). The random split is beside it to show how much a careless split
flatters: photos of one source look alike. A country that no training fold has cannot be right and
is in the figures as wrong; how many there were stands in `country unseen`. Settings were chosen on
these same folds, so they flatter a little too."""

_RADIUS = """Measured on held-out sources, photos with coordinates or a known city; each fold with
radii fitted on the other four. Photos of which only the country is known are not in this table.
`places` counts each place once, `photos` each photo once."""


def card(system: Manifest, report: Report, cities: Cities) -> str:
    """``MODEL_CARD.md``."""
    named = [name for name in cities.ids if not name.endswith(":")]
    proof = system.provenance
    fitted = report["calibration"]
    parts = [
        f"# {system.name}, version {system.version}",
        system.recipe.get("description", ""),
        "## What it is for",
        _USE,
        "## What it says",
        f"Beliefs over {len(cities) - len(named)} countries, {len(named)} cities and the rest of "
        "each country, five scenes; a point; radii of 50, 80, 90 and 95 %; or nothing.",
        "Cities: " + ", ".join(f"{name[3:]} ({name[:2]})" for name in named) + ".",
        "## Data",
        f"{proof['photos']} photos (rows of a manifest with SHA-256 "
        f"`{str(proof['manifest_sha256'])[:16]}…`), without the sources "
        f"{', '.join(system.recipe['settings'].get('exclude', [])) or 'none'}. Trunk: "
        f"`{proof['starting_weights']}` (SHA-256 `{str(proof['starting_weights_sha256'])[:16]}…`).",
        "\n".join(f"- {line}" for line in system.licences),
        "## Held-out accuracy",
        _HELD_OUT,
        comparison(report),
        "### By source (shipped settings, leave-sources-out)",
        _by_source(report),
        "### By country",
        _by_country(report),
        "## Scenes",
        _scenes(report),
        "## Radius: nominal against measured coverage",
        _RADIUS,
        _coverage(report),
        f"Median distance of those photos: {fitted['median_km']} km; within "
        + ", ".join(f"{km} km: {share} %" for km, share in fitted["within_km"].items())
        + f". Temperature {fitted['temperature']}.",
        "## Silence",
        f"{fitted['silent_share']} % of held-out photos get no answer because they say no more "
        "than the prior does. Indoor scenes and flat pictures (screenshots, scans, drawings) get "
        "none either; the thresholds leave 2 % of outdoor scenes and 0.5 % of photos silent.",
        *_verdicts(fitted.get("verdicts")),
        "## Export",
        _table(["figure", "value"], [[k, v] for k, v in report["export"].items()]),
        "## Limits",
        "Many countries have a handful of training photos. Sources are unlike each other, and a "
        "new one may be unlike all of them. Famous countries are said more often than they should "
        "be, on purpose: the prior is of where people travel. Street scenes without a sign, forest "
        "and beaches are mostly guesses.",
    ]
    return "\n\n".join(parts) + "\n"


def _verdicts(fitted: Mapping[str, Any] | None) -> list[str]:
    """What `graticule verify` may be trusted with."""
    if not fitted:
        return []
    rows = [
        [f"{rate} %", claim, *(_share(limits[name]) for name in _RATES)]
        for claim, kind in (("a place", "rates"), ("a whole country", "countries"))
        for rate, limits in fitted.get(kind, {}).items()
    ]
    return [
        "## Verdicts on claimed places",
        f"Fitted on {fitted['claims']} held-out photos at {fitted['places']} places; measured with "
        "each fold of sources judged by the limits of the others, each place weighing as one, in "
        "%. A false claim is the place, or its country, of another photo at least 200 km away.",
        _table(["stated false alarms", "claimed", *_RATES.values()], rows),
    ]


def _share(measured: float | None) -> str:
    return "not measured" if measured is None else f"{100 * measured:.1f}"


_RATES = {
    "false_alarm": "true claims contradicted",
    "found": "false claims contradicted",
    "confirmed": "true claims said to agree",
    "false_agreement": "false claims said to agree",
}


def comparison(report: Report) -> str:
    """The table of what helped, leave-sources-out beside a random split."""
    rows = []
    for name, both in report["comparison"].items():
        apart = both["leave_sources_out"]
        mixed = both.get("random_split", {}).get("all", {})
        rows.append(
            [
                name,
                apart["all"]["top1"],
                apart["all"]["top5"],
                apart["mean_over_sources"]["top5"],
                apart["sources"].get("cities-*", {}).get("top1", "–"),
                apart["sources"].get("cities-*", {}).get("top5", "–"),
                mixed.get("top1", "–"),
                mixed.get("top5", "–"),
            ]
        )
    return (
        _table(
            [
                "variant",
                "top-1",
                "top-5",
                "top-5, mean over sources",
                "travel top-1",
                "travel top-5",
                "random split top-1",
                "random split top-5",
            ],
            rows,
        )
        + "\n\n`travel`: the small collections of city photos, the likest to what people have."
    )


def results(report: Report) -> str:
    """``results/mini.md``."""
    return (
        "# The bundled model\n\nWritten by `bench/mini.py` from what `graticule train mini` "
        "measured. Countries, in %.\n\n"
        + _HELD_OUT
        + "\n\n"
        + comparison(report)
        + "\n\n## By source\n\n"
        + _by_source(report)
        + "\n\n## Radius\n\n"
        + _RADIUS
        + "\n\n"
        + _coverage(report)
        + "\n"
    )


def _shipped(report: Report) -> Any:
    return report["comparison"][SHIPPED]["leave_sources_out"]


def _by_source(report: Report) -> str:
    rows = [[name, *hits.values()] for name, hits in sorted(_shipped(report)["sources"].items())]
    return _table(["source", "photos", "top-1", "top-5", "country unseen"], rows)


def _by_country(report: Report) -> str:
    ranked = sorted(report["per_country"].items(), key=lambda kv: (-kv[1]["photos"], kv[0]))
    rows = [[f"{atlas.country_name(code)} ({code})", *hits.values()] for code, hits in ranked]
    return _table(["country", "photos", "top-1", "top-5", "country unseen"], rows)


def _scenes(report: Report) -> str:
    said = report["scenes"]
    rows = [[name, share] for name, share in said["by_scene"].items()]
    return (
        f"{said['photos']} scene photos, five folds at random (their sources cannot be held out: "
        f"two scenes have only one): {said['accuracy']} % right.\n\n"
        + _table(["scene", "right, %"], rows)
    )


def _coverage(report: Report) -> str:
    rows = [[f"{k} %", *v.values()] for k, v in report["calibration"]["coverage"].items()]
    return _table(["nominal", "places", "photos", "median radius, km"], rows)


def _table(header: list[str], rows: list[list[Any]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)
