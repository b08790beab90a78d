"""`python -m dpcore download`: fetches a public dataset; the only command that uses the network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

from dpcore.cli.errors import one_sentence_errors
from dpcore.datasets import download as source


@one_sentence_errors
def download(
    *,
    dataset: Annotated[str, typer.Option(help="A MedMNIST dataset, such as pneumonia_mnist.")],
    data: Annotated[Path, typer.Option(help="Folder for the file: name it in DPCORE_DATA afterwards.")],
    size: Annotated[int, typer.Option(help="Pixels along a side, 28 or 64; the explorer reads 28.")] = 28,
) -> None:
    """Fetch a public dataset from Zenodo; its file is kept only if its MD5 is the published one."""
    file = source.remote_file(dataset, size=size)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(file.name, total=None)
        path = source.download(file, data, progress=lambda done, total: bar.update(task, completed=done, total=total))
    typer.echo(f"{path.name} is in place and has the published MD5. Name its folder in DPCORE_DATA to use it.")
