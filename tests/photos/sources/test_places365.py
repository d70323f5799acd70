from __future__ import annotations

from pathlib import Path

import pytest

from graticule import scenes
from graticule.errors import GraticuleError, ManifestError
from graticule.photos.sources import places365
from made_photos import jpeg, lines, read, run, save


def sheet(path: Path, change: dict[int, list[object]] | None = None) -> Path:
    """The makers' sheet in its form, with flags of our own: group by number, some in two."""
    rows: list[list[object]] = [["", "Level 1", "", ""], ["", "indoor", "outdoor, natural", ""]]
    for number, name in enumerate(places365.categories()):
        flags: list[object] = [0] * 19
        flags[number % 3] = 1
        flags[3 + number % 16] = 1
        if number % 10 == 0:
            flags[(number + 1) % 3] = 1
        rows.append([f"'/{name[0]}/{name}'", *flags])
    for line, row in (change or {}).items():
        rows[line] = row
    path.write_text(lines(rows))
    return path


def test_there_are_365_categories_each_with_a_scene_of_ours_or_none() -> None:
    names = places365.categories()
    assert len(names) == len(set(names)) == 365
    assert (names[0], names[48], names[364]) == ("airfield", "beach", "zen_garden")
    assert list(names[:3]) == ["airfield", "airplane_cabin", "airport_terminal"]
    found = {places365.scene_of_category(name) for name in names}
    assert found == {*scenes.SCENES, None}


@pytest.mark.parametrize(
    ("category", "scene"),
    [
        ("/b/beach", "coast"),
        ("bakery/shop", "indoor"),
        ("/f/forest/broadleaf", "nature"),
        ("street", "city"),
        ("/i/industrial_area", "industrial"),
        ("sky", None),
    ],
)
def test_a_category_means_a_scene(category: str, scene: str | None) -> None:
    assert places365.scene_of_category(category) == scene


def test_what_says_indoor_is_indoor_and_what_says_outdoor_is_not() -> None:
    for name in places365.categories():
        if name.endswith("/indoor") or name.endswith("/interior"):
            assert places365.scene_of_category(name) == "indoor", name
        if name.endswith("/outdoor") or name.endswith("/exterior"):
            assert places365.scene_of_category(name) != "indoor", name


def test_an_unknown_category_is_named() -> None:
    with pytest.raises(GraticuleError, match="'/m/moon': not one of the 365"):
        places365.scene_of_category("/m/moon")


def test_the_hierarchy_shares_a_category_between_its_groups(tmp_path: Path) -> None:
    found = places365.read_hierarchy(sheet(tmp_path / "h.csv"))
    assert len(places365.GROUPS_16) == 16
    assert found.shares3["airfield"] == (0.5, 0.5, 0.0)
    assert found.group3("airplane_cabin") == "natural"
    assert found.group16("airplane_cabin") == places365.GROUPS_16[1][0]
    for name in places365.categories():
        assert sum(found.shares3[name]) == pytest.approx(1)
        assert sum(found.shares16[name]) == pytest.approx(1)


def test_a_broken_sheet_names_its_line(tmp_path: Path) -> None:
    bad = sheet(tmp_path / "h.csv", {5: ["/a/alcove", 1, 0]})
    with pytest.raises(GraticuleError, match="line 6 is not a category"):
        places365.read_hierarchy(bad)
    short = sheet(tmp_path / "s.csv", {5: ["", ""]})
    with pytest.raises(GraticuleError, match="1 categories are missing, as 'alcove'"):
        places365.read_hierarchy(short)


def test_the_command_reads_a_list_with_and_without_the_sheet(tmp_path: Path) -> None:
    save(tmp_path / "data_256/b/beach/00000001.jpg", jpeg(1))
    save(tmp_path / "data_256/s/sky/00000007.jpg", jpeg(2))
    listing = tmp_path / "places365_train_standard.txt"
    sky = places365.categories().index("sky")
    rows = [("/b/beach/00000001.jpg", 48), ("/b/beach/missing.jpg", 48)]
    listing.write_text(lines([*rows, ("/s/sky/00000007.jpg", sky)], " "))
    common = ["data", "places365", str(listing), "--photos", str(tmp_path / "data_256")]
    assert run(*common, "-o", str(tmp_path)) == 0
    beach, empty = read(tmp_path / "manifest.csv")
    assert beach == {
        "path": "data_256/b/beach/00000001.jpg",
        "scene": "coast",
        "places365": "beach",
        "places16": "",
        "places3": "natural",
        "split": "train",
        "source": "places365",
    }
    assert (empty["scene"], empty["places3"]) == ("", "")
    assert run(*common, "--hierarchy", str(sheet(tmp_path / "h.csv")), "-o", str(tmp_path)) == 0
    beach, _ = read(tmp_path / "manifest.csv")
    assert (beach["places16"], beach["places3"]) == (places365.GROUPS_16[0][0], "indoor")


def test_validation_and_test_lists(tmp_path: Path) -> None:
    save(tmp_path / "Places365_val_00000001.jpg", jpeg())
    save(tmp_path / "Places365_test_00000001.jpg", jpeg())
    (tmp_path / "places365_val.txt").write_text("Places365_val_00000001.jpg 48\n")
    (tmp_path / "places365_test.txt").write_text("Places365_test_00000001.jpg\n")
    (val,) = places365.rows(tmp_path / "places365_val.txt", tmp_path, tmp_path)
    (test,) = places365.rows(tmp_path / "places365_test.txt", tmp_path, tmp_path)
    assert (val["split"], val["scene"]) == ("val", "coast")
    assert (test["split"], "scene" in test) == ("test", False)


@pytest.mark.parametrize("line", ["a.jpg 365", "a.jpg x", "a.jpg"])
def test_a_line_of_another_form_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "places365_val.txt").write_text(line + "\n")
    with pytest.raises(ManifestError, match=r"line 1: .* is not a path and a number"):
        list(places365.rows(tmp_path / "places365_val.txt", tmp_path, tmp_path))
