"""Which of our datasets stands beside each published measurement, what its rows say, and how far it is comparable."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from dpcore import datasets
from dpcore.claims.published import PublishedAttack, PublishedUtility
from dpcore.errors import ResultsUnavailable
from dpcore.results.metrics import get_model_words_from_name
from dpcore.results.schema import ATTACKS, POINTS, RUNS
from dpcore.results.store import PrecomputedStore


@dataclass(frozen=True, kw_only=True)
class Counterpart:
    """Our nearest measurement of a published one."""

    #: Registry name.
    dataset: str
    #: The score: a column of `schema.RUNS`.
    column: str = "utility"
    #: What is different about the data, for the column of our numbers; empty if they are the paper's.
    called: str = ""
    #: Why other data stand in, one clause.
    because: str = ""


_HAM10000 = Counterpart(dataset="ham10000")
_LIVER = Counterpart(dataset="msd_liver")
_TUMOUR = Counterpart(
    dataset="liver_phantom",
    column="dice_tumour",
    called="synthetic phantom",
    because="our copy of MSD Liver has liver and tumour merged, so these are the liver phantom's invented slices",
)
_RADIOGRAPHS = Counterpart(
    dataset="pneumonia_mnist",
    called="PneumoniaMNIST",
    because="RadImageNet is given out on request only; this is the nearest radiological set here, chest radiographs of "
    "pneumonia or not: other images, another question",
)


def counterpart_of(claim: PublishedUtility | PublishedAttack) -> Counterpart | None:
    """Returns what stands beside a claim; None where nothing we could measure would."""
    if claim.dataset == "HAM10000":
        return _HAM10000
    if isinstance(claim, PublishedAttack):
        return _LIVER if claim.dataset == "MSD Liver" else None
    if claim.dataset == "RadImageNet":
        return _RADIOGRAPHS
    return _TUMOUR if claim.what.startswith("tumour") else _LIVER


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The rows of all datasets' main models; without results every table is empty."""

    points: pd.DataFrame
    runs: pd.DataFrame
    attacks: pd.DataFrame

    @classmethod
    def of(cls, store: PrecomputedStore) -> Measured:
        """Returns the store's rows; raises ResultsUnavailable if a table is missing or damaged."""
        points = store.table("points")
        main = points.groupby("dataset", sort=False)["model"].first()
        return cls(
            **{
                name: table[table["model"] == table["dataset"].map(main)]
                for name, table in (
                    ("points", points),
                    ("runs", store.table("runs")),
                    ("attacks", store.table("attacks")),
                )
            }
        )

    @classmethod
    def nothing(cls) -> Measured:
        """Returns what is known where there are no results."""
        points, runs, attacks = (
            pd.DataFrame({key: [] for key in table}, dtype=float) for table in (POINTS, RUNS, ATTACKS)
        )
        return cls(points=points, runs=runs, attacks=attacks)

    def at(self, table: str, dataset: str, epsilon: float) -> pd.DataFrame:
        """Returns the rows of a dataset at a nominal budget, infinite without DP."""
        frame: pd.DataFrame = getattr(self, table)
        frame = frame[frame["dataset"] == dataset]
        if math.isinf(epsilon):
            return frame[frame["target_epsilon"].isna()]
        return frame[(frame["target_epsilon"] / epsilon - 1).abs() < 1e-6]


def conditions(dataset: str, model: str) -> str:
    """Returns on what a score depends, and what it is here; raises ResultsUnavailable for a dataset not known here."""
    if dataset not in datasets.names():
        raise ResultsUnavailable(f"This version does not know the dataset “{dataset}”.")
    size = datasets.spec(dataset).record_shape[-1]
    return f"depends on model, image size, split and training: ours is {get_model_words_from_name(model)} at {size} px"


def attacked_size(records: str) -> str:
    """Returns “128 px” from the name of what was attacked, such as ham10000_128."""
    size = records.rsplit("_", 1)[-1]
    return f"{size} px" if size.isdigit() else "another size"
