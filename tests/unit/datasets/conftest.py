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


def make_x_rays(sizes: dict[str, int] | None = None) -> dict[str, Any]:
    """A small PneumoniaMNIST: noise as images, both labels in each part."""
    rng = np.random.default_rng(6)
    table = {}
    for part, size in (sizes or {"train": 40, "val": 10, "test": 12}).items():
        table[f"{part}_images"] = rng.integers(0, 256, (size, 28, 28), dtype=np.uint8)
        table[f"{part}_labels"] = (np.arange(size) % 3 > 0).astype(np.uint8)[:, None]
    return table


def make_slices(num_volumes: int = 12, per_volume: int = 3) -> dict[str, Any]:
    """Small MSD Liver slices: a grey square as liver, volumes and slices out of order."""
    rng = np.random.default_rng(7)
    n = num_volumes * per_volume
    masks = np.zeros((n, 128, 128), dtype=bool)
    masks[:, 40:81, 30:70] = True
    images = np.where(masks, 120, 30).astype(np.uint8) + rng.integers(0, 20, (n, 1, 1), dtype=np.uint8)
    order = rng.permutation(n)
    return {
        "images": images[order],
        "masks": masks[order],
        "volume": (np.arange(n) // per_volume + 3).astype(np.int16)[order],
        "slice": np.arange(n).astype(np.int16)[order],
    }


_SMALL_COPIES = {
    "pneumonia_mnist": ("pneumoniamnist.npz", make_x_rays),
    "msd_liver": ("msd_liver_slices_128.npz", make_slices),
}


@pytest.fixture
def write_copy(tmp_path: Path) -> Callable[..., Path]:
    """Writes the small npz file of a dataset, some arrays replaced, or left out where None."""

    def write(dataset: str, **replaced: Any) -> Path:
        name, make = _SMALL_COPIES[dataset]
        table = {key: value for key, value in {**make(), **replaced}.items() if value is not None}
        path = tmp_path / name
        np.savez_compressed(path, **table)
        return path

    return write


@pytest.fixture
def write_volumes(tmp_path: Path) -> Callable[..., Path]:
    """Writes a folder Task03_Liver of small CT volumes: air, a body of −20 HU, a liver of 70 HU front right."""

    def write(num_volumes: int = 4, *, axes: tuple[str, str, str] = ("R", "A", "S"), side: int = 64) -> Path:
        import nibabel

        folder = tmp_path / "Task03_Liver"
        for name in ("imagesTr", "labelsTr"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        scan = np.full((side, side, 12), -1000, dtype=np.int16)
        label = np.zeros(scan.shape, dtype=np.uint8)
        scan[side // 4 : -side // 4, side // 4 : -side // 4] = -20
        # To the right and to the front from the middle, in slices 3 to 9; one corner is tumour.
        scan[side // 2 : -side // 4, side // 2 : -side // 4, 3:10] = 70
        label[side // 2 : -side // 4, side // 2 : -side // 4, 3:10] = 1
        label[side // 2 : side // 2 + 4, side // 2 : side // 2 + 4, 3:6] = 2
        upright = np.diag([2.0, 2.0, 5.0, 1.0])
        turn = nibabel.orientations.ornt_transform(
            nibabel.orientations.axcodes2ornt(("R", "A", "S")), nibabel.orientations.axcodes2ornt(axes)
        )
        affine = upright @ nibabel.orientations.inv_ornt_aff(turn, scan.shape)
        for number in range(num_volumes):
            for name, volume in (("imagesTr", scan), ("labelsTr", label)):
                turned = nibabel.orientations.apply_orientation(volume, turn)
                nibabel.save(nibabel.Nifti1Image(turned, affine), folder / name / f"liver_{number}.nii.gz")
        return folder

    return write
