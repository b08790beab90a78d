"""Small invented copies of HAM10000 in both layouts."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpcore import datasets
from dpcore.datasets.spec import Dataset

CLASSES = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")


def make_table(num_images: int = 60) -> dict[str, Any]:
    """Two images a lesion, all seven classes, flat colours, ids as in the real data."""
    rng = np.random.default_rng(5)
    lesion = np.arange(num_images) // 2
    colours = rng.integers(0, 256, (num_images, 1, 1, 3))
    return {
        "images": np.broadcast_to(colours, (num_images, 28, 28, 3)).astype(np.uint8),
        "labels": (lesion % 7).astype(np.int8),
        "classes": np.array(CLASSES),
        "lesion_id": (lesion + 100).astype(np.int32),
        "image_id": (rng.permutation(num_images) + 24306).astype(np.int32),
        "age": rng.choice([-1.0, 35.0, 45.0, 80.0], num_images).astype(np.float32),
        "sex": rng.choice(["male", "female"], num_images),
        "localization": rng.choice(["back", "face"], num_images),
    }


@pytest.fixture(scope="session")
def phantom() -> Dataset:
    """The skin phantom, painted once for all tests."""
    return datasets.load("skin_phantom")


@pytest.fixture
def ham_table() -> dict[str, Any]:
    """The arrays of a small, valid npz file."""
    return make_table()


@pytest.fixture
def write_npz(tmp_path: Path) -> Callable[..., Path]:
    """Writes the small npz file, some arrays replaced, or left out where None."""

    def write(**replaced: Any) -> Path:
        table = {key: value for key, value in {**make_table(), **replaced}.items() if value is not None}
        path = tmp_path / "ham10000_28.npz"
        np.savez_compressed(path, **table)
        return path

    return write


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes the same records in the published layout."""

    def write(*, metadata: str = "HAM10000_metadata.csv", parts: tuple[str, ...] = ("",), suffix: str = ".jpg") -> Path:
        from PIL import Image

        folder, table = tmp_path / "dataverse_files", make_table()
        for part in parts:
            (folder / part).mkdir(parents=True, exist_ok=True)
        rows = []
        for index, image_id in enumerate(table["image_id"]):
            name = f"ISIC_{image_id:07d}"
            rows.append(
                {
                    "lesion_id": f"HAM_{table['lesion_id'][index]:07d}",
                    "image_id": name,
                    "dx": CLASSES[table["labels"][index]],
                    "dx_type": "histo",
                    "age": "" if table["age"][index] < 0 else str(table["age"][index]),
                    "sex": table["sex"][index],
                    "localization": table["localization"][index],
                }
            )
            picture = Image.fromarray(np.broadcast_to(table["images"][index, 0, 0], (90, 120, 3)).copy())
            picture.save(folder / parts[index % len(parts)] / f"{name}{suffix}", quality=95)
        with (folder / metadata).open("w", newline="") as stream:
            delimiter = "\t" if metadata.endswith(".tab") else ","
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]), delimiter=delimiter)
            writer.writeheader()
            writer.writerows(rows)
        return folder

    return write
