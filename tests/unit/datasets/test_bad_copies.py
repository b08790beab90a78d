"""Missing, damaged, wrong and hostile copies of PneumoniaMNIST and MSD Liver: one clear sentence, never a crash."""

from __future__ import annotations

import gzip
import io
import re
import shutil
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dpcore import datasets
from dpcore.errors import DataUnavailable

READERS = ("pneumonia_mnist", "msd_liver")
FIRST_ARRAY = {"pneumonia_mnist": "train_images", "msd_liver": "images"}


def assert_refused(dataset: str, path: Path, pattern: str, *, seen_by_status: bool = True) -> None:
    with pytest.raises(DataUnavailable) as caught:
        datasets.load(dataset, data_path=path)
    message = str(caught.value)
    assert re.search(pattern, message), message
    assert message.endswith(".")
    assert "\n" not in message
    assert str(path.parent) not in message
    assert len(message) < 300
    status = datasets.status(dataset, data_path=path)
    if seen_by_status:
        assert (status.available, status.message) == (False, message)


def npy_header(shape: tuple[int, ...], descr: str) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def replace_member(path: Path, key: str, content: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (members | {f"{key}.npy": content}).items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    ("dataset", "pattern"),
    [
        ("pneumonia_mnist", r"must hold pneumoniamnist\.npz or pneumoniamnist_28_rebuilt\.npz, but holds neither"),
        ("msd_liver", r"must hold msd_liver_slices_128\.npz or the folder Task03_Liver, but holds neither"),
    ],
)
def test_nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, pattern: str) -> None:
    assert_refused(dataset, tmp_path / "gone.npz", "existing file or folder, but 'gone.npz' does not exist")
    assert_refused(dataset, tmp_path, pattern)
    monkeypatch.delenv("DPCORE_DATA", raising=False)
    assert re.search("DPCORE_DATA must name .* but is not set", datasets.status(dataset).message)


@pytest.mark.parametrize("dataset", READERS)
@pytest.mark.parametrize("content", [b"", b"not an archive at all\n" * 50, b"PK\x03\x04" + b"\0" * 100])
def test_other_kinds_of_file(write_copy, dataset: str, content: bytes) -> None:
    path: Path = write_copy(dataset)
    path.write_bytes(content)
    assert_refused(dataset, path, "must be a readable npz file, but is damaged or of another kind")


@pytest.mark.parametrize("dataset", READERS)
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.999])
def test_truncated(write_copy, dataset: str, keep: float) -> None:
    path: Path = write_copy(dataset)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    assert_refused(dataset, path, "must be a readable npz file, but is damaged")


@pytest.mark.parametrize(
    ("dataset", "key"),
    [
        *(("pneumonia_mnist", f"{part}_{what}") for part in ("train", "val", "test") for what in ("images", "labels")),
        *(("msd_liver", key) for key in ("images", "masks", "volume", "slice")),
    ],
)
def test_missing_array(write_copy, dataset: str, key: str) -> None:
    assert_refused(dataset, write_copy(dataset, **{key: None}), f"must hold the array '{key}', but does not")


