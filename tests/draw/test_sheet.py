"""Contact sheets: every photo in its field."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from graticule.draw.sheet import contact_sheet, save_sheet


def test_photos_lie_in_rows(tmp_path: Path) -> None:
    red = Image.new("RGB", (300, 300), (255, 0, 0))
    sheet = contact_sheet([(red, "one"), (None, "a very long line " * 9), (red, "")], columns=2)
    assert sheet.size == (2 * 168 + 8, 2 * 183 + 8)
    assert sheet.getpixel((88, 88)) == (255, 0, 0)
    assert sheet.getpixel((256, 88)) == (230, 231, 229)
    assert sheet.getpixel((88, 271)) == (255, 0, 0)
    save_sheet(sheet, tmp_path / "sheet.png")
    assert Image.open(tmp_path / "sheet.png").size == sheet.size


def test_an_empty_sheet_is_a_sheet() -> None:
    assert min(contact_sheet([]).size) > 0
