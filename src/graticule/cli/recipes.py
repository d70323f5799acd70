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

    shipped = {name: recipe.load(name) for name in recipe.list_recipes()}
    listed = [(name, found.system, found.description) for name, found in shipped.items()]
    listed += [(name, "grid", grid.load(name).description) for name in recipe.list_grids()]
    widths = [max(len(row[column]) for row in listed) for column in (0, 1)]
    for name, system, description in listed:
        typer.echo(f"{name:<{widths[0]}}  {system:<{widths[1]}}  {' '.join(description.split())}")


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
