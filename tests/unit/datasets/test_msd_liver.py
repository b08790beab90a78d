from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from dpcore import datasets
from dpcore.datasets._images import shrink_images, shrink_masks
from dpcore.datasets.msd_liver_folder import evenly_spaced, read_table


def test_slices_are_shrunk_and_ordered(write_copy) -> None:
    dataset = datasets.load("msd_liver", data_path=write_copy("msd_liver"))
    assert dataset.features.shape == (36, 1, 64, 64)
    assert dataset.labels.shape == (36, 64, 64)
    assert dataset.groups.tolist() == np.repeat(np.arange(3, 15), 3).tolist()
    # Rows 40 … 80 are liver: half of the last pixel is, and that counts.
    assert np.flatnonzero(dataset.labels[0].any(axis=1)).tolist() == list(range(20, 41))
    assert np.flatnonzero(dataset.labels[0].any(axis=0)).tolist() == list(range(15, 35))
    inside = dataset.features[:, 0, 25, 20]
    assert (inside > dataset.features[:, 0, 5, 5]).all()


def test_shrinking() -> None:
    image = np.array([[[0, 1, 10, 10], [2, 2, 10, 10]]], dtype=np.uint8)
    assert shrink_images(image, 2).tolist() == [[[1, 10]]]
    mask = np.array([[[1, 0, 1, 0], [1, 0, 0, 0]]], dtype=bool)
    assert shrink_masks(mask, 2).tolist() == [[[True, False]]]


def test_no_volume_is_in_two_parts(write_copy) -> None:
    dataset = datasets.load("msd_liver", data_path=write_copy("msd_liver"))
    split = dataset.split
    owners = [set(dataset.groups[part].tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 12


def test_status_and_attack_records(write_copy) -> None:
    path: Path = write_copy("msd_liver")
    status = datasets.status("msd_liver", data_path=path.parent)
    assert (status.available, status.message) == (
        True,
        "Your copy of MSD Liver: found, 36 slices in msd_liver_slices_128.npz.",
    )
    attack = datasets.load_attack_records("msd_liver", data_path=path)
    train = datasets.load("msd_liver", data_path=path).split.train
    assert attack.records.shape == (len(train), 128, 128, 1)
    assert attack.records.dtype == np.uint8
    assert not attack.may_show


def test_evenly_spaced() -> None:
    assert evenly_spaced(list(range(10, 20)), 5) == [11, 13, 15, 17, 19]
    assert evenly_spaced([4, 7], 5) == [4, 7]
    assert evenly_spaced(list(range(100)), 1) == [50]


@pytest.mark.parametrize("axes", [("R", "A", "S"), ("L", "P", "S"), ("P", "R", "I"), ("A", "L", "S")])
def test_published_volumes_are_read_upright(write_volumes, axes: tuple[str, str, str]) -> None:
    table = read_table(write_volumes(1, axes=axes))
    assert table["images"].shape == table["masks"].shape == (5, 128, 128)
    liver = table["masks"][0]
    # Front is up and the patient's right on the right, as in the npz file. Tumour counts as liver.
    assert np.flatnonzero(liver.any(axis=1)).tolist() == list(range(32, 64))
    assert np.flatnonzero(liver.any(axis=0)).tolist() == list(range(64, 96))
    assert liver.sum() == 32 * 32
    image = table["images"][0]
    assert (image[liver] == 128).all()  # 70 HU: half of the window from −100 to 240
    assert image[0, 0] == 0
    assert image[80, 80] == 60  # −20 HU


def test_published_volumes_become_a_dataset(write_volumes) -> None:
    folder: Path = write_volumes(4)
    (folder / "imagesTr" / "._liver_0.nii.gz").write_bytes(b"left by macOS")
    for path in (folder, folder.parent):
        assert datasets.status("msd_liver", data_path=path).message == (
            "Your copy of MSD Liver: found, 4 volumes in Task03_Liver."
        )
    dataset = datasets.load("msd_liver", data_path=folder)
    assert dataset.groups.tolist() == np.repeat(np.arange(4), 5).tolist()
    assert dataset.labels.sum(axis=(1, 2)).tolist() == [256] * 20
    assert datasets.load_attack_records("msd_liver", data_path=folder).records.shape[1:] == (128, 128, 1)


def test_unpacked_volumes_are_read_too_and_volumes_without_liver_left_out(write_volumes) -> None:
    import nibabel

    folder: Path = write_volumes(5)
    for path in sorted(folder.glob("*Tr/liver_[01].nii.gz")):
        nibabel.save(nibabel.load(path), path.with_suffix(""))
        path.unlink()
    empty = nibabel.load(folder / "labelsTr" / "liver_4.nii.gz")
    nibabel.save(nibabel.Nifti1Image(np.zeros(empty.shape, np.uint8), empty.affine), empty.get_filename())
    assert set(datasets.load("msd_liver", data_path=folder).groups.tolist()) == {0, 1, 2, 3}


def test_a_changed_folder_is_read_anew(write_volumes) -> None:
    folder: Path = write_volumes(4)
    assert len(datasets.load("msd_liver", data_path=folder).labels) == 20
    for name in ("imagesTr", "labelsTr"):
        shutil.copy(folder / name / "liver_0.nii.gz", folder / name / "liver_9.nii.gz")
    assert len(datasets.load("msd_liver", data_path=folder).labels) == 25


@pytest.mark.realdata
def test_the_real_data(real_data: Path) -> None:
    dataset = datasets.load("msd_liver", data_path=real_data)
    assert dataset.features.shape == (623, 1, 64, 64)
    assert len(np.unique(dataset.groups)) == 122
    assert dataset.labels.mean() == pytest.approx(0.071, abs=0.001)
    split = dataset.split
    assert [len(part) for part in (split.train, split.validation, split.test)] == [465, 64, 94]
    owners = [set(dataset.groups[part].tolist()) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, owners)) == 122
    attack = datasets.load_attack_records("msd_liver", data_path=real_data)
    assert attack.records.shape == (300, 128, 128, 1)
    assert not attack.may_show
