"""The measures against definitions worked out another way."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dpcore.attacks.similarity import correlation, psnr, relative_error, ssim_error
from dpcore.errors import InvalidValue


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    original = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    rebuilt = np.clip(original + rng.normal(0, 30, original.shape), 0, 255).astype(np.uint8)
    return original, rebuilt


def _ssim_by_definition(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. (2004), eq. 13, window by window, with sample covariances."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for channel in range(3):
        for i in range(a.shape[0] - 6):
            for j in range(a.shape[1] - 6):
                x = a[i : i + 7, j : j + 7, channel].astype(float).ravel()
                y = b[i : i + 7, j : j + 7, channel].astype(float).ravel()
                cov = np.cov(x, y)
                luminance = (2 * x.mean() * y.mean() + c1) / (x.mean() ** 2 + y.mean() ** 2 + c1)
                values.append(luminance * (2 * cov[0, 1] + c2) / (cov[0, 0] + cov[1, 1] + c2))
    return float(np.mean(values))


def test_ssim_error_is_one_minus_the_published_formula(pair: tuple[np.ndarray, np.ndarray]) -> None:
    original, rebuilt = pair
    assert ssim_error(original, rebuilt) == pytest.approx(1 - _ssim_by_definition(original, rebuilt), abs=1e-9)


def test_identical_pictures() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    assert ssim_error(picture, picture) == pytest.approx(0, abs=1e-12)
    assert psnr(picture, picture) == pytest.approx(58.92, abs=0.01)
    assert correlation(picture, picture) == pytest.approx(1)


def test_psnr_of_a_known_error() -> None:
    original = np.full((8, 8, 3), 100, dtype=np.uint8)
    assert psnr(original, original + np.uint8(5)) == pytest.approx(20 * math.log10(255 / 5))
    # uint8 subtraction would wrap around here.
    assert psnr(original, original - np.uint8(100)) == pytest.approx(20 * math.log10(255 / 100))


def test_correlation_is_pearsons(pair: tuple[np.ndarray, np.ndarray]) -> None:
    original, rebuilt = pair
    assert correlation(original, rebuilt) == pytest.approx(np.corrcoef(original.ravel(), rebuilt.ravel())[0, 1])
    assert correlation(original, 255 - original) == pytest.approx(-1)


def test_correlation_of_constant_records() -> None:
    ramp, flat = np.arange(10, dtype=np.float32), np.ones(10, dtype=np.float32)
    assert correlation(ramp, flat) == 0
    assert math.isnan(correlation(flat, ramp))


def test_relative_error() -> None:
    original = np.array([3.0, 4.0], dtype=np.float32)
    assert relative_error(original, original) == 0
    assert relative_error(original, np.array([3.0, 5.0], dtype=np.float32)) == pytest.approx(0.2)
    assert relative_error(original, np.zeros(2, dtype=np.float32)) == pytest.approx(1)
    assert math.isnan(relative_error(np.zeros(2, dtype=np.float32), original))


@pytest.mark.parametrize("measure", [ssim_error, psnr, correlation, relative_error])
def test_shapes_must_agree(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidValue, match="rebuilt must have the shape"):
        measure(np.zeros((16, 16, 3), dtype=np.uint8), np.zeros((16, 15, 3), dtype=np.uint8))