@pytest.mark.parametrize(
    ("dataset", "replaced", "pattern"),
    [
        (
            "pneumonia_mnist",
            {"train_images": np.zeros((40, 64, 64), np.uint8)},
            r"n × 28 × 28 bytes, .*40, 64, 64",
        ),
        ("pneumonia_mnist", {"val_images": np.zeros((10, 28, 28), np.float32)}, "'val_images' .* type float32"),
        ("pneumonia_mnist", {"test_labels": np.zeros((12,), np.uint8)}, r"'test_labels' .* shape \(12,\)"),
        ("pneumonia_mnist", {"test_labels": np.zeros((11, 1), np.uint8)}, r"one entry per image \(12\), but has 11"),
        ("pneumonia_mnist", {"val_labels": np.array([["0"]] * 10, dtype=object)}, "'val_labels' .* type object"),
        ("msd_liver", {"images": np.zeros((36, 128, 128, 1), np.uint8)}, "'images' .* but has shape"),
        ("msd_liver", {"images": np.zeros((0, 128, 128), np.uint8)}, "'images' .* must be a filled array"),
        ("msd_liver", {"masks": np.zeros((36, 128, 128), np.uint8)}, "'masks' .* yes/no values, .* type uint8"),
        ("msd_liver", {"masks": np.zeros((36, 128, 64), bool)}, r"'masks' .* shape \(36, 128, 64\)"),
        ("msd_liver", {"volume": np.zeros(35, np.int16)}, r"'volume' .* one entry per image \(36\), but has 35"),
        ("msd_liver", {"slice": np.array([None] * 36, dtype=object)}, "'slice' .* type object"),
    ],
)
def test_wrong_arrays(write_copy, dataset: str, replaced: dict[str, Any], pattern: str) -> None:
    assert_refused(dataset, write_copy(dataset, **replaced), pattern)


@pytest.mark.parametrize(
    ("dataset", "replaced", "pattern"),
    [
        ("pneumonia_mnist", {"val_labels": np.full((10, 1), 2)}, "0 and 1 and nothing else, but lies between 2 and 2"),
        ("pneumonia_mnist", {"test_labels": np.ones((12, 1), int)}, "0 and 1 and nothing else, but lies between 1 and"),
        ("msd_liver", {"volume": np.zeros(36, np.int16)}, "enough volumes to split: .* but are 1"),
    ],
)
def test_wrong_contents_show_when_loaded(write_copy, dataset: str, replaced: dict[str, Any], pattern: str) -> None:
    assert_refused(dataset, write_copy(dataset, **replaced), pattern, seen_by_status=False)


@pytest.mark.parametrize("dataset", READERS)
def test_pickles_are_never_opened(write_copy, tmp_path: Path, dataset: str) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
            return (Path.touch, (tmp_path / "sprung",))

    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([Trap()], dtype=object), allow_pickle=True)
    path: Path = write_copy(dataset)
    replace_member(path, FIRST_ARRAY[dataset], stream.getvalue())
    assert_refused(dataset, path, "type object")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("dataset", READERS)
def test_a_header_that_lies_about_its_length(write_copy, dataset: str) -> None:
    side = 28 if dataset == "pneumonia_mnist" else 128
    path: Path = write_copy(dataset)
    replace_member(path, FIRST_ARRAY[dataset], npy_header((10**9, side, side), "|u1") + b"\0" * 100)
    assert_refused(dataset, path, r"at most the \d+ bytes it was given, but claims")


@pytest.mark.parametrize("dataset", READERS)
def test_a_zip_bomb_is_not_unpacked(write_copy, dataset: str) -> None:
    path: Path = write_copy(dataset)
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 3 * 2**30)  # the size it claims to unpack to
    path.write_bytes(content)
    assert_refused(dataset, path, "must unpack to at most 1,073,741,824 bytes, but would unpack to 3,2")


