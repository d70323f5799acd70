"""True claims fit, moved claims do not, and the stated false-alarm rates hold on new photos."""

from __future__ import annotations

import numpy as np
import pytest

from graticule import sphere
from graticule.belief import Belief
from graticule.cells.cities import Cities, cities
from graticule.errors import GraticuleError
from graticule.locate import verify

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


def test_true_claims_fit_better_than_moved_ones() -> None:
    belief, truth = photos(400, 1)
    moved = np.roll(truth, 7, axis=0)
    ratio, fit = verify.evidence(belief, PRIOR, truth)
    other_ratio, other_fit = verify.evidence(belief, PRIOR, moved)
    assert verify.roc_auc(fit, other_fit) > 0.85
    assert verify.roc_auc(ratio, other_ratio) > 0.85
    assert ((fit >= 0) & (fit <= 1)).all()


def test_stated_rates_hold_on_new_photos() -> None:
    belief, truth = photos(2000, 2)
    _, true_fit = verify.evidence(belief, PRIOR, truth)
    _, false_fit = verify.evidence(belief, PRIOR, np.roll(truth, 7, axis=0))
    limits = verify.fit_thresholds(true_fit, false_fit, false_alarm=0.05, false_agreement=0.1)
    new, places = photos(2000, 3)
    verdicts = [f.verdict for f in verify.find(new, PRIOR, places, limits)]
    assert verdicts.count("contradicts") / 2000 == pytest.approx(0.05, abs=0.02)
    lies = verify.find(new, PRIOR, np.roll(places, 7, axis=0), limits)
    assert [f.verdict for f in lies].count("agrees") / 2000 == pytest.approx(0.1, abs=0.03)
    assert [f.verdict for f in lies].count("contradicts") > 300


def test_a_model_that_says_nothing_cannot_tell() -> None:
    belief = Belief.from_logits(PARTITION, np.zeros((30, 50)))
    ratio, fit = verify.evidence(belief, PRIOR, PARTITION.centers[:30])
    np.testing.assert_allclose(ratio, 0, atol=1e-3)
    np.testing.assert_allclose(fit, 0)


def test_a_claim_between_all_cells_goes_to_the_nearest() -> None:
    belief, _ = photos(1, 4)
    far = sphere.offset(PARTITION.centers[:1], [0.0], [400.0])
    limits = verify.Thresholds(0.05, 0.9, 0.05, 0.05, 100)
    near = int(np.argmin(sphere.haversine(PARTITION.centers, far[0])))
    assert verify.find(belief, PRIOR, far, limits)[0].cell == PARTITION.ids[near]


def test_tied_fits_never_break_the_stated_rate() -> None:
    true = np.repeat([0.0, 0.5, 1.0], [40, 30, 30])
    false = np.repeat([0.0, 1.0], [70, 30])
    found = verify.fit_thresholds(true, false)
    assert found.false_alarm == 0
    assert found.false_agreement == 0
    assert verify.judge(0.0, found) == verify.judge(1.0, found) == "can't tell"


def test_too_few_claims_to_fit_on_is_said() -> None:
    with pytest.raises(GraticuleError, match="at least 20"):
        verify.fit_thresholds([0.5] * 19, [0.1] * 50)


def test_auc_and_detection_by_hand() -> None:
    assert verify.roc_auc([2, 3], [1, 2]) == 0.875
    assert verify.detection_rate(np.arange(1, 101), [0.0, 0.5, 50.0, 99.0], 0.01) == 0.5
