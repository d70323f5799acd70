"""``graticule recipes``: the recipes that ship."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def recipes(ctx: typer.Context) -> None:
    """List the recipes that ship.

    Example: graticule recipes show s3
    """
    if ctx.invoked_subcommand is not None:
        return
    from graticule.training import grid, recipe

    for name in recipe.list_recipes():
        found = recipe.load(name)
        typer.echo(f"{name:<12} {found.system:<14} {' '.join(found.description.split())}")
    for name in recipe.list_grids():
        typer.echo(f"{name:<12} {'grid':<14} {' '.join(grid.load(name).description.split())}")


@app.command()
def show(name: Annotated[str, typer.Argument(help="A recipe's name or file.")]) -> None:
    """Print a recipe, to be copied and changed.

    Example: graticule recipes show s1 > mine.yaml
    """
    from graticule.training import grid, recipe

    if grid.is_grid(name):
        grid.load(name).rows()
    else:
        recipe.load(name)
    typer.echo(recipe.recipe_path(name).read_text(encoding="utf-8").rstrip())