def test_volumes_without_files_or_labels(write_volumes) -> None:
    folder: Path = write_volumes(3)
    (folder / "labelsTr" / "liver_1.nii.gz").unlink()
    assert_refused("msd_liver", folder, r"a label for every volume, but none for liver_1\.nii\.gz")
    shutil.rmtree(folder / "labelsTr")
    assert_refused("msd_liver", folder, "must hold the readable folders imagesTr and labelsTr, but does not")
    (folder / "labelsTr").mkdir()
    for path in (folder / "imagesTr").iterdir():
        path.unlink()
    assert_refused("msd_liver", folder, r"imagesTr must hold files such as liver_0\.nii\.gz, but holds none")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"no volume",
        lambda content: content[: len(content) // 2],
        lambda _: gzip.compress(b"\0" * 1000),
        lambda content: gzip.compress(gzip.decompress(content)[:5000]),
        lambda content: gzip.compress(b"\xff" * 400 + gzip.decompress(content)[400:]),
    ],
)
@pytest.mark.parametrize("kind", ["imagesTr", "labelsTr"])
def test_damaged_volumes(write_volumes, kind: str, spoil) -> None:
    folder: Path = write_volumes(3)
    path = folder / kind / "liver_1.nii.gz"
    path.write_bytes(spoil(path.read_bytes()))
    assert_refused("msd_liver", folder, r"liver_1\.nii\.gz must be a readable NIfTI file", seen_by_status=False)


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (lambda volume: volume[..., :6], r"must have the shape \(64, 64, 12\) of its image, but has \(64, 64, 6\)"),
        (lambda volume: volume[:8, :8], r"1 to 2048 slices of 16 to 1024 numbers a side, but has shape \(8, 8, 12\)"),
        (lambda volume: volume[..., None].repeat(2, -1), r"numbers a side, but has shape \(64, 64, 12, 2\)"),
        (lambda volume: volume.astype(np.complex64), "numbers a side, .* type complex64"),
        (lambda volume: np.full(volume.shape, np.nan, np.float32), "must hold finite numbers, but slice 0 does not"),
    ],
)
def test_labels_that_do_not_fit(write_volumes, change, pattern: str) -> None:
    import nibabel

    folder: Path = write_volumes(3)
    path = folder / "labelsTr" / "liver_2.nii.gz"
    label = nibabel.load(path)
    nibabel.save(nibabel.Nifti1Image(change(np.asarray(label.dataobj)), label.affine), path)
    assert_refused("msd_liver", folder, pattern, seen_by_status=False)


def test_slices_along_another_axis(write_volumes) -> None:
    folder: Path = write_volumes(3, axes=("S", "R", "A"))
    assert_refused("msd_liver", folder, "axial slices along its third axis", seen_by_status=False)


def test_labels_without_any_liver(write_volumes) -> None:
    import nibabel

    folder: Path = write_volumes(3)
    for path in (folder / "labelsTr").iterdir():
        nibabel.save(nibabel.Nifti1Image(np.zeros((64, 64, 12), np.uint8), nibabel.load(path).affine), path)
    assert_refused("msd_liver", folder, "must outline a liver, but none does", seen_by_status=False)


def test_a_link_to_nowhere(write_volumes) -> None:
    folder: Path = write_volumes(3)
    (folder / "imagesTr" / "liver_1.nii.gz").unlink()
    (folder / "imagesTr" / "liver_1.nii.gz").symlink_to("gone.nii.gz")
    assert_refused("msd_liver", folder, "readable volumes, but one is a link to nowhere", seen_by_status=False)


@pytest.mark.parametrize("order", "<>")
def test_notes_that_unpack_to_gigabytes_are_not_read(write_volumes, order: str) -> None:
    """A file of a few hundred kilobytes whose notes before the picture, as its header says, are most of a gigabyte."""
    folder: Path = write_volumes(3)
    path = folder / "imagesTr" / "liver_0.nii.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    size = 64 * 2**20
    content[108:112] = struct.pack(f"{order}f", 352 + size)
    content[:4] = struct.pack(f"{order}i", 348)
    content[348:352] = b"\1\0\0\0"
    notes = struct.pack(f"{order}ii", size, 6) + bytes(size - 8)
    path.write_bytes(gzip.compress(bytes(content[:352]) + notes + bytes(content[352:]), 1))
    tracemalloc.start()
    assert_refused("msd_liver", folder, r"liver_0\.nii\.gz must be a readable NIfTI file", seen_by_status=False)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < size // 2


def test_a_header_that_claims_more_than_memory_holds(write_volumes) -> None:
    """A volume of a few bytes that claims 32,000 × 32,000 × 32,000 voxels is refused by its header."""
    folder: Path = write_volumes(3)
    path = folder / "imagesTr" / "liver_0.nii.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[42:48] = struct.pack("<3h", 32000, 32000, 32000)
    path.write_bytes(gzip.compress(bytes(content)))
    assert_refused("msd_liver", folder, r"but has shape \(32000, 32000, 32000\)", seen_by_status=False)
