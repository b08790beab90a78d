"""What a configuration states about its privacy, in one vocabulary for all libraries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dpcore.errors import InvalidValue

Dialect = Literal["opacus", "tf_privacy", "flower", "nvflare", "generic"]
DIALECTS: tuple[Dialect, ...] = ("opacus", "tf_privacy", "flower", "nvflare", "generic")
#: Whose presence is hidden: one training example, or one participant of a federation.
Unit = Literal["record", "client"]
#: "poisson": each joins a step by its own coin. "shuffle": passes in random order. "fixed": a random subset of fixed
#: size each step. "full": everyone, every step.
Sampling = Literal["poisson", "shuffle", "fixed", "full", "unknown"]
Clipping = Literal["each", "layers", "microbatch", "batch", "adaptive", "none", "unknown"]
Part = Literal["round", "epoch", "step"]
Neighbours = Literal["add_remove", "replace"]


@dataclass(frozen=True, kw_only=True)
class LocalGaussian:
    """Flower's LocalDpMod: each client noises its clipped update with σ = sensitivity·√(2·ln(1.25/δ))/ε."""

    sensitivity: float
    epsilon: float


@dataclass(frozen=True, kw_only=True)
class SparseVector:
    """NVFlare's SVTPrivacy: a share of the values, chosen by noisy threshold and noised with Laplace noise."""

    fraction: float
    epsilon: float
    noise_var: float
    num_parameters: int | None


@dataclass(frozen=True, kw_only=True)
class LargestValues:
    """NVFlare's PercentilePrivacy: the largest values, cut off but not noised."""

    percentile: float


@dataclass(frozen=True, kw_only=True)
class RelativeNoise:
    """NVFlare's GaussianPrivacy: noise that is a share of the private values' own size."""

    sigma0: float


ClientFilter = LocalGaussian | SparseVector | LargestValues | RelativeNoise


@dataclass(frozen=True, kw_only=True)
class Assumption:
    """A field the file leaves out, and the library's default or usual practice put in its place."""

    field: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What is stated; None where it is not. All fields are in the units of style: σ is relative to the clipping norm.

    Raises InvalidValue where two fields contradict each other. Single fields are checked where they are read.
    """

    dialect: Dialect
    unit: Unit = "record"
    #: Records, or clients, there are.
    num_train: int | None = None
    #: Records, or clients, in a step on average, over all accumulated parts.
    batch: int | None = None
    sample_rate: float | None = None
    epochs: int | None = None
    #: Noisy releases: optimiser steps, or rounds of a federation.
    steps: int | None = None
    #: Rounds of a federation that each train all epochs, or steps, anew on the same records.
    rounds: int = 1
    sampling: Sampling = "unknown"
    drop_last: bool | None = None

    #: DP is there, but turned off.
    is_switched_off: bool = False
    noise_multiplier: float | None = None
    #: Noise standard deviation on the sum of clipped gradients, where it is stated by itself.
    noise_std: float | None = None
    noise_scales_with_clip: bool | None = None
    #: L2; of several layers the norm of all together.
    max_grad_norm: float | None = None
    clipping: Clipping = "unknown"
    #: Layers clipped to `max_grad_norm` each, where that is not yet the norm of all together.
    layers_clipped_alike: bool = False
    num_layers: int | None = None
    #: Records whose mean gradient is clipped as one.
    microbatch_size: int = 1
    noise_divided_by_batch: bool | None = None
    #: Noise on the count of unclipped gradients that steers an adaptive clipping norm.
    count_noise_std: float | None = None

    accountant: str | None = None
    delta: float | None = None
    #: Of the whole training.
    claimed_epsilon: float | None = None
    #: Of one round, epoch or step, where that is stated.
    part_epsilon: float | None = None
    part: Part = "round"
    #: Only ε is a target from which the library finds its noise.
    target_only: bool = False
    neighbours: Neighbours | None = None

    normalisation: str | None = None
    model: str | None = None
    tuning_is_private: bool | None = None
    tuning_trials: int | None = None
    tuning_is_paid: bool | None = None
    releases: int = 1
    records_per_patient: int = 1
    secure_rng: bool | None = None
    validation_is_private: bool | None = None
    weighted_by_size: bool | None = None
    client_filter: ClientFilter | None = None

    #: Where in the file each field was found.
    origins: tuple[tuple[str, str], ...] = ()
    assumptions: tuple[Assumption, ...] = ()

    def __post_init__(self) -> None:
        _at_most(self, "batch", self.batch, self.num_train, f"the {self.num_train} {self.unit}s")
        _at_most(self, "microbatch_size", self.microbatch_size, self.batch, f"the batch of {self.batch}")
        _at_most(self, "records_per_patient", self.records_per_patient, self.num_train, f"the {self.num_train} records")

    def origin(self, field: str) -> str:
        """Returns the field's name in the file, or our own where the file does not have it."""
        return dict(self.origins).get(field, field)


def _at_most(claim: Claim, field: str, value: int | None, most: int | None, what: str) -> None:
    if value is not None and most is not None and value > most:
        raise InvalidValue(f"{claim.origin(field)} must be at most {what}, but is {value}.")
