"""How well an honest server rebuilds pictures, one at a time, by optimisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from dpcore._validate import non_negative, whole
from dpcore.attacks import similarity
from dpcore.attacks._records import to_model_input
from dpcore.attacks.networks.inversion import Inversion, OptimisationAttack, invert_gradient
from dpcore.attacks.networks.victim import build_victim, noisy_gradient
from dpcore.errors import InvalidValue
from dpcore.models import build_model

__all__ = ["FRIENDLY", "OptimisationScores", "attack_by_optimisation", "invert_gradient", "noisy_gradient"]

MIN_SIDE, MAX_SIDE = 16, 64
#: The attacker-friendly network; any name of `dpcore.models` is a harder one.
FRIENDLY = "smooth_cnn"


@dataclass(frozen=True, kw_only=True)
class OptimisationScores:
    """Success on n pictures, each from a noisy gradient of its own. Measured, never a guarantee."""

    noise_multiplier: float
    looks: int
    attack: OptimisationAttack
    model: str
    #: (n,) 1 − SSIM, smaller = better attack; dB and −1 … 1, larger = better attack.
    error: NDArray[np.float64]
    psnr: NDArray[np.float64]
    correlation: NDArray[np.float64]
    #: (n,) CPU seconds of the attack on each picture.
    seconds: NDArray[np.float64]
    #: uint8, shape of the attacked pictures.
    reconstructions: NDArray[np.uint8]


def attack_by_optimisation(
    records: NDArray[np.uint8],
    *,
    attack: OptimisationAttack,
    noise_multiplier: float,
    looks: int,
    seed: int,
    model: str = FRIENDLY,
    time_limit: float = 5.0,
) -> OptimisationScores:
    """Returns how well pictures are rebuilt from their clipped, noisy gradients, clipping norm 1, two classes.

    Labels are random and not given to the attacker. At a noise multiplier of 0 this is training without DP.

    Args:
        records: uint8 (n, side, side, c), c 1 or 3, side 16 … 64, n ≥ 1.
        attack: "dlg" or "inverting gradients".
        noise_multiplier: noise standard deviation / clipping norm, ≥ 0.
        looks: number of averaged gradients of the same record, ≥ 1.
        seed: of weights, labels, noise and starts; the same seed gives the same scores unless time runs out.
        model: the attacked network.
        time_limit: CPU seconds a picture.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """
    non_negative(noise_multiplier=noise_multiplier)
    whole(looks=looks)
    whole(0, seed=seed)
    inputs = torch.from_numpy(to_model_input(_checked(records)))  # (n, c, side, side)
    _, channels, side, _ = inputs.shape
    shape = (channels, side, side)
    network = _network(model, shape, seed)
    labels = torch.from_numpy(np.random.default_rng(seed).integers(0, 2, size=len(inputs)))
    inversions: list[Inversion] = []
    for row, (record, label) in enumerate(zip(inputs.split(1), labels.split(1), strict=True)):
        noise_seed, start_seed = (int(s) for s in np.random.SeedSequence((seed, row)).generate_state(2))
        gradient = noisy_gradient(
            network, record, label, max_grad_norm=1.0, noise_multiplier=noise_multiplier, looks=looks, seed=noise_seed
        )
        inversions.append(
            invert_gradient(
                network, gradient, record_shape=shape, attack=attack, seed=start_seed, time_limit=time_limit
            )
        )
    rebuilt = _pictures(inversions)
    pairs = list(zip(records, rebuilt, strict=True))
    return OptimisationScores(
        noise_multiplier=noise_multiplier,
        looks=looks,
        attack=attack,
        model=model,
        error=np.array([similarity.ssim_error(a, b) for a, b in pairs]),
        psnr=np.array([similarity.psnr(a, b) for a, b in pairs]),
        correlation=np.array([similarity.correlation(a, b) for a, b in pairs]),
        seconds=np.array([inversion.seconds for inversion in inversions]),
        reconstructions=rebuilt,
    )


def _checked(records: NDArray[np.uint8]) -> NDArray[np.uint8]:
    is_array = isinstance(records, np.ndarray) and records.dtype == np.uint8 and records.ndim == 4
    if is_array and len(records) and records.shape[3] in (1, 3):
        _, height, width, _ = records.shape
        if height == width and MIN_SIDE <= height <= MAX_SIDE:
            return records
    found = f"{records.dtype} of shape {records.shape}" if isinstance(records, np.ndarray) else type(records).__name__
    raise InvalidValue(
        f"records must be uint8 of shape (n, side, side, 1 or 3), not empty, with a side of {MIN_SIDE} to {MAX_SIDE}, "
        f"but is {found}."
    )


def _network(model: str, record_shape: tuple[int, int, int], seed: int) -> nn.Module:
    return build_victim(record_shape, seed=seed) if model == FRIENDLY else build_model(model, record_shape, seed=seed)


def _pictures(inversions: list[Inversion]) -> NDArray[np.uint8]:
    stacked = torch.cat([inversion.records for inversion in inversions]).permute(0, 2, 3, 1)
    return np.ascontiguousarray((stacked * 255).round().to(torch.uint8).numpy())
