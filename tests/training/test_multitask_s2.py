"""S4 and ISN from a recipe to a bundle, on the planet; and what a missing label does: nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")

from graticule import sphere  # noqa: E402
from graticule.calibration import Calibration  # noqa: E402
from graticule.cells.adaptive import adaptive  # noqa: E402
from graticule.encoders import registry  # noqa: E402
from graticule.encoders.export import export  # noqa: E402
from graticule.errors import BundleError, RecipeError  # noqa: E402
from graticule.heads.head import Head, LogProbabilities  # noqa: E402
from graticule.photos.manifest import Manifest  # noqa: E402
from graticule.photos.photo import open_photo  # noqa: E402
from graticule.systems.bundle import Bundle  # noqa: E402
from graticule.systems.plan import Task  # noqa: E402
from graticule.systems.registry import load_system  # noqa: E402
from graticule.training import losses, run, write  # noqa: E402
from graticule.training import recipe as recipes  # noqa: E402
from graticule.training.loader import Batch  # noqa: E402
from graticule.training.loop import total_loss  # noqa: E402
from graticule.training.network import Network  # noqa: E402
from graticule.training.recipe import LossSpec  # noqa: E402
from toy import make_photos  # noqa: E402

CPU = run.Options(device="cpu", workers=0)
PLACES = sphere.uniform(200, np.random.default_rng(0))
FINE = adaptive(PLACES, 40, 1, name="fine")
#: Two tasks as S4 has them: one over places, one over scenes.
TASKS = {
    "fine": Task(FINE.ids, FINE.assign(PLACES), FINE),
    "scenes": Task(("indoor", "natural", "urban"), np.arange(200) % 3),
}
ONE = "[{name: a, max: 9, min: 1}]"
ISN = {"helper", "cells-indoor", "cells-natural", "cells-urban"}
CELLS = (
    "[{name: coarse, max: 40, min: 1}, {name: middle, max: 20, min: 1}, "
    "{name: fine, max: 10, min: 1}]"
)


def small(name: str, *changes: str) -> recipes.Recipe:
    """A recipe that ships, on a network that learns in seconds."""
    phases = "[{epochs: 2, learn: all, learning_rate: 0.003}]"
    return recipes.load(
        name,
        [
            "encoder={name: tiny, preprocess: {size: 32, resize: squash}}",
            "augment=none",
            "optimizer=adam",
            "batch_size=16",
            f"phases={phases}",
            f"networks.helper.phases={phases}",
            f"settings.cells={CELLS}",
            *changes,
        ],
    )


# --- a missing label -----------------------------------------------------------------------------


def gradients(network: Network, kind: str, targets: dict[str, Any], rows: Any) -> dict[str, Any]:
    """Of the total loss over some rows, by parameter."""
    spec = LossSpec.model_validate({"kind": kind})
    everyone = np.ones(len(PLACES), dtype=bool)
    made = {name: losses.build(spec, task, everyone) for name, task in TASKS.items()}
    pixels = torch.from_numpy(
        np.random.default_rng(1).integers(0, 255, (24, 32, 32, 3), dtype=np.uint8)
    )
    batch = Batch(
        pixels[rows],
        {name: torch.from_numpy(target[rows]) for name, target in targets.items()},
        torch.from_numpy(PLACES[:24][rows]),
        torch.from_numpy(rows),
    )
    network.zero_grad()
    used = dict.fromkeys(targets, 1.0)
    logits = network(batch.x)
    total_loss(made, used, logits, batch, {}).backward()
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in network.named_parameters()
    }


def net() -> Network:
    torch.manual_seed(0)
    spec = small("s4").network("multitask")
    encoder = registry.build(spec.start)
    head = Head(encoder.dim, {name: len(task.outcomes) for name, task in TASKS.items()})
    # In training batch norm ties the rows of a batch together; the losses must not.
    return Network(encoder, head).eval()


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(["cross_entropy", "inverse_frequency", "haversine"]),
    st.integers(0, 2**31 - 1),
    st.floats(0.0, 1.0),
)
def test_a_missing_label_adds_nothing_to_its_tasks_loss(
    kind: str, seed: int, missing: float
) -> None:
    """Labels hidden at random: the gradient is that of each task on its labelled rows alone."""
    rng = np.random.default_rng(seed)
    known = {name: rng.random(24) >= missing for name in TASKS}
    targets = {
        name: np.where(known[name], task.target[:24], -1).astype(np.int64)
        for name, task in TASKS.items()
    }
    network = net()
    whole = gradients(network, kind, targets, np.arange(24))
    apart = {name: torch.zeros_like(p) for name, p in network.named_parameters()}
    for task, mask in known.items():
        if mask.any():
            alone = gradients(network, kind, {task: targets[task]}, np.flatnonzero(mask))
            apart = {name: value + alone[name] for name, value in apart.items()}
    for name, value in whole.items():
        torch.testing.assert_close(value, apart[name], rtol=1e-3, atol=1e-5, msg=name)


def test_a_batch_without_any_label_of_a_task_moves_nothing_of_its_head() -> None:
    nothing = np.full(24, -1, np.int64)
    targets = {"fine": TASKS["fine"].target[:24], "scenes": nothing}
    found = gradients(net(), "cross_entropy", targets, np.arange(24))
    assert not found["head.out.scenes.weight"].any()
    assert found["head.out.fine.weight"].any()
    assert all(bool(torch.isfinite(value).all()) for value in found.values())


def test_a_curriculum_leaves_a_task_out_of_a_phase(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    table = make_photos(tmp_path / "p", 24)
    cells = f"settings.cells={ONE}"
    found = []
    for rate in (0.01, 0.001):
        phases = f"[{{epochs: 1, learn: all, learning_rate: {rate}, tasks: {{scenes: 0}}}}]"
        wanted = small(
            "s4", f"phases={phases}", "settings.helper=false", "settings.decode=a", cells
        )
        bundle = run.train(wanted, table, tmp_path / f"b{rate}", CPU)
        found.append(load_file(bundle.path / "weights" / "multitask.safetensors"))
    fast, slow = found
    assert torch.equal(fast["head.out.scenes.weight"], slow["head.out.scenes.weight"])
    assert not torch.equal(fast["head.out.a.weight"], slow["head.out.a.weight"])
    with pytest.raises(RecipeError, match=r"phases\.tasks names 'scene'"):
        run.train(
            small("s4", "phases=[{tasks: {scene: 0}}]", "settings.helper=false", cells),
            table,
            tmp_path / "d",
            CPU,
        )


# --- whole systems on the planet -----------------------------------------------------------------


@pytest.fixture(scope="module")
def planet(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A planet smaller than that of other tests: four networks learn on it."""
    from graticule.photos.planet import make

    return make(tmp_path_factory.mktemp("small"), 90, countries=4, seed=7, size=(64, 48))


