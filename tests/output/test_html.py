"""The map: one file, closed to the network, safe against names, and drawn by a real browser."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.answer import Answer, Match
from graticule.output import write
from graticule.output.html import pack, record, thumbnail

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")


class Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[int, str] = {}
        self.closed = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.closed = False

    def handle_endtag(self, tag: str) -> None:
        self.closed = True

    def handle_data(self, data: str) -> None:
        if not self.closed:
            self.texts[len(self.tags) - 1] = self.texts.get(len(self.tags) - 1, "") + data

    def text(self, tag: str, **attributes: str) -> str:
        for number, (name, found) in enumerate(self.tags):
            if name == tag and attributes.items() <= found.items():
                return self.texts.get(number, "")
        raise AssertionError(f"no {tag} {attributes}")


@pytest.fixture
def file(answers: list[Answer], tmp_path: Path) -> Path:
    Image.new("RGB", (800, 600), (200, 90, 30)).save(tmp_path / "real.jpg")
    shown = [*answers, answers[0].model_copy(update={"photo": str(tmp_path / "real.jpg")})]
    write(shown, "html", tmp_path / "map.html")
    return tmp_path / "map.html"


@pytest.fixture
def page(file: Path) -> Elements:
    parser = Elements()
    parser.feed(file.read_text(encoding="utf-8"))
    return parser


def test_the_page_asks_for_nothing(file: Path, page: Elements) -> None:
    text = file.read_text(encoding="utf-8")
    assert "http://" not in text
    assert "https://" not in text
    assert not [tag for tag, _ in page.tags if tag in {"link", "img", "iframe", "object"}]
    assert not [found for tag, found in page.tags if "src" in found or "href" in found]


def test_only_its_own_script_may_run(page: Elements) -> None:
    policy = next(f["content"] for _, f in page.tags if f.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    scripts = [n for n, (tag, found) in enumerate(page.tags) if tag == "script" and not found]
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(page.texts[scripts[0]].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_names_cannot_become_markup(page: Elements, answers: list[Answer]) -> None:
    lines = page.text("script", id="photos").strip().split("\n")
    photos = [json.loads(line) for line in lines]
    assert len(photos) == 7
    assert photos[5]["photo"] == answers[5].photo
    assert not [tag for tag, found in page.tags if "onerror" in found or tag == "b"]


def test_thumbnails_are_small_and_bare(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera of a Person"
    Image.new("RGB", (3000, 2000), (1, 2, 3)).save(tmp_path / "a.jpg", exif=exif)
    made = thumbnail(tmp_path / "a.jpg")
    data = base64.b64decode(made.removeprefix("data:image/jpeg;base64,"))
    assert len(data) < 4000
    assert b"Person" not in data
    assert thumbnail(tmp_path / "absent.jpg") is None


def test_a_record_holds_what_the_page_shows(abstained: Answer, beijing: Answer) -> None:
    assert record(abstained)["point"] is None
    assert record(abstained)["why"].startswith("indoors")
    assert record(beijing)["countries"][0] == ("CN", "China", 0.71)


def test_who_matched_is_shown(beijing: Answer) -> None:
    found = (Match(photo="albums/temple.jpg", lat=39.9, lon=116.4, similarity=0.9, share=0.8),)
    shown = record(beijing.model_copy(update={"matches": found}))
    assert shown["matches"] == [("albums/temple.jpg", 39.9, 116.4, 0.8)]


@needs_chromium
def test_a_browser_shows_places_far_apart_and_who_spoke(torn: Answer, tmp_path: Path) -> None:
    assert record(torn)["hypotheses"][0][0] == "Beijing, China"
    assert record(torn)["hypotheses"][1] == ("Tokyo, Japan", 35.7, 139.7, 0.31)
    write([torn], "html", tmp_path / "map.html")
    dom = chromium(tmp_path / "map.html", tmp_path, "--dump-dom")
    dom = re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
    assert "Either" in dom
    assert "Tokyo, Japan" in dom
    assert "the network of the scene coast" in dom
    assert 'id="others" hidden' not in dom


@needs_chromium
def test_a_browser_names_the_photos_that_matched(beijing: Answer, tmp_path: Path) -> None:
    found = (
        Match(photo="albums/<b>temple.jpg", lat=39.9, lon=116.4, similarity=0.9, share=0.8),
        Match(photo="albums/wall.jpg", lat=40.4, lon=116.5, similarity=0.8, share=0.2),
    )
    shown = [beijing.model_copy(update={"matches": found, "photo": f"{i}.jpg"}) for i in range(7)]
    write(shown, "html", tmp_path / "map.html")
    dom = re.sub(
        r"<script.*?</script>",
        "",
        chromium(tmp_path / "map.html", tmp_path, "--dump-dom"),
        flags=re.DOTALL,
    )
    assert "Alike among yours" in dom
    assert ">&lt;b&gt;temple.jpg<" in dom
    assert "80 %" in dom
    assert 'id="alike" hidden' not in dom
    write([beijing], "html", tmp_path / "map.html")
    assert re.search(r'id="alike" hidden', chromium(tmp_path / "map.html", tmp_path, "--dump-dom"))


def unpack(text: str) -> list[np.ndarray]:
    numbers, value, shift = [], 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if not byte & 128:
            numbers.append(value // 2 if value % 2 == 0 else -(value + 1) // 2)
            value = shift = 0
    lines = []
    while numbers:
        n = numbers.pop(0)
        steps = np.array(numbers[: 2 * n]).reshape(n, 2)
        del numbers[: 2 * n]
        lines.append(steps.cumsum(axis=0) / 100)
    return lines


def test_lines_survive_packing() -> None:
    lines = [np.array([[-180, -90], [180, -90], [0.01, 83.64]]), np.array([[5.5, 1], [5.51, 1]])]
    for before, after in zip(lines, unpack(pack(lines)), strict=True):
        np.testing.assert_allclose(before, after)


def chromium(file: Path, tmp_path: Path, *flags: str) -> str:
    assert CHROMIUM
    ran = subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
            *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
            *("--force-prefers-reduced-motion", "--enable-logging=stderr"),
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={tmp_path / 'net.json'}",
            "--virtual-time-budget=4000",
            *flags,
            file.as_uri() + "#7",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "CONSOLE" not in ran.stderr, ran.stderr
    return ran.stdout


@needs_chromium
def test_a_browser_draws_it_without_the_network(file: Path, tmp_path: Path) -> None:
    dom = chromium(file, tmp_path, "--dump-dom")
    assert 'data-ready="7"' in dom
    assert dom.count('class="card"') == 7
    drawn = re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
    assert drawn.count("indoors: nothing outside is seen") == 1
    parser = Elements()
    parser.feed(drawn)
    assert not [tag for tag, found in parser.tags if "onerror" in found]
    assert 'aria-expanded="true"' in dom  # "#7" opened the seventh photo
    asked = set(re.findall(r'"url":"((?:https?|wss?):[^"]*)"', (tmp_path / "net.json").read_text()))
    own = {url for url in asked if "google" in url or "gvt" in url}  # the browser's, not the page's
    assert asked <= own, asked - own


@needs_chromium
def test_a_photo_goes_by_the_last_part_of_its_path(answers: list[Answer], tmp_path: Path) -> None:
    names = {"a/caf\\xe9.jpg": "caf\\xe9.jpg", "C:\\photos\\b.jpg": "b.jpg"}
    shown = [answers[0].model_copy(update={"photo": path}) for path in names]
    write(shown, "html", tmp_path / "map.html")
    dom = chromium(tmp_path / "map.html", tmp_path, "--dump-dom")
    assert re.findall(r'<div class="name"[^>]*>(.*?)</div>', dom) == list(names.values())


@needs_chromium
@pytest.mark.slow
@pytest.mark.parametrize("size", ["1400,900", "500,844"])
@pytest.mark.parametrize("scheme", ["0", "1"])
def test_every_size_and_scheme_is_drawn(file: Path, tmp_path: Path, size: str, scheme: str) -> None:
    shot = tmp_path / "shot.png"
    flags = (f"--window-size={size}", f"--blink-settings=preferredColorScheme={scheme}")
    chromium(file, tmp_path, f"--screenshot={shot}", *flags)
    pixels = np.asarray(Image.open(shot).convert("RGB")).reshape(-1, 3).astype(int)
    dark = np.median(pixels.sum(axis=1)) < 300
    assert dark == (scheme == "0")
    for colours in (((255, 138, 76), (200, 67, 10)), ((22, 33, 43), (221, 232, 238))):
        colour = colours[0] if dark else colours[1]  # the accent and the sea: the map is there
        assert (np.abs(pixels - colour).sum(axis=1) < 12).sum() > 100


#: Hands on the page: what each step leaves is collected in its title.
HANDS = """
const seen = {}, map = document.getElementById("map"), picture = () => map.toDataURL();
const key = (node, name) =>
  node.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
