"""The attack's noise is DP-SGD's, and matching is a guess when noise drowns everything."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from dpcore.attacks.networks import ImprintModel, PreparedAttack
from dpcore.attacks.networks.imprint import combine_bins
from dpcore.models import build_model

FEATURES = 400
#: Chance that a right implementation fails one of these tests; the seeds are fixed, so this is paid only once.
FALSE_ALARM = 1e-4


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((40, FEATURES)).astype(np.float32)


@pytest.fixture(scope="module")
def attack(rows: np.ndarray) -> PreparedAttack:
    return PreparedAttack(rows, 0, max_grad_norm=2.5)


def _noise(attack: PreparedAttack, *, noise_multiplier: float, looks: int) -> np.ndarray:
    noisy = attack.noisy_gradients(noise_multiplier=noise_multiplier, looks=looks)
    return (noisy - attack.noisy_gradients(noise_multiplier=0, looks=1)).astype(np.float64).ravel()


def _is_normal_with(noise: np.ndarray, std: float) -> bool:
    """Chi-squared test of the variance and Kolmogorov–Smirnov test of the shape."""
    p = stats.chi2.cdf(np.square(noise / std).sum(), noise.size)
    shape = stats.kstest(noise / std, "norm").pvalue
    return bool(2 * min(p, 1 - p) > FALSE_ALARM / 2 and shape > FALSE_ALARM / 2)


@pytest.mark.parametrize("noise_multiplier", [0.01, 3.0])
@pytest.mark.parametrize("looks", [1, 9])
def test_noise_has_the_scale_of_dp_sgd_over_root_looks(
    attack: PreparedAttack, noise_multiplier: float, looks: int
) -> None:
    noise = _noise(attack, noise_multiplier=noise_multiplier, looks=looks)
    right = noise_multiplier * 2.5 / math.sqrt(looks)
    assert _is_normal_with(noise, right)
    assert not _is_normal_with(noise, right * 2 / 3)
    assert not _is_normal_with(noise, right * 3 / 2)


def _looks_drawn_one_by_one(model: ImprintModel, record: np.ndarray, *, noise_std: float, looks: int) -> np.ndarray:
    """The long way: each look takes the whole gradient, clips it, and adds noise to *every* coordinate of the model."""
    rng = np.random.default_rng(7)
    total = np.zeros(record.size + 1)
    for _ in range(looks):
        model.zero_grad()
        nn.functional.cross_entropy(model(torch.from_numpy(record)[None]), torch.tensor([1])).backward()
        gradient = {n: p.grad.numpy().astype(np.float64) for n, p in model.named_parameters() if p.grad is not None}
        norm = math.sqrt(sum(float(np.square(g).sum()) for g in gradient.values()))
        noisy = {n: g * min(1, 1 / norm) + noise_std * rng.standard_normal(g.shape) for n, g in gradient.items()}
        weights, biases = (torch.from_numpy(noisy[f"to_bins.{part}"]) for part in ("weight", "bias"))
        total += combine_bins(weights, biases)
    return total / looks


def test_one_draw_over_root_looks_is_really_averaging(rows: np.ndarray) -> None:
    record, looks, noise_std = rows[0], 16, 0.5
    network = build_model("mlp", (FEATURES,), seed=0)
    model = ImprintModel(network, record_shape=(FEATURES,), seed=0)
    clean = _looks_drawn_one_by_one(model, record, noise_std=0.0, looks=1)
    averaged = _looks_drawn_one_by_one(model, record, noise_std=noise_std, looks=looks) - clean
    assert _is_normal_with(averaged, noise_std / math.sqrt(looks))
    shortcut = _noise(PreparedAttack(rows, 0), noise_multiplier=noise_std, looks=looks)
    assert stats.ks_2samp(averaged, shortcut).pvalue > FALSE_ALARM
    assert stats.ks_2samp(averaged, shortcut * 3 / 2).pvalue < 0.01
    # The noiseless part is the same too, but for the sign, which the label sets.
    shipped = PreparedAttack(rows, 0).noisy_gradients(noise_multiplier=0, looks=1)[0]
    np.testing.assert_allclose(np.abs(shipped), np.abs(clean), atol=1e-5)


def test_noise_of_different_records_is_independent(attack: PreparedAttack) -> None:
    noise = _noise(attack, noise_multiplier=1.0, looks=1).reshape(40, FEATURES + 1)
    correlations = np.corrcoef(noise)[np.triu_indices(40, 1)]
    # 780 pairs: the largest |r| · √n of independent normals exceeds 5.3 with probability below 1e-4.
    assert np.abs(correlations).max() * math.sqrt(FEATURES + 1) < 5.3


def test_matching_under_huge_noise_is_a_guess(rows: np.ndarray) -> None:
    """Fails a right implementation with probability 1e-4; would catch a rate of twice the chance."""
    right, tries = 0, 0
    for seed in range(60):
        matched = PreparedAttack(rows[:10, :30], seed).matched(noise_multiplier=1e6, looks=1)
        right, tries = right + int(matched.sum()), tries + matched.size
    assert stats.binomtest(right, tries, 1 / 10).pvalue > FALSE_ALARM
    assert stats.binomtest(right, tries, 2 / 10).pvalue < FALSE_ALARM


def test_matching_rate_of_orthogonal_candidates_is_the_exact_one() -> None:
    """For orthogonal candidates the largest |score| wins; its probability is worked out by a separate Monte Carlo."""
    candidates, noise_multiplier = 16, 0.4
    orthogonal = np.linalg.qr(np.random.default_rng(2).standard_normal((FEATURES, candidates)))[0].T
    rows = (math.sqrt(FEATURES) * orthogonal).astype(np.float32)
    right = sum(
        int(PreparedAttack(rows, seed).matched(noise_multiplier=noise_multiplier, looks=1).sum()) for seed in range(40)
    )
    scores = np.random.default_rng(3).normal(0, noise_multiplier, (200_000, candidates))
    scores[:, 0] += 1
    expected = float((np.abs(scores).argmax(axis=1) == 0).mean())
    assert 0.4 < expected < 0.9
    assert stats.binomtest(right, 40 * candidates, expected).pvalue > FALSE_ALARM
