"""An encoder cut in two says what the whole says, whatever its family."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from graticule.encoders.encoder import Encoder  # noqa: E402
from graticule.encoders.registry import build  # noqa: E402
from graticule.encoders.spec import EncoderSpec  # noqa: E402
from graticule.encoders.split import Split  # noqa: E402
from graticule.errors import RecipeError  # noqa: E402


def encoder(name: str, size: int) -> Encoder:
    torch.manual_seed(0)
    spec = {"name": name, "preprocess": {"size": size, "resize": "squash"}}
    return build(EncoderSpec.model_validate(spec)).eval()


def beginning(whole: Encoder, *begins: str) -> list[str]:
    return [name for name, _ in whole.layers() if name.startswith(begins)]


@pytest.mark.parametrize(
    ("name", "size", "begins", "shape"),
    [
        ("tiny", 32, "9", (48, 4, 4)),
        ("resnet50v2", 64, "stage4", (1024, 4, 4)),
        ("mobilenetv2", 64, "conv51", (320, 2, 2)),
        pytest.param("resnet50", 64, "layer4", (1024, 4, 4), marks=pytest.mark.slow),
        pytest.param("vgg16", 64, "features.28", (512, 4, 4), marks=pytest.mark.slow),
        pytest.param("inception_v3", 96, "Mixed_7", (768, 4, 4), marks=pytest.mark.slow),
        pytest.param("efficientnet_b0", 64, "blocks.6", (192, 2, 2), marks=pytest.mark.slow),
        pytest.param("vit_base_patch16_224", 224, "blocks.11", (197, 768), marks=pytest.mark.slow),
        pytest.param(
            "torchvision/resnet18", 64, "features.layer4", (256, 4, 4), marks=pytest.mark.slow
        ),
    ],
)
def test_the_halves_are_the_whole(
    name: str, size: int, begins: str, shape: tuple[int, ...]
) -> None:
    whole = encoder(name, size)
    split = Split(whole, beginning(whole, begins))
    assert split.shape == shape
    pixels = torch.randint(0, 255, (3, size, size, 3), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(split.upper(split.lower(pixels)), whole(pixels))


def test_the_upper_half_learns_the_encoders_own_layers() -> None:
    whole = encoder("tiny", 32)
    split = Split(whole, beginning(whole, "9"))
    maps = split.lower(torch.randint(0, 255, (4, 32, 32, 3), dtype=torch.uint8)).detach()
    whole.train()
    split.upper(maps).sum().backward()
    learned = {name for name, p in whole.backbone.named_parameters() if p.grad is not None}
    assert learned == {"9.weight", "10.weight", "10.bias"}
    # In training, batch norm takes its statistics from the batch.
    assert whole.backbone.get_buffer("10.num_batches_tracked") == 1


def test_the_key_is_of_what_lies_below() -> None:
    whole, other = encoder("tiny", 32), encoder("tiny", 32)
    with torch.no_grad():
        other.backbone.get_parameter("9.weight").add_(1)
    names = beginning(whole, "9")
    assert Split(whole, names).weights == Split(other, names).weights
    with torch.no_grad():
        other.backbone.get_parameter("0.weight").add_(1)
    assert Split(whole, names).weights != Split(other, names).weights
    assert Split(whole, names).label != Split(whole, beginning(whole, "6", "9")).label


def test_a_token_that_learns_leaves_only_what_is_below_it() -> None:
    """ViT's class token joins after the patches are embedded."""
    whole = encoder("vit_tiny_patch16_224", 224)
    split = Split(whole, ["", *beginning(whole, "blocks.11")])
    assert split.shape == (196, 192)


@pytest.mark.parametrize("begins", ["", "0"])
def test_nothing_below_is_an_error_that_says_what_to_do(begins: str) -> None:
    whole = encoder("tiny", 32)
    with pytest.raises(RecipeError, match=r"tiny has no frozen part.*features: never"):
        Split(whole, beginning(whole, begins))


def test_steps_that_cannot_be_traced_are_said_to_be_so() -> None:
    class Fickle(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = torch.nn.Conv2d(3, 4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.one(x) if x.mean() > 0 else self.one(-x)

    spec = EncoderSpec.model_validate({"name": "fickle", "preprocess": {"size": 32}})
    with pytest.raises(RecipeError, match="cannot be traced"):
        Split(Encoder(Fickle(), spec, 4), ["one"])
