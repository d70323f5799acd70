"""How well scores tell true claims from false ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def roc_auc(
    true: npt.ArrayLike,
    false: npt.ArrayLike,
    true_weight: npt.ArrayLike | None = None,
    false_weight: npt.ArrayLike | None = None,
) -> float:
    """Area under the ROC curve of scores that should be higher for true claims.

    The weighted Mann–Whitney statistic: the chance that a true claim scores above a false one, ties
    counting half. NaN where there are none of either.
    """
    a, b = np.asarray(true, dtype=np.float64), np.asarray(false, dtype=np.float64)
    if not len(a) or not len(b):
        return float("nan")
    u = np.ones(len(a)) if true_weight is None else np.asarray(true_weight, dtype=np.float64)
    v = np.ones(len(b)) if false_weight is None else np.asarray(false_weight, dtype=np.float64)
    order = np.argsort(b, kind="stable")
    ranked, below = b[order], np.concatenate([[0.0], np.cumsum(v[order])])
    less = below[np.searchsorted(ranked, a, side="left")]
    up_to = below[np.searchsorted(ranked, a, side="right")]
    return float((u * (less + up_to) / 2).sum() / (u.sum() * v.sum()))


def detection_rate(
    true: npt.ArrayLike,
    false: npt.ArrayLike,
    false_alarm: float,
    true_weight: npt.ArrayLike | None = None,
    false_weight: npt.ArrayLike | None = None,
) -> float:
    """Share of false claims that score below what ``false_alarm`` of the true ones score.

    A point of the ROC curve; between two of its corners, on the line that joins them.
    """
    a, b = np.asarray(true, dtype=np.float64), np.asarray(false, dtype=np.float64)
    if not len(a) or not len(b):
        return float("nan")
    u = np.ones(len(a)) if true_weight is None else np.asarray(true_weight, dtype=np.float64)
    v = np.ones(len(b)) if false_weight is None else np.asarray(false_weight, dtype=np.float64)
    corners = np.unique(np.concatenate([a, b]))
    alarm, found = (
        np.concatenate(
            [[0.0], np.cumsum(np.bincount(np.searchsorted(corners, s), w, len(corners)))]
        )
        / w.sum()
        for s, w in ((a, u), (b, v))
    )
    return float(np.interp(false_alarm, alarm, found))
