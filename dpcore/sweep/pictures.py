"""The galleries: for each budget, strips of five originals and of what one look and all looks give of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from dpcore import datasets as registry
from dpcore.attacks import Gallery, best_gallery, encode_strip, middle_gallery
from dpcore.attacks.shown import shown_pictures
from dpcore.results.schema import GALLERY

if TYPE_CHECKING:
    from dpcore.attacks.networks import PreparedAttack

#: How the five pictures are chosen, by the name in the table: the attacker's luckiest, and what is usual.
CHOICES = {"best": best_gallery, "middle": middle_gallery}


def write_gallery(folder: Path, points: pd.DataFrame) -> pd.DataFrame:
    """Writes the strips of every image dataset below `folder` and returns `schema.GALLERY`, one row a strip."""
    rows: list[dict[str, Any]] = []
    for name, of_dataset in points.groupby("dataset", sort=False):
        if registry.spec(str(name)).kind == "image":
            # The pictures stand beside the numbers of the main model, whose rows come first.
            rows += _dataset_rows(folder, str(name), of_dataset[of_dataset["model"] == of_dataset["model"].iloc[0]])
    return pd.DataFrame(rows, columns=list(GALLERY))


def attacked_pictures(dataset: str) -> tuple[PreparedAttack, str, bool]:
    """Returns the pictures to show beside a dataset, prepared for attack, their source, and whether they stand in."""
    from dpcore.attacks.networks import PreparedAttack

    shown = shown_pictures(dataset)
    return PreparedAttack(shown.records, seed=0), shown.source, shown.stand_in


def _dataset_rows(folder: Path, dataset: str, points: pd.DataFrame) -> list[dict[str, Any]]:
    attack, source, stand_in = attacked_pictures(dataset)
    (folder / "gallery" / dataset).mkdir(parents=True, exist_ok=True)
    rows = []
    for point in points.itertuples():
        noise_multiplier, looks = float(point.noise_multiplier), int(point.epochs)
        budget = "no-dp" if point.target_epsilon != point.target_epsilon else f"{point.target_epsilon:g}"
        for choice, choose in CHOICES.items():
            told = source if choice == "best" else source.replace("the best five of", "five from the middle of")
            gallery = choose(attack, noise_multiplier=noise_multiplier, looks=looks)
            for count, name, strip, errors in _strips(gallery, looks):
                file = f"gallery/{dataset}/{budget}-{name}{'' if choice == 'best' else f'-{choice}'}.webp"
                (folder / file).write_bytes(encode_strip(strip))
                rows.append(
                    {
                        "dataset": dataset,
                        "source": told,
                        "stand_in": stand_in,
                        "target_epsilon": point.target_epsilon,
                        "looks": count,
                        "choice": choice,
                        "file": file,
                        "errors": [float(e) for e in errors],
                    }
                )
    return rows


def _strips(gallery: Gallery, looks: int) -> list[tuple[int, str, Any, Any]]:
    """(looks, file name, five pictures, five errors) of the originals, one look and all looks."""
    return [
        (0, "originals", gallery.originals, [0.0] * len(gallery.index)),
        (1, "one-look", gallery.one_look, gallery.errors_one_look),
        (looks, "all-looks", gallery.all_looks, gallery.errors_all_looks),
    ]
