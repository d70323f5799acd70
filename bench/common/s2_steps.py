"""The ladder of S2: its steps, and the changes of the whole chain."""

from __future__ import annotations

from typing import Any

PLAIN = {"attributes": [], "groups": None, "top": {"k": 1}, "refine": {"how": "mean"}}
#: The ladder: each step is the one before it and this.
STEPS: dict[str, dict[str, Any]] = {
    "A0 districts, one-hot": {"cells": {"kind": "units"}, "loss": "cross_entropy", **PLAIN},
    "A semantic cells": {"cells": {"kind": "semantic", "min": 30, "max": 60}},
    "D haversine smoothing": {"loss": "haversine"},
    "B attributes": {"attributes": ["climate", "road_side", "script", "landmark", "month"]},
    "C second OPTICS": {"groups": {"alpha": 0.5, "borders": True}},
    "E top 5, near ones merged": {"top": {"k": 5, "merge_km": 75}},
    "G prototypes": {"refine": {"how": "prototypes"}},
}
#: Beside the ladder: one thing of the whole chain changed.
OTHERS: dict[str, dict[str, Any]] = {
    "G nearest photo": {"refine": {"how": "nearest"}},
    "G weighted by similarity": {"refine": {"how": "weighted"}},
    "G learned offset": {"refine": {"how": "offset"}},
    "G mean of the cell": {"refine": None},
    "G prototypes, picture alone": {"fuse": 0.0},
    "G prototypes, nothing merged": {"top": {"k": 5, "merge_km": 0}},
    "C without borders (F)": {"groups": {"alpha": 0.5, "borders": False}},
    "C with label mass": {"groups": {"alpha": 0.5, "borders": True, "label_mass": 0.1}},
    "D left out": {"loss": "cross_entropy"},
}
#: The world: S2 cells, cut such that there are as many as of the semantic ones within a hundredth.
WORLD: dict[str, dict[str, Any]] = {
    "S2 cells": {"cells": {"kind": "s2", "min": 2, "max": 17}},
    "semantic cells": {"cells": {"kind": "semantic", "min": 3, "max": 60}},
}


def ladder() -> dict[str, dict[str, Any]]:
    """Every step with those below it, then the changes of the whole chain."""
    made: dict[str, dict[str, Any]] = {}
    so_far: dict[str, Any] = {}
    for name, change in STEPS.items():
        so_far = so_far | change
        made[name] = so_far
    return made | {name: so_far | change for name, change in OTHERS.items()}


def table(steps: dict[str, dict[str, Any]], of: str = "step") -> list[str]:
    """A row of figures for each step, as Markdown."""
    lines = [
        f"| {of} | cells | median km | 1 | 25 | 200 | 750 km | state % | town % | GeoScore "
        "| difference | 95 % | p |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|---:|",
    ]
    for step, row in steps.items():
        within = " | ".join(f"{share:.1f}" for share in row["within_percent"])
        paired = (
            f"{row['difference']} | {row['interval']} | {row['p']}"
            if "difference" in row
            else "| |"
        )
        lines.append(
            f"| {step} | {row['cells']} | {row['median_km']:,.0f} | {within} | "
            f"{row['state_percent']} | {row['town_percent']} | {row['geoscore']:,.0f} | {paired} |"
        )
    return lines
