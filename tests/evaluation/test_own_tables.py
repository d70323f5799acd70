"""The tables that training prints, for a finished bundle and any manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("lightning")

from graticule import files
from graticule.evaluation.run import judged_photos, own_section, own_tables
from graticule.locate.engine import Engine
from graticule.training import recipe as recipes
from graticule.training import run
from made_photos import run as run_cli
from toy import cities_recipe, make_photos

CPU = run.Options(device="cpu", workers=0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_photos(tmp_path_factory.mktemp("p"), 40)


@pytest.fixture(scope="module")
def cities(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """S3 on two of the toy's three cities."""
    wanted = cities_recipe(settings={"cities": ["Paris", "Tokyo"]})
    out = tmp_path_factory.mktemp("s3") / "b"
    return run.train(recipes.parse(wanted, "toy.yaml"), photos, out, CPU).path


def test_s3_says_of_a_finished_bundle_what_training_said(photos: Path, cities: Path) -> None:
    found = own_tables(Engine(cities), judged_photos(photos, ["split_random=test"]))
    assert found is not None
    trained = files.read_json(cities / "report.json")
    assert "elsewhere" in found[0]
    assert found[0] == {name: trained[name] for name in found[0]}
    assert own_section(found[1]).endswith((cities / "report.md").read_text("utf-8")[40:])


def test_a_photo_that_cannot_be_read_is_not_judged(
    photos: Path, cities: Path, tmp_path: Path
) -> None:
    table = tmp_path / "m.csv"
    (tmp_path / "broken.png").write_bytes(b"none")
    (tmp_path / "000.png").write_bytes((photos.parent / "000.png").read_bytes())
    table.write_text(
        "path,city,country\nbroken.png,Paris,FR\n000.png,Paris,FR\n000.png,Tokyo,JP\n",
        encoding="utf-8",
    )
    found = own_tables(Engine(cities), judged_photos(table))
    assert found is not None
    assert found[0]["photos"] == 2


def test_photos_of_which_it_tells_nothing_are_not_run(cities: Path, tmp_path: Path) -> None:
    table = tmp_path / "m.csv"
    table.write_text("path,city,country\ngone.png,Lyon,FR\n", encoding="utf-8")
    assert own_tables(Engine(cities), judged_photos(table)) is None


def test_s1_says_of_a_finished_bundle_what_training_said(photos: Path, tmp_path: Path) -> None:
    tiny, phases = "{name: tiny, preprocess: {size: 32}}", "[{epochs: 1}]"
    changes = [
        f"encoder={tiny}",
        "augment=none",
        f"networks={{router: {{phases: {phases}}}, countries: {{phases: {phases}}}}}",
    ]
    bundle = run.train(recipes.load("s1", changes), photos, tmp_path / "b", CPU)
    found = own_tables(Engine(bundle.path), judged_photos(photos, ["split_random=test"]))
    assert found is not None
    trained = files.read_json(bundle.path / "report.json")
    assert set(found[0]["countries"]) >= {"hard", "soft", "oracle", "hard, scene known"}
    assert found[0] == {name: trained[name] for name in found[0]}


def test_the_tables_stand_in_every_form_of_the_report(
    photos: Path, cities: Path, tmp_path: Path
) -> None:
    where = ["--where", "split_random=test", "--no-pixels", "-o", str(tmp_path / "r")]
    assert run_cli("evaluate", str(cities), "--manifest", str(photos), *where) == 0
    for name in ("report.json", "report.md", "report.html"):
        text = (tmp_path / "r" / name).read_text("utf-8")
        assert "elsewhere" in text.casefold(), name
    page = (tmp_path / "r" / "report.html").read_text("utf-8")
    assert "<h2>The system's own tables</h2>" in page.replace("&#x27;", "'").replace("’", "'")
    assert page.index("own tables</h2>") < page.index("Photos to look at")
