"""How a model is trained; everything that privacy accounting needs follows from it and the number of records."""

from __future__ import annotations

from dataclasses import dataclass

from dpcore import _validate
from dpcore.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of one training. The optimiser is NAdam, as in Ziller et al. (2024), Methods."""

    model: str
    epochs: int
    expected_batch_size: int
    #: Clipping norm, L2, of one record's gradient. Not used without DP.
    max_grad_norm: float
    learning_rate: float = 2e-3
    #: Weight of a positive record, or of an outlined pixel, relative to another. Must come from public knowledge.
    positive_weight: float = 1.0
    #: Augmented views of a record whose gradients are averaged before clipping (De et al. 2022); privacy is unchanged.
    multiplicity: int = 1
    #: Whether every view is mirrored at random, left to right and top to bottom.
    flips: bool = False
    #: Epochs without a better score on the validation records after which training without DP stops; 0 = never.
    patience: int = 0
    seed: int = 0
    #: Views per physical chunk: speed and memory only, no effect on the result.
    chunk_size: int = 128

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        _validate.whole(epochs=self.epochs)
        _validate.whole(expected_batch_size=self.expected_batch_size)
        _validate.positive(max_grad_norm=self.max_grad_norm)
        _validate.positive(learning_rate=self.learning_rate)
        _validate.positive(positive_weight=self.positive_weight)
        _validate.whole(multiplicity=self.multiplicity)
        if not isinstance(self.flips, bool):
            raise InvalidValue(f"flips must be true or false, but is {self.flips!r}.")
        if self.multiplicity > 1 and not self.flips:
            raise InvalidValue(
                f"multiplicity must be 1 without flips, but is {self.multiplicity}: all views are alike."
            )
        _validate.whole(minimum=0, patience=self.patience)
        _validate.whole(minimum=0, seed=self.seed)
        _validate.whole(chunk_size=self.chunk_size)

    def sample_rate(self, num_train: int) -> float:
        """Returns the Poisson inclusion probability; raises InvalidValue if the batch exceeds the training set."""
        if self.expected_batch_size > num_train:
            batch = self.expected_batch_size
            raise InvalidValue(f"expected_batch_size must be at most the {num_train} training records, but is {batch}.")
        return self.expected_batch_size / num_train

    def steps(self, num_train: int) -> int:
        """Returns the number of steps whose expected passes over the records come closest to `epochs`, at least 1."""
        return max(1, round(self.epochs / self.sample_rate(num_train)))
