"""``graticule index`` from a manifest to matches in JSON, and back out."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from bundles import GREEN, RED, photo
from graticule.cli.app import main
from graticule.refine.photo_index import PhotoIndex


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


@pytest.mark.slow
def test_killed_while_adding_and_gone_on_with_is_as_if_never_killed(
    album: Path, colours: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SIGKILL at moments that nobody chose, until a run comes to its end."""
    lines = ["path,lat,lon"]
    for n in range(60):
        photo(album / f"many-{n}.png", (n * 4, 255 - n * 4, 90), seed=n, noise=60)
        lines.append(f"many-{n}.png,{n},{n}")
    (album / "many.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    index = album / "index"
    # Portions of three photos, so that there is much to interrupt.
    program = (
        "from graticule.locate import albums; albums.PORTION = albums._BATCH = 3; "
        "from graticule.cli.app import main; main()"
    )
    words = ["index", str(album / "many.csv"), "-o", str(index), "-m", str(colours)]
    rng = np.random.default_rng(0)
    kills, held = 0, 0
    while True:
        ran = subprocess.Popen(
            [sys.executable, "-c", program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        grown = held
        # Once it has written something new it may be killed at any moment.
        while ran.poll() is None and grown == held:
            time.sleep(0.005)
            if (index / "index.json").is_file():
                grown = len(PhotoIndex(index))
        time.sleep(float(rng.uniform(0, 0.05)))
        if kills < 8:
            ran.kill()
        _, err = ran.communicate()
        opened = PhotoIndex(index)
        assert len(opened) >= grown, "nothing that was written is lost"
        assert len(opened.rows) == sum(len(part) for part in opened.vectors)
        held = len(opened)
        if ran.returncode == 0:
            break
        assert ran.returncode == -signal.SIGKILL, err.decode()
        kills += 1
    assert kills >= 3, "it was killed while it worked"
    whole = PhotoIndex(index)
    assert sorted(whole.rows.photos) == sorted(f"many-{n}.png" for n in range(60))
    assert whole.about["weighed"]
    straight = album / "straight"
    assert run(capsys, "index", album / "many.csv", "-o", straight, "-m", colours)[0] == 0
    kept, plain = (
        dict(zip(one.rows.photos, np.concatenate(one.vectors), strict=True))
        for one in (whole, PhotoIndex(straight))
    )
    assert all(np.array_equal(kept[name], vector) for name, vector in plain.items())
    left = {file.stem for file in index.glob("*.npy")}
    assert left == {f"{shard['number']:05d}" for shard in whole.about["shards"]}
