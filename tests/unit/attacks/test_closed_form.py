"""The closed form of a clipped imprint gradient, against autograd's through the whole network."""

from __future__ import annotations

import numpy as np
import pytest

from dpcore.attacks import ImprintAttack, stand_in_pictures
from dpcore.attacks.networks import PreparedAttack


def _records(kind: str) -> np.ndarray:
    if kind == "rows":
        return np.random.default_rng(0).standard_normal((12, 30)).astype(np.float32)
    return stand_in_pictures().records[:4]


@pytest.mark.parametrize("kind", ["pictures", "rows"])
@pytest.mark.parametrize("offset", [0.0, 0.5])
def test_agrees_with_autograd_but_for_the_sign(kind: str, offset: float) -> None:
    records = _records(kind)
    options = {"max_grad_norm": 0.7, "pixel_offset": offset}
    closed = ImprintAttack(records, 0, **options).noisy_gradients(noise_multiplier=0, looks=1)
    real = PreparedAttack(records, 0, **options).noisy_gradients(noise_multiplier=0, looks=1)
    signs = np.sign(np.einsum("ij,ij->i", closed, real))[:, None]
    distances = np.linalg.norm(signs * real - closed, axis=1)
    assert distances.max() < 1e-3 * 0.7
    np.testing.assert_allclose(np.linalg.norm(closed, axis=1), 0.7, rtol=1e-5)


def test_scores_are_those_of_the_real_network() -> None:
    records = _records("pictures")
    closed, real = (a(records, 0).scores(noise_multiplier=4e-4, looks=3) for a in (ImprintAttack, PreparedAttack))
    np.testing.assert_allclose(closed.error, real.error, atol=0.05)
    assert closed.clip_share == 1 > real.clip_share


def test_signs_are_a_coin() -> None:
    rows = np.ones((200, 5), dtype=np.float32)
    up = ImprintAttack(rows, 0).noisy_gradients(noise_multiplier=0, looks=1)[:, 0] > 0
    assert 70 < up.sum() < 130
