"""What a worker keeps between tasks: records, and attacks prepared on them. Loaded once in a process."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dpcore import datasets as registry
from dpcore.attacks import ImprintAttack
from dpcore.attacks.shown import ShownPictures, shown_pictures
from dpcore.datasets.spec import AttackRecords, Dataset


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Pictures that may stand beside a dataset, prepared for attack."""

    attack: ImprintAttack
    pictures: ShownPictures


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A dataset with everything that its tasks need."""

    dataset: Dataset
    #: On the dataset's attack records, and their name with their side: "skin_phantom_128".
    attack: ImprintAttack
    attack_name: str
    #: None for tables.
    shown: Shown | None
    #: What loading took when it was done.
    seconds: float


@cache
def load(name: str, data_path: str | None) -> Loaded:
    """Returns a dataset with its attacks; `data_path` None means the path in DPCORE_DATA.

    Raises InvalidValue for an unknown name and DataUnavailable for a missing, damaged or wrong file.
    """
    start = time.perf_counter()
    dataset = registry.load(name, data_path=Path(data_path) if data_path else None)
    attacked = _attack_records(name, data_path)
    attack = _imprint(name, data_path)
    side = f"_{attacked.records.shape[1]}" if attacked.records.ndim == 4 else ""
    shown = _shown(name, data_path) if dataset.spec.kind == "image" else None
    return Loaded(
        dataset=dataset,
        attack=attack,
        attack_name=attacked.name + side,
        shown=shown,
        seconds=time.perf_counter() - start,
    )


@cache
def _attack_records(name: str, data_path: str | None) -> AttackRecords:
    return registry.load_attack_records(name, data_path=Path(data_path) if data_path else None)


@cache
def _imprint(name: str, data_path: str | None) -> ImprintAttack:
    return ImprintAttack(_attack_records(name, data_path).records, seed=0)


def _shown(name: str, data_path: str | None) -> Shown:
    """A phantom's pictures are the attack records themselves: one attack serves both."""
    pictures = shown_pictures(name, load=lambda phantom: _attack_records(phantom, data_path))
    own = _imprint(name, data_path)
    attack = own if pictures.records is own.records else ImprintAttack(pictures.records, seed=0)
    return Shown(attack=attack, pictures=pictures)
