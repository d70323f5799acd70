from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graticule.atlas import shapes
from graticule.errors import GraticuleError


@given(st.lists(st.integers(-(2**31) + 1, 2**31 - 1)))
def test_steps_unfold_to_what_was_folded(steps: list[int]) -> None:
    values = np.array(steps, dtype=np.int64)
    assert np.array_equal(shapes.unfold(shapes.fold(values)), values)


def test_a_layer_is_read_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shapely

    square = shapely.box(179.5, -1.25, 180, 1)
    holed = shapely.Polygon(square.exterior, [shapely.box(179.6, -0.5, 179.8, 0.5).exterior])
    both = shapely.multipolygons([shapely.box(-180, 0, -179, 1), holed])
    layer = shapes.from_geometries({"code": ["A", "B"], "name": ["ä", ""]}, [square, both])
    shapes.write(tmp_path / "made.npz", layer, 1e-3)
    monkeypatch.setattr(shapes, "DATA", tmp_path)
    again = shapes.read("made")
    assert again.columns == {"code": ["A", "B"], "name": ["ä", ""]}
    first, second = again.geometries()
    assert first.equals(square)
    assert second.equals(both)
    assert len(again.rings()) == 4


def test_a_missing_or_broken_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "DATA", tmp_path)
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 not a zip")
    for name in ("absent", "broken"):
        with pytest.raises(GraticuleError, match=rf"{name}\.npz.*install graticule again"):
            shapes.read(name)


def test_all_of_the_atlas_fits_the_wheel() -> None:
    files = [path for path in shapes.DATA.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 8_000_000
    # No file needs pickle to be read.
    for path in shapes.DATA.glob("*.npz"):
        with np.load(path, allow_pickle=False) as file:
            assert all(file[key].dtype != object for key in file.files)


def test_nothing_is_read_before_it_is_asked_for() -> None:
    import subprocess
    import sys

    code = (
        "import sys, graticule.atlas; "
        "heavy = {'shapely', 'scipy', 'PIL', 'pyarrow'} & set(sys.modules); "
        "from graticule.atlas.countries import layer; "
        "print(sorted(heavy), layer.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", "0"]
