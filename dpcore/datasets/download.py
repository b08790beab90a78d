"""Fetches MedMNIST+ files for a user who asks: streamed, size-limited, and in place only once their MD5 is right."""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dpcore.errors import DataUnavailable, InvalidValue

#: Yang et al., MedMNIST+ on Zenodo, https://doi.org/10.5281/zenodo.10519652.
BASE_URL = "https://zenodo.org/records/10519652/files/"
TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 2**18
#: The largest files listed below are far smaller.
MAX_BYTES = {28: 2**27, 64: 2**29}

#: Gets bytes received so far and, where the server tells, bytes to come in all.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """One published file."""

    name: str
    md5: str
    max_bytes: int


#: MD5 by dataset, at 28 and at 64 pixels, as Zenodo lists them.
_MD5 = {
    "pneumonia_mnist": ("28209eda62fecd6e6a2d98b1501bb15f", "8f4eceb4ccffa70c672198ea285246c6"),
    "derma_mnist": ("0744692d530f8e62ec473284d019b0c7", "b70a2f5635c6199aeaa28c31d7202e1f"),
    "breast_mnist": ("750601b1f35ba3300ea97c75c52ff8f6", "742edef2a1fd1524b2efff4bd7ba9364"),
    "blood_mnist": ("7053d0359d879ad8a5505303e11de1dc", "2b94928a2ae4916078ca51e05b6b800b"),
    "organ_a_mnist": ("68e3f8846a6bd62f0c9bf841c0d9eacc", "2dcccc29b88e6da5a01161ef20cda288"),
}
SIZES = (28, 64)


def remote_file(dataset: str, *, size: int = 28) -> RemoteFile:
    """Returns name, MD5 and size limit of a dataset's file; raises InvalidValue where there is none."""
    if dataset not in _MD5:
        raise InvalidValue(f"dataset must be one of {', '.join(_MD5)} to be downloaded, but is {dataset!r}.")
    if size not in SIZES:
        raise InvalidValue(f"size must be {' or '.join(map(str, SIZES))} pixels, but is {size!r}.")
    stem = dataset.replace("_", "") + ("" if size == 28 else f"_{size}")
    return RemoteFile(name=f"{stem}.npz", md5=_MD5[dataset][SIZES.index(size)], max_bytes=MAX_BYTES[size])


def download(file: RemoteFile, folder: Path, *, base_url: str = BASE_URL, progress: Progress | None = None) -> Path:
    """Returns the path of the file in `folder`, which is created; fetches nothing if the right file is there already.

    Raises DataUnavailable, in one sentence, for a file of that name with other content, an unwritable folder, a server
    that cannot be reached or answers with an error, and a file that is cut off, too large or of another MD5. Nothing is
    left behind then.
    """
    target = folder / file.name
    part = folder / f"{file.name}.{os.getpid()}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists():
            return _checked_existing(target, file)
        _fetch(file, base_url, part, progress)
        os.replace(part, target)
    except OSError as error:
        raise DataUnavailable(f"{file.name} could not be written to folder {folder.name!r}.") from error
    finally:
        _remove(part)
    return target


def _remove(part: Path) -> None:
    with suppress(OSError):  # not there, or no folder to hold it
        part.unlink()


def _checked_existing(target: Path, file: RemoteFile) -> Path:
    with target.open("rb") as stream:
        found = hashlib.file_digest(stream, _md5).hexdigest()
    if found != file.md5:
        raise DataUnavailable(f"{file.name} is there already but has other content: move it away first.")
    return target


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)


def _fetch(file: RemoteFile, base_url: str, part: Path, progress: Progress | None) -> None:
    try:
        with urllib.request.urlopen(base_url + file.name, timeout=TIMEOUT_SECONDS) as response, part.open("wb") as out:
            found = _copy(response, out, file, progress)
    except urllib.error.HTTPError as error:
        error.close()
        raise DataUnavailable(f"The server must send {file.name}, but answered with error {error.code}.") from error
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError) as error:
        raise DataUnavailable(f"{file.name} could not be fetched: the server cannot be reached or hung up.") from error
    if found != file.md5:
        raise DataUnavailable(f"{file.name} must have the MD5 {file.md5}, but what was sent has {found}.")


def _copy(response: http.client.HTTPResponse, out: IO[bytes], file: RemoteFile, progress: Progress | None) -> str:
    """Writes the answer to `out` and returns its MD5."""
    total = response.length
    _check_size(total or 0, file)
    digest, done = _md5(), 0
    while chunk := response.read(_CHUNK_BYTES):
        done += len(chunk)
        _check_size(done, file)
        digest.update(chunk)
        out.write(chunk)
        if progress is not None:
            progress(done, total)
    if total is not None and done < total:
        raise DataUnavailable(f"{file.name} must have {total:,} bytes, but was cut off after {done:,}.")
    return digest.hexdigest()


def _check_size(num_bytes: int, file: RemoteFile) -> None:
    if num_bytes > file.max_bytes:
        raise DataUnavailable(
            f"{file.name} must have at most {file.max_bytes:,} bytes, but what is sent has at least {num_bytes:,}."
        )
