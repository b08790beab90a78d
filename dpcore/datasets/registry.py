"""The datasets by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from dpcore.datasets import breast_cancer, ham10000, liver_phantom, msd_liver, pneumonia_mnist, skin_phantom
from dpcore.datasets.spec import AttackRecords, Dataset, DatasetSpec, DataStatus
from dpcore.errors import DpcoreError, InvalidValue

#: Names the user's own copies: a folder that holds the files of one or several datasets, or one dataset's file.
DATA_VARIABLE = "DPCORE_DATA"


class _Source(Protocol):
    """What each dataset's module offers."""

    SPEC: DatasetSpec

    def load(self, data_path: Path | None) -> Dataset: ...
    def load_attack_records(self, data_path: Path | None) -> AttackRecords: ...
    def describe_copy(self, data_path: Path | None) -> str: ...


#: In the order in which visitors see them.
_MODULES: tuple[_Source, ...] = (
    ham10000,
    msd_liver,
    pneumonia_mnist,
    breast_cancer,
    skin_phantom,
    liver_phantom,
)
_SOURCES: dict[str, _Source] = {module.SPEC.name: module for module in _MODULES}


def names() -> tuple[str, ...]:
    """Returns the names of all datasets, in the order in which visitors see them."""
    return tuple(_SOURCES)


def spec(name: str) -> DatasetSpec:
    """Returns the description of a dataset without loading it; raises InvalidValue for an unknown name."""
    return _source(name).SPEC


def load(name: str, *, data_path: Path | str | None = None) -> Dataset:
    """Returns the dataset; `data_path` None means the path in DPCORE_DATA.

    Raises InvalidValue for an unknown name and DataUnavailable for a missing, damaged or wrong file.
    """
    return _source(name).load(_resolve(data_path))


def load_attack_records(name: str, *, data_path: Path | str | None = None) -> AttackRecords:
    """Returns 300 records for the reconstruction attack; arguments and errors as for `load`."""
    return _source(name).load_attack_records(_resolve(data_path))


def status(name: str, *, data_path: Path | str | None = None) -> DataStatus:
    """Returns whether `load` would find its data, from file headers only; never raises."""
    try:
        return DataStatus(available=True, message=_source(name).describe_copy(_resolve(data_path)))
    except DpcoreError as error:
        return DataStatus(available=False, message=str(error))


def _source(name: str) -> _Source:
    if name not in _SOURCES:
        raise InvalidValue(f"dataset must be one of {', '.join(_SOURCES)}, but is {name!r}.")
    return _SOURCES[name]


def _resolve(data_path: Path | str | None) -> Path | None:
    given = data_path if data_path is not None else os.environ.get(DATA_VARIABLE, "").strip()
    if not given:
        return None
    try:
        return Path(given).expanduser()
    except RuntimeError:  # "~name" of somebody unknown: then it is a plain name
        return Path(given)
