"""Stacks of partitions: parents nest, f* multiplies down, files lie beside each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from graticule.belief import Belief, normalise
from graticule.cells.adaptive import adaptive
from graticule.cells.nested import Nested, nest, nested_admin, nested_s2, read_nested
from graticule.cells.semantic import Settings
from graticule.cells.semantic.split import Round
from graticule.errors import PartitionError
from worlds import grid, towns

POINTS = towns([(10, 20), (10.1, 20.3), (48, 2), (-33, 151), (0, 180)], 150, 10.0)


def stack() -> Nested:
    return nest([adaptive(POINTS, tau, 2, name=f"t{tau}") for tau in (400, 100, 20)])


def test_every_point_lies_in_the_ancestors_of_its_cell() -> None:
    nested = stack()
    own = nested.assign(POINTS)
    assert (own[:, -1] >= 0).sum() > 600
    for column, level in enumerate(nested.levels):
        inside = own[:, -1] >= 0
        np.testing.assert_array_equal(own[inside, column], level.assign(POINTS[inside]))
    assert nested.assign([[-60.0, -60.0]]).tolist() == [[-1, -1, -1]]


def test_multiplying_down_is_the_product_of_a_cell_and_its_ancestors() -> None:
    nested = stack()
    rng = np.random.default_rng(0)
    log_p = [normalise(rng.normal(size=(2, len(level)))) for level in nested.levels]
    weights = nested.multiply(log_p)
    for cell, row in enumerate(nested.ancestors):
        product = np.prod([np.exp(p[1, i]) for p, i in zip(log_p, row, strict=True)])
        assert np.exp(weights[1, cell]) == pytest.approx(product, rel=1e-5)


def test_saved_and_loaded_is_equal(tmp_path: Path) -> None:
    nested = stack()
    files = nested.to_parquet(tmp_path / "cells.parquet")
    assert [f.name for f in files] == ["cells-t400.parquet", "cells-t100.parquet", "cells.parquet"]
    back = read_nested(tmp_path / "cells.parquet")
    assert [level.ids for level in back.levels] == [level.ids for level in nested.levels]
    np.testing.assert_array_equal(back.ancestors, nested.ancestors)


def test_country_region_district_cell_nest_exactly() -> None:
    pytest.importorskip("sklearn")
    points = towns([(10.3, 70.3), (10.7, 70.7), (11.5, 71.5), (12.5, 73.5)], 40)
    nested = nested_admin(points, grid(), Settings(20, 50, (Round(5, 0.05), Round(10, 0.01))))
    assert [level.name for level in nested.levels] == ["countries", "regions", "units", "cells"]
    own = nested.assign(points)
    assert (own >= 0).all()
    for level, column in zip(nested.levels, own.T, strict=True):
        np.testing.assert_array_equal(level.assign(points), column)
    # A belief over the cells sums to its countries exactly.
    fine = Belief.from_logits(
        nested.finest, np.random.default_rng(0).normal(size=(3, len(nested.finest)))
    )
    top, how = fine.to(nested.levels[0])
    assert how == "parents"
    sums = [fine.p[:, nested.ancestors[:, 0] == i].sum(axis=1) for i in range(len(top.over))]
    np.testing.assert_allclose(top.p, np.stack(sums, axis=1), atol=1e-6)


def test_what_does_not_stack_is_named() -> None:
    fine = adaptive(POINTS, 20, 2, name="fine")
    far = adaptive(towns([(60, -120)], 50), 100, 2, name="far")
    with pytest.raises(PartitionError, match="no ancestor in far"):
        nest([far, fine])
    with pytest.raises(PartitionError, match="different names"):
        nest([fine, fine])
    with pytest.raises(PartitionError, match="at least one"):
        nest([])
    with pytest.raises(PartitionError, match="no S2 preset"):
        nested_s2(POINTS, ["huge"])
    with pytest.raises(PartitionError, match="3 levels"):
        stack().multiply([np.zeros((1, 2))])