const cards = () => [...document.querySelectorAll("#list .card")];
const touch = (type, id, x, y) => map.dispatchEvent(new PointerEvent(type,
  {pointerId: id, pointerType: "touch", clientX: x, clientY: y, bubbles: true}));
const frame = () => new Promise((done) => setTimeout(done, 50));
map.setPointerCapture = () => {};
(async () => {
  key(document, "Escape"); await frame();
  seen.escape = document.querySelectorAll(".card[aria-expanded=true]").length;
  key(map, "0"); await frame();
  const world = picture();
  key(map, "ArrowRight"); await frame();
  seen.arrow = picture() !== world;
  key(map, "0"); await frame();
  seen.back = picture() === world;
  touch("pointerdown", 1, 300, 300); touch("pointerdown", 2, 340, 300);
  touch("pointermove", 2, 460, 300); await frame();
  seen.pinch = picture() !== world;
  touch("pointerup", 1, 300, 300); touch("pointerup", 2, 460, 300);
  cards()[0].focus(); key(cards()[0], "ArrowDown");
  seen.focus = cards().indexOf(document.activeElement);
  cards()[3].click();
  seen.said = document.getElementById("said").textContent;
  const search = document.getElementById("search");
  search.value = "FIJI"; search.dispatchEvent(new Event("input"));
  seen.found = cards().map((card) => card.querySelector(".name").textContent);
  const paper = () => getComputedStyle(document.body).backgroundColor, before = paper();
  document.getElementById("theme").click();
  seen.theme = paper() !== before;
  document.title = JSON.stringify(seen);
})();
"""
#: A browser without a screen draws no frames under virtual time.
FRAMES = "window.requestAnimationFrame = (act) => setTimeout(() => act(performance.now()), 5);"


@needs_chromium
def test_keys_fingers_and_words_work(file: Path, tmp_path: Path) -> None:
    text = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", file.read_text("utf-8"))
    driven = tmp_path / "driven.html"
    text = text.replace("<body>", f"<body><script>{FRAMES}</script>")
    driven.write_text(text.replace("</body>", f"<script>{HANDS}</script></body>"), "utf-8")
    dom = chromium(driven, tmp_path, "--dump-dom")
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title
    seen = json.loads(title[1])
    assert seen == {
        "escape": 0,
        "arrow": True,
        "back": True,
        "pinch": True,
        "focus": 1,
        "said": "kitchen.jpg: indoors: nothing outside is seen",
        "found": ["taveuni.jpg"],
        "theme": True,
    }
