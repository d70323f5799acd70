"""``graticule index`` from a manifest to matches in JSON, and back out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bundles import GREEN, RED, photo
from graticule.cli.app import main


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for n in range(3):
        photo(tmp_path / f"paris-{n}.png", RED, seed=n, noise=80)
        photo(tmp_path / f"delhi-{n}.png", GREEN, seed=n, noise=80)
    rows = [f"paris-{n}.png,48.85,2.3" for n in range(3)]
    rows += [f"delhi-{n}.png,28.6,77.2" for n in range(3)]
    (tmp_path / "album.csv").write_text("path,lat,lon\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def test_from_a_manifest_to_matches_and_back(
    album: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = album / "index"
    code, out, err = run(capsys, "index", album / "album.csv", "-o", index, "-m", colours)
    assert (code, out.strip()) == (0, f"{index}: 6 photos added, 6 in all")
    assert "is a guess" in err

    wanted = photo(album / "wanted.png", RED, seed=99, noise=80)
    locate = ("locate", wanted, "-m", colours, "--index", index, "-f", "json")
    code, out, _ = run(capsys, *locate)
    assert code == 0
    assert json.loads(out)["matches"][0]["photo"].startswith("paris-")

    code, out, _ = run(capsys, "index", "-o", index, "--delete", "paris-*")
    assert (code, out.strip()) == (0, f"{index}: 3 photos taken out, 3 left")
    code, out, _ = run(capsys, "index", "-o", index)
    assert "3 photos, 3 numbers, colours" in out
    _, out, _ = run(capsys, *locate)
    assert all(m["photo"].startswith("delhi-") for m in json.loads(out)["matches"])


def test_a_folder_that_is_no_index(
    album: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ("locate", album / "paris-0.png", "-m", colours, "--index", album)
    code, _, err = run(capsys, *wrong)
    assert code == 1
    assert "graticule index makes one" in err
    assert len(err.strip().splitlines()) == 1
