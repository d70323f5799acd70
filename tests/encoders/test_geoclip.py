"""GeoCLIP's networks against the package they come from, with a random CLIP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graticule.errors import BundleError
from tiny_clip import save_clip

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
geoclip = pytest.importorskip("geoclip")
pytest.importorskip("onnx")

PLACES = np.array([[48.86, 2.35], [28.61, 77.21], [-22.91, -43.17], [0.0, 179.9], [-89.0, 0.0]])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_clip(tmp_path_factory.mktemp("clip"))


def test_the_gallery_is_the_packages_own() -> None:
    from graticule.encoders.geoclip import packaged_gallery

    points = packaged_gallery()
    assert points.shape == (100_000, 2)
    assert np.abs(points).max(axis=0).tolist() < [90, 180]


def test_places_are_encoded_as_the_package_does() -> None:
    from graticule.encoders.geoclip import encode_gallery

    own = geoclip.LocationEncoder().eval()
    # In the order in which a gallery is encoded: with several threads the rounding of a row hangs
    # on where it stands, and high frequencies make it show.
    once, back = np.unique(PLACES, axis=0, return_inverse=True)
    with torch.inference_mode():
        expected = own(torch.tensor(once, dtype=torch.float32))
        expected = torch.nn.functional.normalize(expected, dim=1).numpy()[back.reshape(-1)]
    assert np.allclose(encode_gallery(PLACES), expected, atol=1e-6)


def test_another_size_of_clip_is_refused(tmp_path: Path) -> None:
    from graticule.encoders.geoclip import load_clip

    with pytest.raises(BundleError, match="gives 512 numbers for 224 pixels, GeoCLIP needs 768"):
        load_clip(save_clip(tmp_path / "b", projection=512))
    with pytest.raises(BundleError, match="for 96 pixels"):
        load_clip(save_clip(tmp_path / "c", pixels=96))


def test_half_a_file_and_none_are_said(clip: Path, tmp_path: Path) -> None:
    from graticule.encoders.geoclip import load_clip

    with pytest.raises(BundleError, match=r"config\.json: missing"):
        load_clip(tmp_path)
    for name in ("config.json", "model.safetensors"):
        whole = (clip / name).read_bytes()
        (tmp_path / name).write_bytes(whole if name == "config.json" else whole[: len(whole) // 2])
    with pytest.raises(BundleError, match="graticule models get geoclip") as raised:
        load_clip(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def beside(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """The package's model and our bundle, of one CLIP and one gallery."""
    from graticule.encoders.geoclip import packaged_gallery
    from graticule.systems.geoclip_bundle import make_bundle
    from graticule.systems.registry import load_system

    points = packaged_gallery()[:3000]
    folder = tmp_path_factory.mktemp("beside") / "bundle"
    make_bundle(clip, folder, points=points)
    return _package(clip, points), load_system(folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [("wide.png", (640, 480)), ("tall.jpg", (1200, 1600)), ("small.jpg", (150, 90))],
)
@pytest.mark.parametrize("given", ["path", "image"])
def test_the_bundle_answers_as_the_package(
    beside: tuple[Any, Any], tmp_path: Path, name: str, size: tuple[int, int], given: str
) -> None:
    """Same places, same order, same shares, from a path and from a Pillow image."""
    from PIL import Image

    theirs, system = beside
    noise = np.random.default_rng(0).integers(0, 255, (70, 310, 3), np.uint8)
    Image.fromarray(noise).resize(size).save(tmp_path / name)
    places, shares = theirs.predict(str(tmp_path / name), 50)
    source = tmp_path / name if given == "path" else Image.open(tmp_path / name)
    crops = system.crops(system.open(source).image)
    belief = system.predict([crop[None] for crop in crops]).beliefs["gallery"]
    order, p = belief.top(50)
    assert np.abs(belief.over.centers[order[0]] - places.numpy()).max() < 1e-4
    assert np.abs(p[0] - shares.numpy()).max() < 1e-4


@pytest.mark.slow
def test_a_gallery_encoded_without_torch_is_the_packages_within_a_thousandth(
    beside: tuple[Any, Any], tmp_path: Path
) -> None:
    from graticule.cells.gallery import gallery
    from graticule.encoders.geoclip import encode_gallery, packaged_gallery
    from graticule.systems.own_gallery import vectors_of

    points = packaged_gallery()[5000:5400]
    own = vectors_of(gallery(points), beside[1].bundle)
    cosine = (own.vectors * encode_gallery(points)).sum(axis=1)
    assert cosine.min() > 0.999


def _package(clip: Path, points: np.ndarray) -> torch.nn.Module:
    """The package's model around a CLIP of ours, without its download."""
    model = geoclip.GeoCLIP.__new__(geoclip.GeoCLIP)
    torch.nn.Module.__init__(model)
    from geoclip.model.image_encoder import ImageEncoder

    side = ImageEncoder.__new__(ImageEncoder)
    torch.nn.Module.__init__(side)
    side.CLIP = transformers.CLIPModel.from_pretrained(clip)
    side.image_processor = transformers.CLIPImageProcessor()
    side.mlp = torch.nn.Sequential(
        torch.nn.Linear(768, 768), torch.nn.ReLU(), torch.nn.Linear(768, 512)
    )
    model.image_encoder = side
    model.location_encoder = geoclip.LocationEncoder()
    model.logit_scale = torch.nn.Parameter(torch.tensor(0.0))
    model.gps_gallery = torch.tensor(points, dtype=torch.float32)
    model.weights_folder = str(Path(geoclip.__file__).parent / "model" / "weights")
    model._load_weights()
    return model.eval()
