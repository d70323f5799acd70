"""``graticule models``: which models are on this machine, and which can be fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graticule.systems.downloads import Downloadable

app = typer.Typer(
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def models(
    ctx: typer.Context,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Add licences and the folder of each.")
    ] = False,
) -> None:
    """List the models that graticule locate --model takes by name, then those to be fetched.

    Examples:
        graticule models
        graticule models --verbose
        graticule models get geoclip
    """
    if ctx.invoked_subcommand is not None:
        return
    from graticule.locate.locator import installed_models
    from graticule.systems.bundle import Bundle
    from graticule.systems.downloads import DOWNLOADS, gigabytes

    found = installed_models()
    absent = [model for name, model in DOWNLOADS.items() if name not in found]
    if not found:
        typer.echo("graticule: no model is installed; graticule train makes one", err=True)
    width = max(len(name) for name in (*found, *(model.name for model in absent)))
    for name, folder in found.items():
        bundle = Bundle(folder)
        about = bundle.manifest
        tasks = ", ".join(sorted(n.stem for n in (folder / "partitions").glob("*.parquet")))
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        calibrated = "calibrated" if bundle.has("calibration.json") else "not calibrated"
        typer.echo(
            f"{name:<{width}}  version {about.version}  {about.system}  {tasks}  "
            f"{gigabytes(size)}  {calibrated}  {bundle.sha256[:8]}"
        )
        if verbose:
            typer.echo(f"{'':<{width}}  {folder}")
            for line in about.licences:
                typer.echo(f"{'':<{width}}  {line}")
    for model in absent:
        typer.echo(
            f"{model.name:<{width}}  not here: graticule models get {model.name} fetches "
            f"{gigabytes(model.size)} ({model.about}; {model.licence})"
        )
    if not found:
        raise typer.Exit(1)


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="A model that graticule models lists as not here.")],
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Folder or hub cache with the weights; nothing is fetched."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The bundle's folder; by default --model NAME finds."),
    ] = None,
    hub: Annotated[str, typer.Option(help="Address of the files.", hidden=True)] = "",
) -> None:
    """Fetch a model's weights and make them a bundle; afterwards nothing needs the network.

    A download that was cut off goes on where it stopped, and its checksum is compared.

    Examples:
        graticule models get geoclip
        graticule models get geoclip --from ~/.cache/huggingface
        graticule models get geoclip --from clip-folder/ -o geoclip-mine/
        graticule models get streetclip
    """
    from graticule.errors import BundleError
    from graticule.files import cache_dir
    from graticule.systems.downloads import DOWNLOADS

    model = DOWNLOADS.get(name)
    if model is None:
        raise BundleError(f"{name}: not a model to fetch; there is {', '.join(DOWNLOADS)}")
    target = output or cache_dir() / "models" / name
    if source is None and (target / "system.json").is_file():
        typer.echo(f"{name} is here already: {target}", err=True)
        return
    # Before gigabytes are fetched: can they be used here at all?
    from graticule.systems import geoclip_bundle, prompt_bundle

    if model.prompts is None:
        geoclip_bundle.check_extra()
        folder = _weights(model, source, hub)
        bundle = geoclip_bundle.make_bundle(folder, target, name=name)
    else:
        prompt_bundle.check_extra()
        folder = _weights(model, source, hub)
        bundle = prompt_bundle.make_bundle(
            folder,
            target,
            name=name,
            about=model.about,
            licences=(f"{model.repository}: {model.licence}",),
            words=model.prompts,
        )
    places = bundle.partition(bundle.manifest.point_task)
    typer.echo(f"{bundle.path}: {name}, {len(places):,} places")
    how = name if output is None else str(output)
    typer.echo(
        f"graticule: not calibrated; graticule locate PHOTOS --model {how}"
        + ("" if source else f"; the weights in {folder} are no longer needed"),
        err=True,
    )


def _is_clip(source: Path, model: Downloadable) -> bool:
    """Whether a prompt model can be made of a folder as it is, whatever CLIP and layout it has."""
    if model.prompts is None:
        return False
    from graticule.encoders import clip

    return clip.holds(source)


def _weights(model: Downloadable, source: Path | None, hub: str) -> Path:
    from graticule.files import cache_dir
    from graticule.systems import downloads

    if source is not None:
        folder = source if _is_clip(source, model) else downloads.find_weights(source, model)
        downloads.check_weights(folder, model, lambda words: typer.echo(words, err=True))
        return folder
    from graticule.cli.data.making import origin

    return downloads.fetch(
        model,
        cache_dir() / "weights" / model.repository.rpartition("/")[2],
        hub or downloads.HUB,
        trusted=(origin(hub),) if hub else (),
    )
