"""Missing, damaged, wrong and hostile copies of HAM10000: always one clear sentence, never a crash."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dpcore import datasets
from dpcore.errors import DataUnavailable


def complaint(path: Path | str) -> str:
    """Loads a bad copy; returns its one sentence after checking its form."""
    with pytest.raises(DataUnavailable) as caught:
        datasets.load("ham10000", data_path=path)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert str(Path(path).parent) not in message
    assert len(message) < 300
    return message


def assert_refused(path: Path, pattern: str, *, seen_by_status: bool = True) -> None:
    message = complaint(path)
    assert re.search(pattern, message), message
    status = datasets.status("ham10000", data_path=path)
    if seen_by_status:
        assert (status.available, status.message) == (False, message)


def npy_header(shape: tuple[int, ...], descr: str) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def replace_member(path: Path, key: str, content: bytes, *, compression: int = zipfile.ZIP_DEFLATED) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in (members | {f"{key}.npy": content}).items():
            archive.writestr(name, data)


def test_nothing_there(tmp_path: Path) -> None:
    assert_refused(tmp_path / "gone.npz", "existing file or folder, but 'gone.npz' does not exist")
    assert_refused(tmp_path, r"must hold ham10000_28\.npz or HAM10000_metadata\.csv .* but holds neither")


@pytest.mark.parametrize("content", [b"", b"not an archive at all\n" * 50, b"PK\x03\x04" + b"\0" * 100])
def test_other_kinds_of_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ham10000_28.npz"
    path.write_bytes(content)
    assert_refused(path, r"ham10000_28\.npz must be a readable npz file, but is damaged or of another kind")


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_truncated(write_npz, keep: float) -> None:
    path: Path = write_npz()
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    assert_refused(path, "must be a readable npz file, but is damaged")


@pytest.mark.parametrize("key", ["images", "labels", "classes", "lesion_id", "image_id", "age", "sex", "localization"])
def test_missing_array(write_npz, key: str) -> None:
    assert_refused(write_npz(**{key: None}), rf"ham10000_28\.npz must hold the array '{key}', but does not")


@pytest.mark.parametrize(
    ("replaced", "pattern"),
    [
        ({"images": np.zeros((60, 28, 28, 3), np.float32)}, "'images' .* 3 bytes, but has shape .* type float32"),
        ({"images": np.full((60, 28, 28, 3), np.nan)}, "'images' .* type float64"),
        ({"images": np.zeros((60, 28, 28), np.uint8)}, r"'images' .* but has shape \(60, 28, 28\)"),
        ({"images": np.zeros((60, 64, 64, 3), np.uint8)}, r"n × 28 × 28 × 3 bytes, but has shape \(60, 64, 64, 3\)"),
        ({"images": np.zeros((0, 28, 28, 3), np.uint8)}, "'images' .* must be a filled array"),
        ({"labels": np.linspace(0, 6, 60)}, "'labels' .* whole numbers, .* type float64"),
        ({"labels": np.zeros(59, np.int8)}, r"'labels' .* one entry per image \(60\), but has 59"),
        ({"sex": np.zeros(60, np.int8)}, "'sex' .* texts, .* type int8"),
        ({"classes": np.array(["akiec", 7, None], dtype=object)}, "'classes' .* texts, .* type object"),
    ],
)
def test_wrong_arrays(write_npz, replaced: dict[str, Any], pattern: str) -> None:
    assert_refused(write_npz(**replaced), pattern)


@pytest.mark.parametrize(
    ("replaced", "pattern"),
    [
        ({"labels": np.full(60, 7, np.int8)}, "Labels .* between 0 and 6, but lie between 7 and 7"),
        ({"labels": np.full(60, -1, np.int8)}, "Labels .* but lie between -1 and -1"),
        ({"labels": np.full(60, 5, np.int8)}, "but holds only one kind"),
        ({"classes": np.array(["akiec", "cat"] * 4)}, "Classes .* but one is 'cat'"),
        ({"lesion_id": np.zeros(60, np.int32)}, "enough lesions to split: .* but are 1"),
    ],
)
def test_wrong_contents_show_when_loaded(write_npz, replaced: dict[str, Any], pattern: str) -> None:
    assert_refused(write_npz(**replaced), pattern, seen_by_status=False)


def test_pickles_are_never_opened(write_npz, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
            return (Path.touch, (tmp_path / "sprung",))

    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([Trap()], dtype=object), allow_pickle=True)
    path: Path = write_npz()
    replace_member(path, "sex", stream.getvalue())
    assert_refused(path, "'sex' .* type object")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("length", "pattern"),
    [(10**9, r"'images' .* at most the \d+ bytes it was given, but claims 2,352,000,000,000"), (-1, "damaged")],
)
def test_a_header_that_lies_about_its_length(write_npz, length: int, pattern: str) -> None:
    path: Path = write_npz()
    replace_member(path, "images", npy_header((length, 28, 28, 3), "|u1") + b"\0" * 100)
    assert_refused(path, pattern)


def test_texts_that_are_no_characters(write_npz) -> None:
    path: Path = write_npz()
    replace_member(path, "sex", npy_header((60,), "<U1") + b"\xff" * 240)
    assert_refused(path, "damaged", seen_by_status=False)


def test_other_orders_of_bytes_and_axes_are_read(write_npz, ham_table) -> None:
    straight = datasets.load("ham10000", data_path=write_npz())
    turned = datasets.load(
        "ham10000",
        data_path=write_npz(
            images=np.asfortranarray(ham_table["images"]),
            lesion_id=ham_table["lesion_id"].astype(">i8"),
            sex=ham_table["sex"].astype(">U9"),
        ),
    )
    np.testing.assert_array_equal(turned.features, straight.features)
    np.testing.assert_array_equal(turned.groups, straight.groups)
    assert turned.subgroups["sex"].tolist() == straight.subgroups["sex"].tolist()


def test_a_zip_bomb_is_not_unpacked(write_npz) -> None:
    path: Path = write_npz()
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = struct.pack("<I", 3 * 2**30)  # the size it claims to unpack to
    path.write_bytes(content)
    assert_refused(path, "must unpack to at most 1,073,741,824 bytes, but would unpack to 3,2")


def test_too_many_members(write_npz) -> None:
    path: Path = write_npz(**{f"extra_{index}": np.zeros(1) for index in range(100)})
    assert_refused(path, "must hold at most 64 arrays, but holds 108")


def test_unusual_zip_features(write_npz) -> None:
    path: Path = write_npz()
    replace_member(path, "sex", npy_header((60,), "<U4") + b"\0" * 960, compression=zipfile.ZIP_LZMA)
    assert_refused(path, "damaged or of another kind")


@pytest.fixture(scope="module")
def good_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    rng = np.random.default_rng(5)
    path = folder / "good.npz"
    np.savez_compressed(
        path,
        images=rng.integers(0, 256, (8, 28, 28, 3), dtype=np.uint8),
        labels=np.arange(8) % 2,
        classes=np.array(["mel", "nv"]),
        lesion_id=np.arange(8),
        image_id=np.arange(8),
        age=np.full(8, 50.0),
        sex=np.array(["male"] * 8),
        localization=np.array(["back"] * 8),
    )
    return path


def assert_loads_or_explains(path: Path) -> None:
    try:
        assert len(datasets.load("ham10000", data_path=path).labels) == 8
    except DataUnavailable as error:
        assert re.fullmatch(r"[^\n]+\.", str(error))  # noqa: PT017 - loading may also succeed
    assert datasets.status("ham10000", data_path=path).message.endswith(".")


@settings(max_examples=200)
@given(
    # Places count from the end, where the directory that steers the reader is.
    changes=st.lists(
        st.tuples(st.integers(1, 700) | st.integers(1, 19_000), st.integers(0, 255)), min_size=1, max_size=4
    )
)
def test_any_damage_ends_in_a_sentence(good_copy: Path, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(good_copy.read_bytes())
    for place, value in changes:
        damaged[-place] = value
    path = good_copy.with_name("damaged.npz")
    path.write_bytes(damaged)
    assert_loads_or_explains(path)


@settings(max_examples=100)
@given(
    key=st.sampled_from(["images", "labels", "classes", "age", "sex"]),
    changes=st.lists(
        st.tuples(st.integers(0, 127) | st.integers(128, 159), st.integers(0, 255)), min_size=1, max_size=3
    ),
)
def test_any_damage_inside_an_array_ends_in_a_sentence(
    good_copy: Path, key: str, changes: list[tuple[int, int]]
) -> None:
    """The same with correct checksums, so that the damage reaches the npy reader."""
    path = good_copy.with_name("damaged.npz")
    path.write_bytes(good_copy.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = bytearray(archive.read(f"{key}.npy"))
    for place, value in changes:
        member[place % len(member)] = value
    replace_member(path, key, bytes(member))
    assert_loads_or_explains(path)


def test_metadata_without_its_images(write_folder) -> None:
    folder: Path = write_folder()
    (folder / "ISIC_0024310.jpg").unlink()
    assert_refused(
        folder, r"Each of the 60 images in HAM10000_metadata\.csv .* but 1 have none, such as 'ISIC_0024310'"
    )


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("", "must list at least one image, but lists none"),
        ("image_id,lesion_id,dx\n", "must list at least one image, but lists none"),
        ("image_id,dx\nISIC_1,nv\n", "must have the column 'lesion_id' filled in every row"),
        ("image_id,lesion_id,dx\nISIC_1,,nv\n", "must have the column 'lesion_id' filled in every row"),
        (
            "image_id,lesion_id,dx\nISIC_1,HAM_1,nv\nISIC_1,HAM_1,nv\n",
            "must list each image once, but repeats 'ISIC_1'",
        ),
        ("image_id,lesion_id,dx\n../../secret,HAM_1,nv\n", "such as '../../secret'"),
    ],
)
def test_bad_metadata(tmp_path: Path, text: str, pattern: str) -> None:
    (tmp_path / "HAM10000_metadata.csv").write_text(text)
    assert_refused(tmp_path, pattern)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01" * 9, b"image_id,lesion_id,dx\n\x80\x81"])
def test_metadata_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "HAM10000_metadata.csv").write_bytes(content)
    assert_refused(tmp_path, "must be a readable table of text, but is not")


def test_an_unknown_diagnosis(write_folder) -> None:
    folder: Path = write_folder()
    metadata = folder / "HAM10000_metadata.csv"
    metadata.write_text(metadata.read_text().replace(",nv,", ",wart,"))
    assert_refused(folder, "must be among akiec, .*, but one is 'wart'", seen_by_status=False)


def test_a_damaged_image(write_folder) -> None:
    folder: Path = write_folder()
    picture = folder / "ISIC_0024320.jpg"
    for content in (b"", b"GIF89a", picture.read_bytes()[:400]):
        picture.write_bytes(content)
        assert_refused(folder, r"ISIC_0024320\.jpg must be a readable JPEG or PNG", seen_by_status=False)


def test_an_image_bomb(write_folder) -> None:
    """A PNG of a few bytes that claims 100,000 × 100,000 pixels."""
    folder: Path = write_folder(suffix=".png")
    picture = folder / "ISIC_0024320.png"
    content = bytearray(picture.read_bytes())
    content[16:24] = struct.pack(">II", 100_000, 100_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    picture.write_bytes(content)
    assert_refused(folder, "at most 50,000,000 pixels", seen_by_status=False)


def test_the_attack_says_which_file_it_misses(write_npz) -> None:
    with pytest.raises(DataUnavailable, match=r"needs ham10000_sample_128\.npz beside ham10000_28\.npz"):
        datasets.load_attack_records("ham10000", data_path=write_npz())
