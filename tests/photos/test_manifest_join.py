"""Manifests joined by their photos: order kept, nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.errors import ManifestError
from graticule.photos.manifest import from_table, read


def test_columns_stand_beside_their_photos(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("path,lat,lon\nx.jpg,1,2\ny.jpg,3,4\nz.jpg,,\n", "utf-8")
    (tmp_path / "b.csv").write_text(
        "path,scene,split\nz.jpg,coast,test\nx.jpg,city,train\n", "utf-8"
    )
    both = read(tmp_path / "a.csv").join(read(tmp_path / "b.csv"), ["scene"])
    assert both.columns == ("path", "lat", "lon", "scene")
    assert both.column("scene").tolist() == ["city", "", "coast"]
    assert both.latlon[1].tolist() == [3, 4]
    import pyarrow.compute as pc

    assert both.filter(pc.field("scene") == "coast").column("path").tolist() == ["z.jpg"]


@given(
    st.lists(st.sampled_from("abcdefgh"), unique=True),
    st.lists(st.sampled_from("abcdefgh"), unique=True),
)
def test_every_row_stays_and_gets_its_own(left: list[str], right: list[str]) -> None:
    one = from_table(pa.table({"path": pa.array(left, pa.string())}), "a.csv")
    keys, scenes = pa.array(right, pa.string()), pa.array([f"s{k}" for k in right], pa.string())
    other = from_table(pa.table({"path": keys, "scene": scenes}), "b.csv")
    found = one.join(other, ["scene"])
    assert found.column("path").tolist() == left
    assert found.column("scene").tolist() == [f"s{k}" if k in right else "" for k in left]


def test_what_cannot_be_joined_is_named(tmp_path: Path) -> None:
    one = from_table(pa.table({"path": ["a"], "scene": ["city"]}), "a.csv")
    twice = from_table(pa.table({"path": ["a", "a"], "split": ["x", "y"]}), "b.csv")
    with pytest.raises(ManifestError, match="already"):
        one.join(one, ["scene"])
    with pytest.raises(ManifestError, match="twice"):
        one.join(twice, ["split"])
    with pytest.raises(ManifestError, match="no column 'moon'"):
        one.join(twice, ["moon"])
