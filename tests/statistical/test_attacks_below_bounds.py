"""Over many seeds no attack exceeds its proven bound beyond chance.

False alarms: each test compares exact lower limits (Clopper and Pearson) with the bound; the confidence is chosen so
that a sound mechanism fails a test with probability at most 1e-4. All draws are seeded: they pass or fail for good.
"""

from __future__ import annotations

import numpy as np
import pytest

from dpcore import datasets
from dpcore.attacks.membership import audit_from_scores, get_lira_scores, get_loss_scores, true_positives_at
from dpcore.attacks.networks.canaries import finish_audit, start_audit
from dpcore.attacks.networks.shadows import get_confidences, get_losses, start_shadow
from dpcore.privacy import (
    DpSgdMechanism,
    PrivacyTarget,
    calibrate,
    get_epsilon_from_mechanism,
    get_trade_off_from_mechanism,
)
from dpcore.results.intervals import clopper_pearson
from dpcore.training import TrainingConfig

FALSE_ALARM = 1e-4
RATES = (0.01, 0.1, 0.3)
DELTA = 1e-5


def _above(scores: np.ndarray, is_member: np.ndarray, mechanism: DpSgdMechanism) -> list[str]:
    """The rates at which the attack is surely above the bound, in words; scores of independent trainings only."""
    confidence = 1 - 2 * FALSE_ALARM / (2 * len(RATES))  # two counts at each rate, one-sided
    found = []
    for rate in RATES:
        true, false = true_positives_at(scores, is_member, fpr=rate)
        least, _ = clopper_pearson(true, int(is_member.sum()), confidence=confidence)
        _, most = clopper_pearson(false, int((~is_member).sum()), confidence=confidence)
        bound = float(get_trade_off_from_mechanism(mechanism).gamma(most))
        if least > bound:
            found.append(f"TPR of at least {least:.3f} at FPR of at most {most:.3f}, bound {bound:.3f}")
    return found


def _simulate(mechanism: DpSgdMechanism, *, runs: int, noise_share: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The strongest attacker on the abstract mechanism: likelihood ratios of `runs` trainings, half with the record."""
    draws = np.random.default_rng(5)
    is_member = np.arange(runs) % 2 == 0
    sampled = (draws.random((runs, mechanism.steps)) < mechanism.sample_rate) & is_member[:, None]
    noise = noise_share * mechanism.noise_multiplier
    seen = sampled + noise * draws.standard_normal((runs, mechanism.steps))
    ratio = np.exp((2 * seen - 1) / (2 * mechanism.noise_multiplier**2))
    return np.log1p(mechanism.sample_rate * (ratio - 1)).sum(axis=1), is_member


MECHANISMS = [
    DpSgdMechanism(noise_multiplier=1.0, sample_rate=1.0, steps=1),
    DpSgdMechanism(noise_multiplier=1.0, sample_rate=0.1, steps=50),
    DpSgdMechanism(noise_multiplier=4.0, sample_rate=0.3, steps=100),
]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_the_strongest_attacker_stays_below_and_comes_near(mechanism: DpSgdMechanism) -> None:
    scores, is_member = _simulate(mechanism, runs=20_000)
    assert _above(scores, is_member, mechanism) == []
    true, _ = true_positives_at(scores, is_member, fpr=0.1)
    bound = float(get_trade_off_from_mechanism(mechanism).gamma(0.1))
    assert true / is_member.sum() == pytest.approx(bound, abs=0.02)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_noise_a_third_too_small_is_seen(mechanism: DpSgdMechanism) -> None:
    """The check can fail: two thirds of the promised noise are found out."""
    scores, is_member = _simulate(mechanism, runs=20_000, noise_share=2 / 3)
    assert _above(scores, is_member, mechanism)


@pytest.fixture(scope="module")
def config() -> TrainingConfig:
    return TrainingConfig(model="mlp", epochs=8, expected_batch_size=209, max_grad_norm=2.0)


def _mechanism(config: TrainingConfig, epsilon: float) -> DpSgdMechanism:
    num_train = len(datasets.load("breast_cancer").split.train)
    target = PrivacyTarget(epsilon=epsilon, delta=DELTA, accountant="tight")
    return calibrate(target, sample_rate=config.sample_rate(num_train), steps=config.steps(num_train))


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_membership_attacks_on_trained_models_stay_below(config: TrainingConfig, epsilon: float) -> None:
    """Records that share a model are not independent, so each model is judged as an audit, which allows for that."""
    dataset, models = datasets.load("breast_cancer"), 12
    losses, members = [], []
    for shadow in range(models):
        training = start_shadow(dataset, config, _mechanism(config, epsilon), shadow=shadow)
        for _ in training:
            pass
        losses.append(get_losses(training.model, dataset, dataset.split.train))
        members.append(training.members)
    all_losses, is_member = np.array(losses), np.array(members)
    confidence = 1 - FALSE_ALARM / (2 * models)
    for attack in (get_loss_scores(all_losses, is_member), get_lira_scores(get_confidences(all_losses), is_member)):
        for scores, own in zip(attack.scores, attack.is_member, strict=True):
            assert audit_from_scores(scores, own, delta=DELTA, confidence=confidence).floor <= epsilon


def test_audited_floors_stay_below_the_tight_count(config: TrainingConfig) -> None:
    """Of 12 audits at 95 % more than 4 floors above ε would have probability 1e-4 even if the floors were exact."""
    dataset, above, floors = datasets.load("breast_cancer"), 0, []
    for seed, epsilon in enumerate(np.tile([0.5, 1.0, 2.0, 4.0], 3)):
        mechanism = _mechanism(config, float(epsilon))
        training = start_audit(dataset, config, mechanism, canary="gradient", canaries=500, seed=seed)
        for _ in training:
            pass
        spent = get_epsilon_from_mechanism(mechanism, delta=DELTA, accountant="tight")
        floors.append(finish_audit(training, delta=DELTA).floor)
        above += floors[-1] > spent
    assert above <= 4
    assert min(floors[3::4]) > 0.5  # An audit that never found anything could not fail either.