def trained(name: str, planet: Manifest, out: Path, *changes: str) -> tuple[Any, Any, Bundle]:
    """The jobs' results, the outcome and the bundle of a recipe, trained on the planet."""
    wanted = small(name, *changes)
    trainer, notes = run.prepare(wanted, planet.path, out, CPU)
    results, outcome = run.run_jobs(trainer)
    rows = trainer.rows
    facts = {"manifest_sha256": "", "train_photos": 1, "validation_photos": 1}
    story = write.Story(
        wanted,
        write.provenance(facts, results, 0.0),
        tuple(notes),
        (),
        run.judge(outcome, rows, Calibration()),
    )
    return trainer, outcome, write.write_bundle(out, results, outcome, Calibration(), story)


@pytest.mark.parametrize(
    ("recipe", "changes", "networks"),
    [
        ("s4", (), {"multitask"}),
        ("s4", ("settings.decode=middle", "settings.helper=false"), {"multitask"}),
        ("isn", (), ISN),
        ("isn", ("settings.routing=soft",), ISN),
    ],
    ids=["s4", "s4-middle-alone", "isn-hard", "isn-soft"],
)
def test_the_bundle_says_what_the_trained_networks_say(
    planet: Manifest, tmp_path: Path, recipe: str, changes: tuple[str, ...], networks: set[str]
) -> None:
    trainer, outcome, bundle = trained(recipe, planet, tmp_path / "b", *changes)
    listed = bundle.manifest.settings.get("networks") or {"multitask": {}}
    assert set(listed) == networks
    system = load_system(bundle.path)
    rows = np.arange(12)
    pixels = [np.stack([system.inputs[0](open_photo(trainer.files[i]).image) for i in rows])]
    said = system.predict(pixels)
    point = bundle.manifest.point_task
    assert point == ("middle" if "settings.decode=middle" in changes else "fine")
    np.testing.assert_allclose(said.beliefs[point].p, np.exp(outcome.log_p(rows)), atol=2e-3)
    for belief in said.beliefs.values():
        np.testing.assert_allclose(belief.p.sum(axis=1), 1, rtol=1e-4)
    assert said.scenes is not None
    assert said.scenes.over.ids == ("indoor", "natural", "urban")
    assert (said.spoke is None) == (recipe == "s4")
    # One photo alone says what it says among others: routing picks rows, not batches.
    alone = system.predict([pixels[0][5:6]]).beliefs["fine"].p
    np.testing.assert_allclose(alone[0], said.beliefs["fine"].p[5], atol=1e-4)
    report = (bundle.path / "report.md").read_text(encoding="utf-8")
    if recipe == "isn" and not changes:
        # Hard routing gives the belief of the likeliest scene's network, unmixed.
        spoke = said.spoke or ()
        assert list(spoke) == [said.scenes.over.ids[i] for i in said.scenes.p.argmax(1)]
        for row, scene in enumerate(spoke[:3]):
            own, _ = system._networks.run(f"cells-{scene}", [pixels[0][row : row + 1]])  # type: ignore[attr-defined]
            coarse = said.beliefs["coarse"].log_p[row]
            np.testing.assert_allclose(np.exp(own["coarse"][0]), np.exp(coarse), atol=1e-4)
    for words in ("| coarse |", "| middle |", "| fine |", "| f* |", "| urban |", "cell"):
        assert words in report


