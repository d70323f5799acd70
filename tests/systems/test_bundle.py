"""A bundle is whole and unchanged, or it is refused with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bundles import make_bundle
from graticule.errors import BundleError
from graticule.systems.bundle import Bundle, Manifest
from graticule.systems.registry import load_system


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "bundle")


def changed(folder: Path, **values: object) -> None:
    """Write other values into ``system.json``."""
    listing = folder / "system.json"
    listing.write_text(json.dumps(json.loads(listing.read_text()) | values), encoding="utf-8")


def test_a_sealed_bundle_opens(folder: Path) -> None:
    bundle = Bundle(folder)
    assert bundle.manifest.name == "colours"
    assert set(bundle.manifest.files) == {
        "encoder.onnx", "heads.onnx", "partitions/cities.parquet", "partitions/countries.parquet",
    }  # fmt: skip
    assert len(bundle.sha256) == 64
    assert set(load_system(folder).partitions) == {"cities", "countries"}


def test_one_byte_more_is_noticed(folder: Path) -> None:
    with (folder / "heads.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BundleError, match=r"heads.onnx: checksum differs"):
        Bundle(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "partitions" / "cities.parquet").unlink()
    with pytest.raises(BundleError, match=r"cities.parquet: missing"):
        Bundle(folder)


def test_no_file_outside_the_folder_is_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x", encoding="utf-8")
    changed(folder, files={"../secret": "0" * 64})
    with pytest.raises(BundleError, match="outside the bundle"):
        Bundle(folder)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"schema_version": 2}, "newer"),
        ({"schema_version": "one"}, "schema_version"),
        ({"unknown": 1}, "unknown"),
        ({"inputs": [{"size": 1}]}, "size"),
    ],
)
def test_a_listing_that_makes_no_sense(folder: Path, values: dict[str, object], words: str) -> None:
    changed(folder, **values)
    with pytest.raises(BundleError, match=words):
        Bundle(folder)


def test_an_unknown_system_is_said(folder: Path) -> None:
    changed(folder, system="oracle")
    with pytest.raises(BundleError, match=r"no system 'oracle'"):
        load_system(folder)


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="not a bundle"):
        Bundle(tmp_path)


def test_a_network_that_is_none(folder: Path) -> None:
    (folder / "encoder.onnx").write_bytes(b"not a network")
    listing = Manifest.model_validate_json((folder / "system.json").read_text(encoding="utf-8"))
    Bundle.seal(folder, listing)
    with pytest.raises(BundleError, match=r"encoder.onnx: not a network"):
        load_system(folder)
