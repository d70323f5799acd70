"""The Python use: load once, locate anything, write it in any format."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import graticule
from bundles import BLUE, GREEN, RED, photo, picture
from graticule.errors import BundleError, GraticuleError
from graticule.files import cache_dir


@pytest.fixture(scope="module")
def locator(colours: Path) -> graticule.Locator:
    return graticule.load(colours)


def towns(answers: graticule.Answers) -> list[str]:
    return [answer.cities[0].name for answer in answers]


def test_images_of_every_kind(locator: graticule.Locator, tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", RED)
    out = io.BytesIO()
    picture(BLUE).save(out, "PNG")
    with path.open("rb") as file:
        answers = locator.locate(
            images=[
                str(path),
                path,
                out.getvalue(),
                picture(GREEN),
                np.asarray(picture(BLUE)),
                file,
            ]
        )
    assert towns(answers) == [
        "Paris",
        "Paris",
        "Rio de Janeiro",
        "Delhi",
        "Rio de Janeiro",
        "Paris",
    ]
    assert [a.photo for a in answers] == [str(path)] * 2 + [
        "image 2",
        "image 3",
        "image 4",
        str(path),
    ]


def test_one_image_is_one_answer(locator: graticule.Locator, tmp_path: Path) -> None:
    path = photo(tmp_path / "a.png", RED)
    for image in (str(path), path, path.read_bytes(), picture(RED), np.asarray(picture(RED))):
        assert len(locator.locate(image)) == 1


def test_what_is_no_image_is_an_error_row(locator: graticule.Locator) -> None:
    answers = locator.locate([None, 7, "none.jpg"])  # type: ignore[list-item]
    assert [answer.error is not None for answer in answers] == [True] * 3


def test_evidence(locator: graticule.Locator) -> None:
    assert towns(locator.locate(picture(RED), countries=["IN"])) == ["Delhi"]
    assert towns(locator.locate(picture(RED), bbox=(-40, -60, 0, -30))) == ["Rio de Janeiro"]
    with pytest.raises(GraticuleError, match="alpha-2"):
        locator.locate(picture(RED), countries=["India"])
    with pytest.raises(GraticuleError, match="no place there"):
        locator.locate(picture(RED), countries=["NP"])


def test_answers_are_a_sequence(locator: graticule.Locator) -> None:
    answers = locator.locate([picture(RED), picture(GREEN), picture(BLUE)])
    assert len(answers) == 3
    assert answers[-1].cities[0].name == "Rio de Janeiro"
    assert towns(answers[:2]) == ["Paris", "Delhi"]
    assert isinstance(answers[:2], graticule.Answers)


def test_answers_write_themselves(locator: graticule.Locator, tmp_path: Path) -> None:
    answers = locator.locate([photo(tmp_path / "a.png", RED)])
    for kind in ("json", "csv", "geojson", "kml", "html"):
        file = tmp_path / f"answers.{kind}"
        getattr(answers, f"to_{kind}")(file)
        assert "Paris" in file.read_text(encoding="utf-8")
    features = json.loads((tmp_path / "answers.geojson").read_text(encoding="utf-8"))["features"]
    assert features[0]["geometry"]["coordinates"] == [2.35, 48.86]


def test_answers_stream(locator: graticule.Locator) -> None:
    stream = locator.locate_iter(picture(RED) for _ in range(10_000_000))
    assert next(stream).cities[0].name == "Paris"
    stream.close()  # type: ignore[attr-defined]


def test_a_model_by_name(colours: Path) -> None:
    shutil.copytree(colours, cache_dir() / "models" / "by-name", dirs_exist_ok=True)
    assert towns(graticule.load("by-name").locate(picture(GREEN))) == ["Delhi"]
    with pytest.raises(BundleError, match="graticule models"):
        graticule.load("nonsuch")


def test_importing_graticule_loads_nothing_heavy() -> None:
    script = (
        "import sys, graticule; "
        "print([m for m in ('numpy', 'onnxruntime', 'PIL', 'pydantic') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