@pytest.mark.parametrize("name", ["s4", "isn", "scenes"])
def test_the_recipes_are_listed_and_their_backbones_agree(name: str) -> None:
    assert name in recipes.list_recipes()
    assert recipes.load(name).encoder.name == "resnet50"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "dim"),
    [("resnet18", 512), ("resnet50", 2048), ("resnet101", 2048), ("regnetx_002", 368)],
)
def test_any_backbone_by_one_line(name: str, dim: int) -> None:
    wanted = recipes.load("s4", [f"encoder.name={name}", "encoder.pretrained=false"])
    encoder = registry.build(wanted.network("multitask").start)
    assert encoder.dim == dim
    tasks = {"coarse": 5, "middle": 9, "fine": 17, "scenes": 3}
    network = Network(encoder, Head(encoder.dim, tasks)).eval()
    with torch.inference_mode():
        logits = network(torch.zeros(1, 64, 64, 3, dtype=torch.uint8))
    assert {task: value.shape[1] for task, value in logits.items()} == tasks


# --- wrong parts ---------------------------------------------------------------------------------


def test_a_head_of_another_encoder_is_named(planet: Manifest, tmp_path: Path) -> None:
    wanted = small("s4", "phases=[{epochs: 0}]", "settings.helper=false")
    bundle = run.train(wanted, planet.path, tmp_path / "b", CPU)
    sizes = {name: len(bundle.partition(name)) for name in ("coarse", "middle", "fine")}
    head = Head(512, sizes | {"scenes": 3})
    export(
        LogProbabilities(head),
        torch.zeros(1, 512),
        bundle.path / "heads.onnx",
        input_name="embedding",
        outputs=head.tasks,
    )
    Bundle.seal(bundle.path, bundle.manifest)
    with pytest.raises(BundleError, match=r"'multitask' gives vectors of 64 .* head wants 512"):
        load_system(bundle.path)


def test_too_few_photos_for_cells_name_the_setting(planet: Manifest, tmp_path: Path) -> None:
    wanted = small("s4", "settings.helper=false", "settings.cells.0.min=9000",
                   "settings.cells.0.max=9000")  # fmt: skip
    with pytest.raises(RecipeError, match=r"manifest\.csv.*: \w+ cells: .*settings\.cells\.0\.min"):
        run.train(wanted, planet.path, tmp_path / "b", CPU)


def test_init_from_a_bundle_of_another_encoder_is_named(tmp_path: Path) -> None:
    table = make_photos(tmp_path / "p", 24)
    common = ("phases=[{epochs: 0}]", "settings.helper=false", f"settings.cells={ONE}")
    run.train(small("s4", *common), table, tmp_path / "a", CPU)
    other = small("s4", *common, "encoder={name: mobilenetv2, preprocess: {size: 32}}")
    options = run.Options(device="cpu", workers=0, init=tmp_path / "a")
    with pytest.raises(RecipeError, match=r"wants vectors of 64 numbers.*encoder gives 1280"):
        run.train(other, table, tmp_path / "b", options)
