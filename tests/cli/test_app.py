"""The command table: instant help, commands that exist, errors in one line."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from graticule.cli.app import COMMANDS, LazyGroup, app, main
from graticule.errors import GraticuleError

#: Imported by a command, never by the help.
HEAVY = ("numpy", "scipy", "onnxruntime", "PIL", "pyarrow", "shapely", "pydantic", "torch")


def ended(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    return int(caught.value.code or 0)


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom graticule.cli.app import main\ntry:\n    main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print('loaded:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.endswith("loaded: []\n")
    for name, entry in COMMANDS.items():
        assert name in ran.stdout
        assert entry.summary.split(",")[0].split(" ")[0] in ran.stdout


def leaves(command: Any) -> Iterator[Any]:
    """The command, or those of a group, at any depth."""
    if not hasattr(command, "list_commands"):
        yield command
        return
    for name in command.list_commands(None):
        yield from leaves(command.get_command(None, name))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_loads_and_shows_an_example(name: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, LazyGroup)
    for leaf in leaves(group.get_command(None, name)):
        words = f"{leaf.help} {leaf.epilog}"
        assert "Example" in words, f"graticule {name} … {leaf.name} has no example"
        assert "graticule" in words.partition("Example")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_every_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(name, "--help") == 0
    assert f"graticule {name}" in capsys.readouterr().out


def test_examples_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    ended("locate", "--help")
    assert "\n      graticule locate holiday/\n" in capsys.readouterr().out
    # Long ones too, and those after the first: a line that is cut cannot be copied.
    ended("data", "check", "--help")
    assert "--good-rows photos/good.csv --report problems.csv\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if COMMANDS[name].target.endswith(":app")]
)
def test_a_group_shows_an_example_and_no_second_completion(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended(name, "--help")
    words = capsys.readouterr().out
    assert f"graticule {name}" in words.partition("Example")[2]
    assert "--install-completion" not in words


def test_a_misspelt_command_is_guessed(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("locat") == 2
    assert "did you mean 'locate'" in capsys.readouterr().err


def test_an_error_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise GraticuleError("x.jpg: wrong; do it so")

    monkeypatch.setattr("graticule.cli.info.info", fail)
    assert ended("info") == 1
    assert capsys.readouterr().err == "graticule: x.jpg: wrong; do it so\n"
