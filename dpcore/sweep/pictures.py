"""The galleries: for each budget, strips of five originals and of what one look and all looks give of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from dpcore import datasets as registry
from dpcore.attacks import Gallery, best_gallery, encode_strip, stand_in_pictures
from dpcore.attacks.networks import PreparedAttack
from dpcore.results.schema import GALLERY

#: Real datasets whose kind of picture a phantom has; beside the others stand pictures that scikit-image ships.
PHANTOM_STAND_INS = {"msd_liver": "liver_phantom"}


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
    phantom = dataset if registry.spec(dataset).images_may_ship else PHANTOM_STAND_INS.get(dataset)
    if phantom is None:
        stand_ins = stand_in_pictures()
        return PreparedAttack(stand_ins.records, seed=0), stand_ins.source, True
    shown = registry.load_attack_records(phantom)
    stands_in = phantom != dataset
    source = f"standing in for scans of patients, the best five of these: {shown.source}" if stands_in else shown.source
    return PreparedAttack(shown.records, seed=0), source, stands_in


def _dataset_rows(folder: Path, dataset: str, points: pd.DataFrame) -> list[dict[str, Any]]:
    attack, source, stand_in = attacked_pictures(dataset)
    (folder / "gallery" / dataset).mkdir(parents=True, exist_ok=True)
    rows = []
    for point in points.itertuples():
        gallery = best_gallery(attack, noise_multiplier=float(point.noise_multiplier), looks=int(point.epochs))
        for looks, name, strip, errors in _strips(gallery, int(point.epochs)):
            budget = "no-dp" if point.target_epsilon != point.target_epsilon else f"{point.target_epsilon:g}"
            file = f"gallery/{dataset}/{budget}-{name}.webp"
            (folder / file).write_bytes(encode_strip(strip))
            rows.append(
                {
                    "dataset": dataset,
                    "source": source,
                    "stand_in": stand_in,
                    "target_epsilon": point.target_epsilon,
                    "looks": looks,
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
