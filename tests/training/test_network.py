"""Freezing: what is frozen does not move, batch norm's statistics among it."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from graticule.encoders.registry import build  # noqa: E402
from graticule.encoders.spec import EncoderSpec  # noqa: E402
from graticule.errors import RecipeError  # noqa: E402
from graticule.heads.head import Head  # noqa: E402
from graticule.training.network import Network  # noqa: E402


def network() -> Network:
    torch.manual_seed(0)
    spec = EncoderSpec.model_validate({"name": "tiny", "preprocess": {"size": 32}})
    encoder = build(spec)
    return Network(encoder, Head(encoder.dim, {"x": 3}))


def moved(net: Network, what: object) -> set[str]:
    """Names of the backbone's tensors that a step of training changes."""
    net.learn(what)  # type: ignore[arg-type]
    net.train()
    before = {k: v.clone() for k, v in net.encoder.backbone.state_dict().items()}
    optimizer = torch.optim.SGD(net.groups(0.5, 1.0))
    x = torch.randint(0, 255, (8, 32, 32, 3), dtype=torch.uint8)
    torch.nn.functional.cross_entropy(net(x)["x"], torch.arange(8) % 3).backward()
    optimizer.step()
    after = net.encoder.backbone.state_dict()
    return {k.rpartition(".")[0] for k, v in before.items() if not torch.equal(v, after[k])}


def test_a_frozen_backbone_does_not_move_at_all() -> None:
    assert moved(network(), "head") == set()


def test_a_share_moves_the_top_and_nothing_below() -> None:
    # Layers 0 1 | 3 4 | 6 7 | 9 10: convolution and batch norm of each step.
    assert moved(network(), 0.25) == {"9", "10"}


def test_names_and_all() -> None:
    assert moved(network(), ("3", "4")) == {"3", "4"}
    assert moved(network(), "all") == {"0", "1", "3", "4", "6", "7", "9", "10"}


def test_thawing_in_a_second_phase() -> None:
    net = network()
    assert moved(net, "head") == set()
    assert moved(net, "all") != set()


def test_frozen_batch_norm_uses_its_own_statistics() -> None:
    net = network()
    net.learn("head")
    net.train()
    x = torch.randint(0, 255, (8, 32, 32, 3), dtype=torch.uint8)
    alone, together = net.encoder(x[:1]), net.encoder(x)[:1]
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


def test_a_name_that_begins_no_layer_is_named() -> None:
    with pytest.raises(RecipeError, match="no layer 'layer9'"):
        network().learn(("layer9",))
