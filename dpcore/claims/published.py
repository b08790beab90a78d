"""What Ziller et al. (Nat Mach Intell 6, 764–774, 2024) print: settings, bounds, utility, real attacks. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dpcore.privacy import Tier

#: Of (ε, δ)-DP, for all three datasets.
DELTA = 8e-7

DatasetName = Literal["RadImageNet", "HAM10000", "MSD Liver"]


@dataclass(frozen=True, kw_only=True)
class Training:
    """One training of the paper; a batch is `accumulation` micro-batches."""

    dataset: DatasetName
    num_train: int
    micro_batch: int
    accumulation: int
    epochs: int
    #: As printed.
    steps: int

    @property
    def expected_batch_size(self) -> int:
        """Records in a batch."""
        return self.micro_batch * self.accumulation

    @property
    def sample_rate(self) -> float:
        """Batch / training records."""
        return self.expected_batch_size / self.num_train

    def steps_of(self, num_train: int) -> int:
        """Returns ⌊⌊N / micro-batch⌋ / accumulation⌋ · epochs for that many records."""
        return num_train // self.micro_batch // self.accumulation * self.epochs


#: The number of RadImageNet's training records is not printed; this guess gives the printed steps.
RADIMAGENET = Training(
    dataset="RadImageNet", num_train=1_016_414, micro_batch=128, accumulation=26, epochs=50, steps=15_250
)
HAM10000 = Training(dataset="HAM10000", num_train=8_082, micro_batch=16, accumulation=128, epochs=100, steps=300)
MSD_LIVER = Training(dataset="MSD Liver", num_train=106, micro_batch=1, accumulation=1, epochs=500, steps=53_000)
TRAININGS = (RADIMAGENET, HAM10000, MSD_LIVER)


@dataclass(frozen=True, kw_only=True)
class PublishedBound:
    """A bound of the paper, in per cent as printed: “1.22”, “< 0.05”, “> 20”, “~4”."""

    training: Training
    epsilon: float
    tier: Tier
    printed: str


_PRINTED_BOUNDS: tuple[tuple[Training, float, Tier, str], ...] = (
    (RADIMAGENET, 1.0, "worst_case", "< 0.05"),
    (RADIMAGENET, 8.0, "worst_case", "< 0.05"),
    (RADIMAGENET, 32.0, "worst_case", "15"),
    (HAM10000, 1.0, "worst_case", "0.03"),
    (HAM10000, 8.0, "worst_case", "1.22"),
    (HAM10000, 20.0, "worst_case", "> 20"),
    (HAM10000, 20.0, "relaxed", "< 1"),
    (MSD_LIVER, 1.0, "worst_case", "1.66"),
    (MSD_LIVER, 8.0, "worst_case", "17.96"),
    (MSD_LIVER, 8.0, "relaxed", "~4"),
    (MSD_LIVER, 20.0, "worst_case", "74.24"),
)
BOUNDS = tuple(
    PublishedBound(training=training, epsilon=epsilon, tier=tier, printed=printed)
    for training, epsilon, tier, printed in _PRINTED_BOUNDS
)


@dataclass(frozen=True, kw_only=True)
class PublishedUtility:
    """A utility of the paper: MCC or Dice in per cent, or a p-value of Student's t-test against no DP."""

    dataset: DatasetName
    what: Literal["MCC", "MCC, p against no DP", "liver Dice", "tumour Dice", "liver Dice, p", "tumour Dice, p"]
    #: Infinite without DP.
    epsilon: float
    printed: str
    note: str = ""


_NO_DP = float("inf")
UTILITIES = (
    PublishedUtility(dataset="HAM10000", what="MCC", epsilon=1.0, printed="15.60"),
    PublishedUtility(
        dataset="HAM10000",
        what="MCC",
        epsilon=20.0,
        printed="42.83",
        note="printed for a medium budget, here taken as ε = 20; called 9 % below no DP",
    ),
    PublishedUtility(dataset="HAM10000", what="MCC, p against no DP", epsilon=1e9, printed="0.36"),
    PublishedUtility(dataset="RadImageNet", what="MCC", epsilon=1.0, printed="64.95"),
    PublishedUtility(dataset="RadImageNet", what="MCC", epsilon=32.0, printed="69.99"),
    PublishedUtility(dataset="RadImageNet", what="MCC, p against no DP", epsilon=1e12, printed="0.001"),
    PublishedUtility(dataset="RadImageNet", what="MCC", epsilon=_NO_DP, printed="71.83"),
    PublishedUtility(dataset="MSD Liver", what="liver Dice", epsilon=1.0, printed="42.84"),
    PublishedUtility(dataset="MSD Liver", what="liver Dice", epsilon=20.0, printed="79.06"),
    PublishedUtility(dataset="MSD Liver", what="liver Dice, p", epsilon=1e9, printed="0.10"),
    PublishedUtility(dataset="MSD Liver", what="liver Dice", epsilon=_NO_DP, printed="91.58"),
    PublishedUtility(dataset="MSD Liver", what="tumour Dice", epsilon=1.0, printed="0.96"),
    PublishedUtility(dataset="MSD Liver", what="tumour Dice", epsilon=20.0, printed="5.55"),
    PublishedUtility(dataset="MSD Liver", what="tumour Dice, p", epsilon=1e9, printed="0.29"),
)


@dataclass(frozen=True, kw_only=True)
class PublishedAttack:
    """What the real attack rebuilt in the paper: per cent of the images with an SSIM error below 10 %."""

    dataset: DatasetName
    epsilon: float
    printed: str
    note: str = ""


#: Bins of the imprint layer that attacked.
IMPRINT_BINS = 10

ATTACKS = (
    PublishedAttack(dataset="HAM10000", epsilon=1e9, printed="0"),
    PublishedAttack(dataset="MSD Liver", epsilon=1e9, printed="0"),
    PublishedAttack(dataset="MSD Liver", epsilon=1e15, printed="39"),
    PublishedAttack(dataset="MSD Liver", epsilon=_NO_DP, printed="100", note="all images"),
    PublishedAttack(dataset="RadImageNet", epsilon=1e12, printed="0"),
    PublishedAttack(dataset="RadImageNet", epsilon=_NO_DP, printed="< 5", note="at batch 3,328"),
)
