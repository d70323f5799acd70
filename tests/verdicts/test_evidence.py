"""True claims fit, false ones do not; what the model does not know it does not judge."""

from __future__ import annotations

import numpy as np
import pytest

from graticule import sphere
from graticule.belief import Belief
from graticule.cells.cities import Cities, cities
from graticule.cells.countries import countries
from graticule.errors import GraticuleError
from graticule.verdicts.evidence import Scale
from graticule.verdicts.roc import detection_rate, roc_auc

PLACES = sphere.uniform(50, np.random.default_rng(5))
PARTITION = cities({f"FR:c{i}": (lat, lon) for i, (lat, lon) in enumerate(PLACES)})
PRIOR = np.full(50, 0.02)


def photos(n: int, seed: int) -> tuple[Belief[Cities], np.ndarray]:
    """Beliefs of a moderately good model, and the true places."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2.5, (n, 50))
    belief = Belief.from_logits(PARTITION, logits)
    cell = np.array([rng.choice(50, p=row / row.sum()) for row in belief.p.astype(np.float64)])
    return belief, sphere.offset(PARTITION.centers[cell], rng.uniform(0, 360, n), np.full(n, 5.0))


def test_the_ratio_is_the_odds_of_the_claim_over_the_prior() -> None:
    belief = Belief.from_logits(PARTITION, np.log([[0.5] + [0.5 / 49] * 49]))
    found = Scale(PARTITION, PRIOR, 0).weigh(belief, PARTITION.centers[:1])
    assert found.log_ratio[0] == pytest.approx(np.log(0.5 / 0.02 / (0.5 / 0.98)), abs=1e-4)
    assert found.as_good[0] == pytest.approx(0.02)
    assert found.cell[0] == 0


@pytest.mark.parametrize("reach", [0.0, 500.0])
def test_true_claims_fit_better_than_false_ones(reach: float) -> None:
    belief, truth = photos(400, 1)
    scale = Scale(PARTITION, PRIOR, reach)
    true, false = scale.weigh(belief, truth), scale.weigh(belief, np.roll(truth, 7, axis=0))
    assert roc_auc(true.log_ratio, false.log_ratio) > 0.85
    assert roc_auc(-true.as_good, -false.as_good) > 0.85
    assert ((true.as_good > 0) & (true.as_good <= 1 + 1e-9)).all()


def test_a_model_that_says_nothing_favours_no_place() -> None:
    belief = Belief.from_logits(PARTITION, np.zeros((30, 50)))
    found = Scale(PARTITION, PRIOR, 0).weigh(belief, PARTITION.centers[:30])
    np.testing.assert_allclose(found.log_ratio, 0, atol=1e-3)
    np.testing.assert_allclose(found.as_good, 1)


def test_the_prior_is_taken_out_so_that_a_common_place_gains_nothing_by_it() -> None:
    prior = np.full(50, 0.5 / 49)
    prior[0] = 0.5
    belief = Belief.from_logits(PARTITION, np.log(prior)[None])
    found = Scale(PARTITION, prior, 0).weigh(belief, PARTITION.centers[:1])
    assert found.log_ratio[0] == pytest.approx(0, abs=1e-4)


def test_neighbours_speak_for_a_claim_as_far_as_the_reach() -> None:
    pair = cities({"FR:a": (0.0, 0.0), "FR:b": (0.0, 3.0), "FR:c": (0.0, 90.0)})
    belief = Belief.from_logits(pair, np.log([[0.1, 0.8, 0.1]]))
    alone, together = (
        Scale(pair, np.ones(3), reach).weigh(belief, [(0.0, 0.0)]).log_ratio[0]
        for reach in (0.0, 500.0)
    )
    assert alone < 0 < together


def test_a_place_the_model_does_not_know_has_no_ratio() -> None:
    belief, _ = photos(1, 4)
    found = Scale(PARTITION, PRIOR, 500).weigh(belief, [(-89.0, 0.0)])
    assert np.isnan(found.log_ratio[0])
    assert np.isnan(found.as_good[0])
    assert found.cell[0] == -1


def test_a_whole_country_is_all_of_its_cells() -> None:
    lands = countries(["FR", "DE", "JP"])
    belief = Belief.from_logits(lands, np.log([[0.2, 0.7, 0.1]] * 3))
    claims = [(48.86, 2.35), (48.86, 2.35), (0.0, 0.0)]
    found = Scale(lands, np.ones(3), 0).weigh(belief, claims, ["", "FR", "US"])
    assert found.log_ratio[0] == found.log_ratio[1] > 0
    assert np.isnan(found.log_ratio[2])
    assert found.cell.tolist() == [1, -1, -1]
    # However far places are averaged, a country is weighed against countries.
    far = Scale(lands, np.ones(3), 2000).weigh(belief, claims, ["", "FR", "JP"])
    assert far.as_good[1] == pytest.approx(1 / 3)
    assert far.as_good[2] == pytest.approx(1)


def test_claims_and_priors_must_fit() -> None:
    belief, truth = photos(3, 1)
    with pytest.raises(GraticuleError, match="2 claims for 3 photos"):
        Scale(PARTITION, PRIOR, 0).weigh(belief, truth[:2])
    with pytest.raises(GraticuleError, match="calibrate anew"):
        Scale(PARTITION, PRIOR[:9], 0)


def test_auc_and_detection_by_hand() -> None:
    assert roc_auc([2, 3], [1, 2]) == 0.875
    assert roc_auc([2, 3], [1, 2], [1, 0], [1, 1]) == 0.75
    assert np.isnan(roc_auc([], [1.0]))
    assert detection_rate(np.arange(1, 101), [0.0, 0.5, 50.0, 99.0], 0.01) == 0.5
    assert detection_rate([1, 2, 3, 4], [1, 1, 1, 1], 0.125) == 0.5
    assert detection_rate([5, 6], [1, 2], 0.0, None, [3, 1]) == 1.0
