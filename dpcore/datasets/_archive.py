"""Reading npz files from strangers: sizes are checked before anything is unpacked, and nothing is unpickled."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import DataUnavailable

MAX_MEMBERS = 64
MAX_BYTES = 2**30
#: The dtype kinds that files may ask for, in words.
_KIND_NAMES = {"u": "bytes", "b": "yes/no values", "iu": "whole numbers", "f": "fractional numbers", "U": "texts"}

_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_HEADER = re.compile(
    r"\{'descr': '(?P<descr>[|<>=]?[a-zA-Z]\d*)', 'fortran_order': (?P<fortran_order>True|False), "
    r"'shape': \((?P<shape>\d*(, *\d+)*),?\),? *\} *\n"
)
_MAX_HEADER = 4096
#: How each version of the npy format writes the length of its header.
_LENGTH_FORMATS = {1: "<H", 2: "<I"}
#: What Python's zip and npy readers raise on damaged or hostile bytes.
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    OverflowError,
    RuntimeError,
    NotImplementedError,
    OSError,
)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What an array of the file must look like; None in the shape allows any length."""

    shape: tuple[int | None, ...]
    #: Allowed numpy dtype kinds, such as "iu" for whole numbers.
    kinds: str
    #: Allowed size of one item in bytes, None for any.
    itemsize: int | None = None

    def admits(self, header: Header) -> bool:
        """Tells whether an array with this header fits."""
        fits = len(header.shape) == len(self.shape) and all(
            want in (None, have) for want, have in zip(self.shape, header.shape, strict=True)
        )
        itemsize_fits = self.itemsize in (None, header.dtype.itemsize)
        return fits and header.dtype.kind in self.kinds and itemsize_fits and all(length > 0 for length in header.shape)


@dataclass(frozen=True, kw_only=True)
class Header:
    """Shape and type of an array, known before it is read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran_order: bool


def read_headers(path: Path, expected: Mapping[str, Expected]) -> dict[str, Header]:
    """Returns the headers of the expected arrays; raises DataUnavailable unless all are there and fit their rule."""
    with _opened(path) as archive:
        return _checked_headers(archive, path.name, expected)


def read_arrays(path: Path, expected: Mapping[str, Expected]) -> dict[str, NDArray[Any]]:
    """Returns the expected arrays; raises DataUnavailable where `read_headers` does and for damaged contents."""
    with _opened(path) as archive:
        _checked_headers(archive, path.name, expected)
        return {key: _read_array(archive, key) for key in expected}


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens the zip file; whatever breaks inside, from here to the last byte, becomes one DataUnavailable."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except DataUnavailable:
        raise
    except _DAMAGED as error:
        raise DataUnavailable(f"{path.name} must be a readable npz file, but is damaged or of another kind.") from error


def _checked_headers(archive: zipfile.ZipFile, name: str, expected: Mapping[str, Expected]) -> dict[str, Header]:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise DataUnavailable(f"{name} must hold at most {MAX_MEMBERS} arrays, but holds {len(members)}.")
    declared = sum(member.file_size for member in members)
    if declared > MAX_BYTES:
        raise DataUnavailable(f"{name} must unpack to at most {MAX_BYTES:,} bytes, but would unpack to {declared:,}.")
    missing = [key for key in expected if f"{key}.npy" not in archive.namelist()]
    if missing:
        raise DataUnavailable(f"{name} must hold the array {missing[0]!r}, but does not.")
    headers = {key: _read_header(archive, key) for key in expected}
    for key, header in headers.items():
        _check_header(f"Array {key!r} in {name}", header, expected[key], archive.getinfo(f"{key}.npy").file_size)
    return headers


def _check_header(what: str, header: Header, expected: Expected, available: int) -> None:
    if not expected.admits(header):
        shape = " × ".join("n" if length is None else str(length) for length in expected.shape)
        raise DataUnavailable(
            f"{what} must be a filled array of {shape} {_KIND_NAMES[expected.kinds]}, "
            f"but has shape {header.shape} and type {header.dtype}."
        )
    size = prod(header.shape) * header.dtype.itemsize
    if size > available:
        raise DataUnavailable(f"{what} must take at most the {available:,} bytes it was given, but claims {size:,}.")


def _read_header(archive: zipfile.ZipFile, key: str) -> Header:
    with _member(archive, key) as stream:
        return _parse_header(stream)


def _read_array(archive: zipfile.ZipFile, key: str) -> NDArray[Any]:
    with _member(archive, key) as stream:
        header = _parse_header(stream)
        content = stream.read()  # to the end, so that zipfile compares the checksum
    array = np.frombuffer(content, header.dtype).reshape(header.shape, order="F" if header.fortran_order else "C")
    if header.dtype.kind == "U":
        _check_characters(np.frombuffer(content, header.dtype.byteorder + "u4"))
    return array


def _member(archive: zipfile.ZipFile, key: str) -> IO[bytes]:
    if archive.getinfo(f"{key}.npy").compress_type not in _COMPRESSIONS:
        raise ValueError("compression")
    return archive.open(f"{key}.npy")


def _parse_header(stream: IO[bytes]) -> Header:
    """Reads the header as numpy writes it, and nothing else: numpy's own parser also tries to run it as old Python."""
    magic = stream.read(8)
    if magic[:6] != b"\x93NUMPY" or magic[6] not in _LENGTH_FORMATS:
        raise ValueError("magic")
    length_format = _LENGTH_FORMATS[magic[6]]
    (length,) = struct.unpack(length_format, stream.read(struct.calcsize(length_format)))
    matched = _HEADER.fullmatch(stream.read(min(length, _MAX_HEADER)).decode("latin-1"))
    if matched is None:
        raise ValueError("header")
    try:
        dtype = np.dtype(matched["descr"])
    except TypeError as error:
        raise ValueError("dtype") from error
    shape = tuple(int(length) for length in matched["shape"].replace(",", " ").split())
    return Header(shape=shape, dtype=dtype, fortran_order=matched["fortran_order"] == "True")


def _check_characters(codes: NDArray[np.uint32]) -> None:
    """Raises ValueError for numbers that are no characters, on which Python would stumble much later."""
    if ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any():
        raise ValueError("characters")
