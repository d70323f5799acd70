"""A bar is on stderr, and only where somebody looks."""

from __future__ import annotations

import pytest

from graticule.progress import bar, track


def test_nobody_looking_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("working", total=3) as moving:
        moving.describe("still")
        moving.advance()
    assert list(track([1, 2, 3], "working")) == [1, 2, 3]
    found = capsys.readouterr()
    assert (found.out, found.err) == ("", "")


def test_a_bar_leaves_stdout_clean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with bar("working", total=2, show=True) as moving:
        moving.advance(2)
    found = capsys.readouterr()
    assert found.out == ""
    assert "working" in found.err
