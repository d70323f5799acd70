"""Use an installed graticule the way its users do, with every road to the network closed.

Run by ``make check-base`` with the Python of an environment that holds the wheel and nothing else.
Exits 1 with a line for each thing that is wrong.
"""

from __future__ import annotations

import importlib.util
import io
import json
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

#: Packages of the extras: none may be present, or the check proves nothing.
FOREIGN = ("torch", "torchvision", "timm", "lightning", "matplotlib", "sklearn", "faiss", "pandas")


def _closed(*_: object, **__: object) -> None:
    raise OSError("the network is closed")


def photograph() -> bytes:
    """A JPEG made here: a sky over a field."""
    from PIL import Image

    image = Image.new("RGB", (640, 480), (120, 170, 230))
    image.paste((90, 130, 60), (0, 280, 640, 480))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG")
    return buffer.getvalue()


def problems(folder: Path) -> list[str]:
    """What does not work, one line each."""
    found = [f"{name} is installed" for name in FOREIGN if importlib.util.find_spec(name)]
    socket.socket.connect = _closed  # type: ignore[assignment, method-assign]
    socket.getaddrinfo = _closed  # type: ignore[assignment]
    import graticule

    photo = folder / "field.jpg"
    photo.write_bytes(photograph())
    answers = graticule.load().locate(images=[photo], always_answer=True)
    if answers[0].error or not answers[0].countries or answers[0].point is None:
        found.append(f"locate gave no answer: {answers[0]}")
    if any(name in sys.modules for name in FOREIGN):
        found.append("locating imported a package of an extra")
    cli = [sys.executable, "-m", "graticule"]
    ran = subprocess.run(
        [*cli, "locate", str(photo), "--format", "json", "--always-answer"],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0 or json.loads(ran.stdout)["error"] is not None:
        found.append(f"graticule locate: exit {ran.returncode}: {ran.stderr.strip()}")
    page = folder / "map.html"
    subprocess.run(
        [*cli, "locate", str(photo), "--format", "html", "--output", str(page)], check=False
    )
    if not page.is_file() or "http://" in page.read_text(encoding="utf-8").replace(
        "http://www.w3.org", ""
    ):
        found.append("map.html is missing or reaches for the network")
    return found


def main() -> int:
    """Print what is wrong and return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        found = problems(Path(folder))
    for line in found:
        print(f"base install: {line}", file=sys.stderr)
    if not found:
        version = ".".join(map(str, sys.version_info[:3]))
        print(f"base install, Python {version}: locates, draws its map, needs no extra, no network")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
