"""Six tables of per-photo predictions, as published ones are written, give their published table.

Photos lie along one meridian and are missed by known arcs of it, so that the share within each
distance is counted by hand.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule import sphere
from graticule.evaluation.predictions import read_predictions
from graticule.evaluation.report import Report, evaluate
from graticule.evaluation.run import judged_photos
from graticule.evaluation.truth import Truth

N = 1000
#: Photos of each system with an error of 0.9, 24.9, 199, 749, 2499 and 9000 km; and what follows.
SYSTEMS = {
    "one": ((101, 179, 89, 142, 159, 330), ["10.1", "28.0", "36.9", "51.1", "67.0"]),
    "two": ((105, 175, 86, 131, 163, 340), ["10.5", "28.0", "36.6", "49.7", "66.0"]),
    "three": ((85, 163, 95, 141, 162, 354), ["8.5", "24.8", "34.3", "48.4", "64.6"]),
    "four": ((0, 0, 44, 159, 319, 478), ["0.0", "0.0", "4.4", "20.3", "52.2"]),
    "five": ((141, 204, 162, 190, 141, 162), ["14.1", "34.5", "50.7", "69.7", "83.8"]),
    "six": ((1000, 0, 0, 0, 0, 0), ["100.0"] * 5),
}
ERRORS = (0.9, 24.9, 199.0, 749.0, 2499.0, 9000.0)
HEADS = {
    "one": "img_id,gt_lat,predicted_lat,gt_long,predicted_long,great_circle_distance",
    "two": "img_id,pred_lat,pred_lng",
    "three": "IMG_ID,LAT,LON",
    "four": "image;latitude;longitude",
    "five": "path,lat,lon,country",
    "six": "filename\tlat_pred\tlon_pred",
}


def places() -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([rng.uniform(-80, -5, N), np.full(N, 24.0)], axis=1)


def write(folder: Path, name: str) -> tuple[Path, np.ndarray]:
    counts, _ = SYSTEMS[name]
    truth = places()
    miss = np.random.default_rng(1).permutation(np.repeat(ERRORS, counts))
    # North along the meridian: exact by hand, degrees = km / (πR / 180).
    guess = truth + np.stack([miss / (np.pi * sphere.EARTH_RADIUS_KM / 180), np.zeros(N)], axis=1)
    head = HEADS[name]
    mark = next(m for m in "\t;," if m in head)
    lines = []
    for i, ((lat, lon), (y, x)) in enumerate(zip(truth, guess, strict=True)):
        cells = [f"{i}_78@N00.jpg", f"{y:.6f}", f"{x:.6f}"]
        if "gt_lat" in head:
            cells = [cells[0], f"{lat:.6f}", cells[1], f"{lon:.6f}", cells[2], f"{miss[i]:.2f}"]
        elif head.endswith("country"):
            cells.append("ZA")
        lines.append(mark.join(cells))
    file = folder / f"{name}.csv"
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return file, miss


@pytest.fixture
def truth(tmp_path: Path) -> Truth:
    # As the benchmark's own metadata has it.
    rows = [f"{i}_78@N00.jpg,78@N00-{i % 90},{a:.6f},{b:.6f}" for i, (a, b) in enumerate(places())]
    file = tmp_path / "im2gps3k_places365.csv"
    file.write_text("IMG_ID,AUTHOR,LAT,LON\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return Truth.of(judged_photos(file))


@pytest.mark.parametrize("name", SYSTEMS)
def test_published_predictions_give_the_published_table(
    name: str, truth: Truth, tmp_path: Path
) -> None:
    file, miss = write(tmp_path, name)
    report: Report = evaluate(read_predictions(file), truth, replicates=20)
    text = report.as_markdown()
    for limit, share in zip((1, 25, 200, 750, 2500), SYSTEMS[name][1], strict=True):
        assert f"| within {limit} km (%) | {share} |" in text
    assert report.score("mean error").estimate.value == pytest.approx(miss.mean(), rel=1e-5)
    assert report.score("median error").estimate.value == pytest.approx(np.median(miss), rel=1e-4)
    wanted = (5000 * np.exp(-miss / 1492.7)).mean()
    assert report.score("GeoScore").estimate.value == pytest.approx(wanted, rel=1e-5)
    # Photographers of the benchmark are what the intervals go by.
    assert report.score("within 1 km").clusters == 90
