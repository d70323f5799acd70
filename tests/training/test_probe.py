"""Heads by L-BFGS: what they learn, what rows count, and that it is the same every time."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from graticule.cells.cities import cities  # noqa: E402
from graticule.errors import GraticuleError, RecipeError  # noqa: E402
from graticule.heads.head import Head  # noqa: E402
from graticule.systems.plan import Task  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from graticule.training.probe import Lesson, fit_head  # noqa: E402
from graticule.training.recipe import LossSpec  # noqa: E402
from toy import cities_recipe  # noqa: E402


def lesson(weight: np.ndarray | None = None, n: int = 90) -> Lesson:
    rng = np.random.default_rng(0)
    target = np.arange(n) % 3
    x = torch.from_numpy((np.eye(8)[target] + 0.1 * rng.standard_normal((n, 8))).astype(np.float32))
    tasks = {"a": Task(("x", "y", "z"), target)}
    held = np.arange(n - 9, n)
    return Lesson(x, np.arange(n - 9), held, tasks, np.full((n, 2), np.nan), weight)


def fitted(data: Lesson, **spec: object) -> tuple[Head, object]:
    torch.manual_seed(0)
    head = Head(8, {name: len(task.outcomes) for name, task in data.tasks.items()})
    now = fit_head(head, data, LossSpec(**spec), l2=1e-4, iterations=40)  # type: ignore[arg-type]
    return head, now


def test_it_learns_and_says_how_it_went() -> None:
    data = lesson()
    head, now = fitted(data)
    said = head(data.vectors)["a"].argmax(1).numpy()
    assert (said == data.tasks["a"].target).all()
    history = now.history  # type: ignore[attr-defined]
    assert history[-1]["val_accuracy"] == 1
    assert history[-1]["train_loss"] < history[0]["train_loss"] or len(history) == 1


def test_the_minimum_does_not_depend_on_the_start() -> None:
    data = lesson()
    one, _ = fitted(data)
    torch.manual_seed(7)
    other = Head(8, {"a": 3})
    fit_head(other, data, LossSpec(), l2=1e-4, iterations=200)
    a, b = (torch.softmax(h(data.vectors)["a"], 1) for h in (one, other))
    torch.testing.assert_close(a, b, atol=0.02, rtol=0)


def test_a_head_along_components_is_a_linear_head_of_the_vectors() -> None:
    data = lesson()
    head = Head(8, {"a": 3})
    fit_head(head, data, LossSpec(), l2=1e-4, iterations=40, components=4)
    assert head.out["a"].weight.shape == (3, 8)
    assert (head(data.vectors)["a"].argmax(1).numpy() == data.tasks["a"].target).all()


def test_rows_of_no_weight_teach_nothing() -> None:
    weight = np.ones(90)
    weight[np.arange(90) % 3 == 2] = 0
    head, _ = fitted(lesson(weight))
    assert (head(lesson().vectors)["a"].argmax(1).numpy() != 2).all()


def test_rows_without_a_label_or_a_vector_are_left_out() -> None:
    data = lesson()
    data.tasks["a"].target[:5] = -1
    data.vectors[5] = float("nan")
    head, _ = fitted(data)
    assert torch.isfinite(head(data.vectors[6:])["a"]).all()


def test_smoothed_labels_lean_to_the_near_cell() -> None:
    places = cities({"FR:Paris": (48.9, 2.4), "GB:London": (51.5, -0.1), "JP:Tokyo": (35.7, 139.7)})
    data = lesson()
    for tau, loss in ((None, {"kind": "haversine", "tau_km": 300}), (300.0, {})):
        task = Task(places.ids, data.tasks["a"].target, places, smooth_km=tau)
        near = Lesson(data.vectors, data.learn, data.held_out, {"a": task}, data.latlon)
        head, _ = fitted(near, **loss)
        p = torch.softmax(head(data.vectors[:1])["a"], 1)[0]
        assert p[1] > 3 * p[2]  # a photo of Paris: rather London than Tokyo


def test_a_broken_vector_is_said_in_one_line() -> None:
    data = lesson()
    data.vectors[3, 2] = float("inf")
    with pytest.raises(GraticuleError, match="loss is no number under lbfgs"):
        fitted(data)


def test_a_recipe_whose_encoder_learns_cannot_use_it() -> None:
    with pytest.raises(RecipeError, match="lbfgs learns from kept vectors"):
        recipes.parse(cities_recipe(optimizer="lbfgs"), "mine.yaml")
