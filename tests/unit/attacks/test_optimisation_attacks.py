"""Optimisation attacks: without noise they rebuild pictures from a gradient, with DP's noise they guess."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.attacks.networks.inversion import ATTACKS, Inversion, OptimisationAttack, invert_gradient
from dpcore.attacks.networks.objectives import clipped_gradient, cosine_distance, squared_distance, total_variation
from dpcore.attacks.networks.observed import flat_gradient, infer_label
from dpcore.attacks.networks.optimisation import attack_by_optimisation
from dpcore.attacks.networks.victim import build_victim, noisy_gradient
from dpcore.attacks.similarity import correlation, ssim_error
from dpcore.datasets import skin_phantom
from dpcore.errors import InvalidValue

SHAPE = (3, 28, 28)
PICTURES = skin_phantom.paint(np.arange(2), size=28)
#: CPU seconds: far above what the attacks take, so that a busy machine changes no result.
AMPLE = 60.0


def _inputs(count: int = 1) -> Tensor:
    return torch.from_numpy(PICTURES[:count]).permute(0, 3, 1, 2).float() / 255


def _observed(labels: list[int], *, noise_multiplier: float = 0.0, **options: float) -> dict[str, Tensor]:
    return noisy_gradient(
        build_victim(SHAPE, seed=1),
        _inputs(len(labels)),
        torch.tensor(labels),
        **{"max_grad_norm": 1.0, "noise_multiplier": noise_multiplier, "seed": 0, **options},  # type: ignore[arg-type]
    )


def _inverted(gradient: dict[str, Tensor], attack: OptimisationAttack, **options: object) -> Inversion:
    arguments = {"record_shape": SHAPE, "attack": attack, "seed": 0, "time_limit": AMPLE, **options}
    return invert_gradient(build_victim(SHAPE, seed=1), gradient, **arguments)  # type: ignore[arg-type]


def _blind_error(pictures: np.ndarray) -> float:
    """1 − SSIM of the best constant grey, what an attacker reaches who saw nothing."""
    return float(np.mean([ssim_error(p, np.full_like(p, round(float(pictures.mean())))) for p in pictures]))


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_come_back_without_noise(attack: OptimisationAttack, channels: int) -> None:
    pictures = PICTURES if channels == 3 else PICTURES[..., :1]
    scores = attack_by_optimisation(pictures, attack=attack, noise_multiplier=0, looks=1, seed=0, time_limit=AMPLE)
    assert scores.reconstructions.shape == pictures.shape
    assert scores.correlation.min() > 0.99
    assert np.median(scores.error) < 0.1
    assert scores.correlation[0] == correlation(pictures[0], scores.reconstructions[0])


@pytest.mark.parametrize("attack", ATTACKS)
def test_noise_of_one_clipping_norm_leaves_a_blind_guess(attack: OptimisationAttack) -> None:
    scores = attack_by_optimisation(PICTURES, attack=attack, noise_multiplier=1, looks=1, seed=0, time_limit=AMPLE)
    assert np.abs(scores.correlation).max() < 0.2
    assert scores.error.mean() > _blind_error(PICTURES)


def test_looks_average_the_noise() -> None:
    one, many = (_observed([1], noise_multiplier=0.5, looks=looks) for looks in (1, 100))
    clean = _observed([1])
    for name, gradient in clean.items():
        torch.testing.assert_close(10 * (many[name] - gradient), one[name] - gradient, rtol=1e-3, atol=1e-5)
    noise = torch.cat([(one[name] - clean[name]).flatten() for name in clean])
    assert float(noise.std()) == pytest.approx(0.5, rel=0.02)


def test_observed_gradient_is_what_the_attacker_recomputes() -> None:
    network, labels = build_victim(SHAPE, seed=1), torch.tensor([0, 1])
    ours = clipped_gradient(network, _inputs(2), labels, max_grad_norm=0.3)
    theirs = flat_gradient(network, _observed([0, 1], max_grad_norm=0.3))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-7)
    by_hand = []
    for record, label in zip(_inputs(2), labels, strict=True):
        network.zero_grad()
        F.cross_entropy(network(record[None]), label[None]).backward()
        gradient = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        assert gradient.norm() > 0.3
        by_hand.append(gradient / gradient.norm() * 0.3)
    torch.testing.assert_close(ours, sum(by_hand), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("label", [0, 1])
def test_label_is_read_off_the_last_bias(label: int) -> None:
    assert infer_label(build_victim(SHAPE, seed=1), _observed([label])).tolist() == [label]


def test_batch_of_two_comes_back_in_part_each_to_its_label() -> None:
    found = _inverted(_observed([0, 1]), "inverting gradients", label=torch.tensor([0, 1])).records
    resemblance = [[correlation(o.numpy(), r.numpy()) for r in found] for o in _inputs(2)]
    assert min(resemblance[0][0], resemblance[1][1]) > 0.5
    assert max(resemblance[0][1], resemblance[1][0]) < 0.2


@pytest.mark.parametrize("attack", ATTACKS)
def test_same_seed_same_records_another_seed_others(attack: OptimisationAttack) -> None:
    gradient = _observed([1], noise_multiplier=0.01)
    first, again, other = (_inverted(gradient, attack, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(first.records, again.records)
    assert not torch.equal(first.records, other.records)
    assert first.records.dtype == torch.float32
    assert 0 <= float(first.records.min()) <= float(first.records.max()) <= 1


def test_best_start_counts() -> None:
    gradient = _observed([0], noise_multiplier=0.01)
    alone, both = _inverted(gradient, "dlg"), _inverted(gradient, "dlg", starts=3)
    assert both.loss <= alone.loss
    assert both.seconds > alone.seconds


@pytest.mark.parametrize("attack", ATTACKS)
def test_time_limit_ends_the_search_and_is_told(attack: OptimisationAttack) -> None:
    cut = _inverted(_observed([0]), attack, time_limit=1e-6, starts=5)
    assert cut.out_of_time
    assert cut.iterations <= 10
    assert not _inverted(_observed([0]), attack).out_of_time


def test_distances_and_prior_against_numpy() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 50))
    assert float(squared_distance(torch.tensor(a), torch.tensor(b))) == pytest.approx(np.sum((a - b) ** 2))
    cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert float(cosine_distance(torch.tensor(a), torch.tensor(b))) == pytest.approx(1 - cosine)
    assert float(cosine_distance(torch.tensor(a), torch.tensor(3 * a))) == pytest.approx(0, abs=1e-12)
    x = generator.random((1, 1, 4, 5))
    expected = np.abs(np.diff(x, axis=2)).mean() + np.abs(np.diff(x, axis=3)).mean()
    assert float(total_variation(torch.tensor(x))) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attack": "magic"}, "attack must be one of dlg, inverting gradients, but is 'magic'."),
        ({"record_shape": (28, 28)}, r"record_shape must be \(channels, height, width\), but is \(28, 28\)."),
        ({"time_limit": 0}, "time_limit must be a finite number above 0, but is 0."),
        ({"starts": 0}, "starts must be a whole number of at least 1, but is 0."),
        ({"gradient": {}}, r"gradient must hold features.0.weight of shape \(32, 3, 5, 5\), but it is missing."),
    ],
)
def test_bad_input_is_one_sentence(options: dict[str, object], message: str) -> None:
    arguments = {"gradient": _observed([0]), "attack": "dlg", **options}
    with pytest.raises(InvalidValue, match=f"^{message}$"):
        _inverted(**arguments)  # type: ignore[arg-type]


def test_label_must_be_given_where_no_bias_tells_it() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False))
    with pytest.raises(InvalidValue, match=r"^label must be given"):
        infer_label(network, {"1.weight": torch.zeros(2, 4)})


@pytest.mark.parametrize("shape", [(0, 28, 28, 3), (2, 28, 28, 2), (2, 28, 30, 1), (2, 8, 8, 1), (28, 28, 3)])
def test_bad_pictures_are_one_sentence(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidValue, match=r"^records must be uint8 of shape .+\.$"):
        attack_by_optimisation(np.zeros(shape, np.uint8), attack="dlg", noise_multiplier=0, looks=1, seed=0)
