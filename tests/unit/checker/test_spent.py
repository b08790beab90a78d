"""What a configuration spends, against independent computations."""

from __future__ import annotations

import math
from itertools import permutations

import dp_accounting
import numpy as np
import pytest
from dp_accounting.pld import privacy_loss_distribution
from dp_accounting.pld.pld_privacy_accountant import PLDAccountant
from dp_accounting.rdp import RdpAccountant
from scipy.optimize import brentq
from scipy.stats import norm

from dpcore.checker import Verdict, check, get_composed_epsilon, recognise
from dpcore.checker.claim import SparseVector
from dpcore.checker.mechanism_rules import get_parts_of_sparse_vector
from dpcore.errors import InvalidValue
from dpcore.privacy.rdp import OPACUS_ORDERS

OPACUS = {
    **{"library": "opacus", "noise_multiplier": 1.0, "max_grad_norm": 1.0, "target_delta": 1e-6},
    **{"batch_size": 100, "num_train": 10_000, "epochs": 8},
}


def _gaussian_epsilon(mu: float, delta: float) -> float:
    """ε of a Gaussian release of shift μ: the textbook δ(ε), solved."""

    def excess(epsilon: float) -> float:
        return norm.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu) - delta

    return brentq(excess, 0.0, mu * mu / 2 + 10 * mu, xtol=1e-10)


def _sampled(noise: float, rate: float, steps: int, delta: float) -> tuple[float, float]:
    """(RDP, PLD) of dp-accounting, with Opacus' orders."""
    event = dp_accounting.SelfComposedDpEvent(
        dp_accounting.PoissonSampledDpEvent(rate, dp_accounting.GaussianDpEvent(noise)), steps
    )
    rdp, pld = RdpAccountant(OPACUS_ORDERS), PLDAccountant(value_discretization_interval=1e-4)
    return rdp.compose(event).get_epsilon(delta), pld.compose(event).get_epsilon(delta)


def _check(**changes: object) -> Verdict:
    return check(recognise({**OPACUS, **changes}))


def test_poisson_batches() -> None:
    statement = _check().statements[0]
    rdp, pld = _sampled(1.0, 0.01, 800, 1e-6)
    assert statement.epsilon_rdp == pytest.approx(rdp, rel=1e-6)
    assert statement.epsilon_tight == pytest.approx(pld, rel=2e-3)


def test_opacus_draws_one_record_in_as_many_as_there_are_batches() -> None:
    """Its rate is 1 / len(loader), not B / N: 10,001 records make 101 batches."""
    mechanism = _check(num_train=10_001).statements[0].mechanism
    assert (mechanism.sample_rate, mechanism.steps) == (pytest.approx(1 / 101), 808)  # type: ignore[union-attr]
    left_out = _check(num_train=10_001, drop_last=True).statements[0].mechanism
    assert (left_out.sample_rate, left_out.steps) == (pytest.approx(1 / 100), 800)  # type: ignore[union-attr]


def test_shuffled_passes_are_one_gaussian_release_a_pass() -> None:
    shuffled, replaced = _check(poisson_sampling=False).statements
    assert shuffled.epsilon_tight == pytest.approx(_gaussian_epsilon(math.sqrt(8), 1e-6), rel=1e-6)
    assert replaced.epsilon_tight == pytest.approx(_gaussian_epsilon(2 * math.sqrt(8), 1e-6), rel=1e-6)
    assert (shuffled.neighbours, replaced.neighbours) == ("add_remove", "replace")


def test_shuffled_passes_given_as_steps() -> None:
    """800 steps of 100 batches are 8 passes; 801 may use a record a ninth time."""
    for steps, passes in ((800, 8), (801, 9), (1, 1)):
        tree = {key: value for key, value in OPACUS.items() if key != "epochs"}
        verdict = check(recognise({**tree, "steps": steps, "poisson_sampling": False}))
        assert verdict.epsilon == pytest.approx(_gaussian_epsilon(math.sqrt(passes), 1e-6), rel=1e-6)


def test_shuffled_bound_holds_for_every_order_of_a_tiny_training() -> None:
    """Two batches, one pass: δ of the exact mixture over orders is below that of one Gaussian release."""
    mu, epsilon = 1.5, 0.7
    grid = np.linspace(-9, 9, 1201)
    x, y = np.meshgrid(grid, grid)
    area = (grid[1] - grid[0]) ** 2
    absent = norm.pdf(x) * norm.pdf(y)
    present = np.mean(
        [norm.pdf(x - mu * (order[0] == 0)) * norm.pdf(y - mu * (order[1] == 0)) for order in permutations((0, 1))],
        axis=0,
    )
    bound = norm.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon) * norm.cdf(-mu / 2 - epsilon / mu)
    for one, other in ((present, absent), (absent, present)):
        exact = float(np.maximum(one - math.exp(epsilon) * other, 0).sum() * area)
        assert 0 < exact < bound


def test_random_groups_of_fixed_size_may_hold_anyone_in_every_round() -> None:
    tree = {
        **{"strategy": "DifferentialPrivacyServerSideFixedClipping", "noise_multiplier": 5.0, "clipping_norm": 1.0},
        **{"num_sampled_clients": 10, "num_total_clients": 100, "num_rounds": 16, "delta": 1e-4},
    }
    verdict = check(recognise(tree))
    assert verdict.epsilon == pytest.approx(_gaussian_epsilon(4 / 5, 1e-4), rel=1e-6)
    by_coin = check(recognise({**tree, "sampling_method": "poisson"}))
    assert by_coin.epsilon == pytest.approx(_sampled(5.0, 0.1, 16, 1e-4)[1], rel=5e-3)
    assert verdict.epsilon is not None
    assert by_coin.epsilon is not None
    assert by_coin.epsilon < verdict.epsilon


def _moved(clip_mean_of: int, records: int, rng: np.random.Generator) -> float:
    """The furthest that changing one record moves a clipped mean, over gradients that seek it."""
    others = rng.standard_normal((clip_mean_of - 1, 3))
    furthest = 0.0
    for scale in (1.0, 1e3, 1e6):
        direction = rng.standard_normal(3)
        ends = []
        for sign in (1, -1):
            mean = np.vstack([others, [sign * scale * records * direction]]).mean(axis=0)
            ends.append(mean / max(1.0, float(np.linalg.norm(mean))))
        furthest = max(furthest, float(np.linalg.norm(ends[0] - ends[1])))
    return furthest


def test_a_record_moves_a_microbatch_by_two_norms() -> None:
    rng = np.random.default_rng(0)
    moved = [_moved(4, 4, rng) for _ in range(50)]
    assert max(moved) <= 2
    assert min(moved) > 1.99
    tree = {
        **{"l2_norm_clip": 1.0, "noise_multiplier": 3.0, "num_microbatches": 25, "batch_size": 100, "epochs": 9},
        **{"number_of_examples": 10_000, "delta": 1e-6, "sampling": "poisson"},
    }
    verdict = check(recognise(tree))
    assert verdict.epsilon == pytest.approx(_sampled(3.0 / 2, 0.01, 900, 1e-6)[1], rel=2e-3)
    alone = check(recognise({**tree, "num_microbatches": 100}))
    assert alone.epsilon == pytest.approx(_sampled(3.0, 0.01, 900, 1e-6)[1], rel=5e-3)
    assert not any(f.name == "microbatches" for f in alone.findings)


@pytest.mark.parametrize(("divided", "factor"), [(False, 2.0), (True, 2.0 * 100)])
def test_a_batch_clipped_as_a_whole(divided: bool, factor: float) -> None:
    verdict = _check(clipping="per_batch", noise_divided_by_batch=divided, sampling="full", batch_size=100, steps=1)
    mu = factor * math.sqrt(800)
    assert verdict.statements[0].mechanism.mu == pytest.approx(factor)  # type: ignore[union-attr]
    assert verdict.epsilon == pytest.approx(_large_epsilon(mu, 1e-6), rel=1e-4)


def _large_epsilon(mu: float, delta: float) -> float:
    """As above where e^ε overflows: δ = Φ(μ/2 − ε/μ) − e^(ε + log Φ(−μ/2 − ε/μ))."""

    def excess(epsilon: float) -> float:
        return norm.cdf(mu / 2 - epsilon / mu) - math.exp(epsilon + norm.logcdf(-mu / 2 - epsilon / mu)) - delta

    return brentq(excess, 0.0, mu * mu / 2 + 10 * mu)


def test_layers_clipped_alike_add_up_in_squares() -> None:
    clipped = np.ones(16)  # Each layer's gradient at its norm of 1.
    verdict = _check(clipping="per_layer", num_layers=16)
    assert 1 / verdict.statements[0].mechanism.mu == pytest.approx(1.0 / np.linalg.norm(clipped))  # type: ignore[union-attr]
    assert {f.severity for f in verdict.findings if f.name == "clipped_per_layer"} == {"weak"}


def test_noise_that_does_not_scale_is_worth_noise_over_norm() -> None:
    assert _check(max_grad_norm=4.0, noise_scaled=False).epsilon == _check(noise_multiplier=0.25).epsilon
    assert _check(max_grad_norm=4.0, noise_std=2.0).epsilon == _check(noise_multiplier=0.5).epsilon
    assert _check(max_grad_norm=4.0).epsilon == _check().epsilon


def test_local_noise_of_all_rounds() -> None:
    """Any two clients' updates are 2C apart; the noise is sensitivity·√(2·ln(1.25/δ))/ε."""
    tree = {"LocalDpMod": {"clipping_norm": 1.5, "sensitivity": 3.0, "epsilon": 0.4, "delta": 1e-5}, "num_rounds": 25}
    std = 3.0 * math.sqrt(2 * math.log(1.25 / 1e-5)) / 0.4
    verdict = check(recognise(tree))
    assert verdict.epsilon == pytest.approx(_gaussian_epsilon(2 * 1.5 * math.sqrt(25) / std, 1e-5), rel=1e-6)
    once = check(recognise({**tree, "num_rounds": 1}))
    assert once.epsilon is not None
    assert 0.2 < once.epsilon < 0.4  # The textbook's noise is more than enough below ε = 1.


def test_every_round_spends_the_target_anew() -> None:
    """Opacus finds noise for the epochs of one round; ten rounds are ten times the steps."""
    once = _check(noise_multiplier=None, target_epsilon=2.0)
    ten = _check(noise_multiplier=None, target_epsilon=2.0, num_rounds=10)
    assert once.outcome == "sound"
    assert once.epsilon == pytest.approx(2.0, rel=1e-3)
    noise = 1 / once.statements[0].mechanism.mu  # type: ignore[union-attr]
    assert ten.epsilon == pytest.approx(_sampled(noise, 0.01, 8000, 1e-6)[1], rel=5e-3)
    assert ten.outcome == "void"


def test_trials_and_releases_multiply_the_steps() -> None:
    verdict = _check(n_trials=5, releases=2, noise_multiplier=2.0)
    both = next(s for s in verdict.statements if s.name == "all_trainings")
    assert both.epsilon_rdp == pytest.approx(_sampled(2.0, 0.01, 8000, 1e-6)[0], rel=1e-6)
    paid = _check(n_trials=5, tuning_paid=True, noise_multiplier=2.0)
    assert [s.name for s in paid.statements] == ["training"]


@pytest.mark.parametrize(
    ("epsilon", "delta", "rounds"), [(0.5, 1e-7, 100), (0.1, 1e-8, 1000), (2.0, 1e-6, 3), (1, 1e-5, 1)]
)
def test_rounds_of_unknown_noise(epsilon: float, delta: float, rounds: int) -> None:
    """Against the privacy loss distribution of the worst (ε, δ) mechanism; ours moves in steps of 2ε."""
    composed, total = get_composed_epsilon(epsilon, delta, rounds=rounds, slack=delta)
    single = dp_accounting.pld.common.DifferentialPrivacyParameters(epsilon, delta)
    pld = privacy_loss_distribution.from_privacy_parameters(single, value_discretization_interval=epsilon / 100)
    tight = pld.self_compose(rounds).get_epsilon_for_delta(total)
    assert tight - 1e-6 <= composed <= min(tight + 2 * epsilon + 1e-6, rounds * epsilon)
    assert total == pytest.approx((rounds + 1) * delta, rel=1e-2)


def test_composition_refuses_what_it_cannot_count() -> None:
    with pytest.raises(InvalidValue, match="rounds must be at most"):
        get_composed_epsilon(0.1, 1e-9, rounds=2_000_000, slack=1e-9)
    with pytest.raises(InvalidValue, match="epsilon"):
        get_composed_epsilon(0.0, 1e-9, rounds=2, slack=1e-9)


def test_parts_of_the_sparse_vector_technique() -> None:
    """A million values, a tenth shared: 0.1 + 0.1·(2e5)^⅔ + 1e5·0.1."""
    svt = SparseVector(fraction=0.1, epsilon=0.1, noise_var=0.1, num_parameters=None)
    assert get_parts_of_sparse_vector(svt, 1_000_000) == pytest.approx(0.1 + 341.995 + 10_000, rel=1e-6)


def test_noising_first_and_clipping_then_hides_nothing() -> None:
    """What "sparse_vector" rests on: the order of NVFlare's filter lets two far values be told apart for certain."""
    rng, gamma, noise_var = np.random.default_rng(0), 1e-5, 0.1
    noise = rng.laplace(scale=2 * gamma / noise_var, size=10_000)
    outputs = [np.clip(value + noise, -gamma, gamma) for value in (1.0, -1.0)]
    assert np.all(outputs[0] == gamma)
    assert np.all(outputs[1] == -gamma)


def test_the_claimed_epsilon_may_be_larger_or_rounded() -> None:
    epsilon = _check().epsilon
    assert epsilon is not None
    for claimed, found in ((epsilon * 2, False), (epsilon - 0.009, False), (epsilon - 0.05, True), (0.01, True)):
        names = {f.name for f in _check(target_epsilon=claimed).findings if f.severity == "void"}
        assert ("epsilon_too_small" in names) == found


def test_a_claim_between_the_accountants_holds_by_the_tight_one() -> None:
    base = _check()
    assert base.epsilon is not None
    claimed = (base.epsilon + base.statements[0].epsilon_rdp) / 2
    verdict = _check(target_epsilon=claimed, accountant="rdp")
    assert verdict.outcome == "sound"
    assert "epsilon_by_other_accountant" in {f.name for f in verdict.findings}


@pytest.mark.parametrize(("delta", "severity"), [(1e-4, "void"), (9e-5, "weak"), (1e-5, None), (1e-6, None)])
def test_delta_beside_one_over_n(delta: float, severity: str | None) -> None:
    found = [f.severity for f in _check(target_delta=delta).findings if f.name == "delta"]
    assert found == ([] if severity is None else [severity])


@pytest.mark.parametrize(
    ("changes", "name", "severity"),
    [
        ({"norm_layer": "BatchNorm2d"}, "batch_norm", "void"),
        ({"model": {"layers": ["Conv2d", "batch_norm", "ReLU"]}}, "batch_norm", "void"),
        ({"model": {"stem": [{"type": "conv"}, {"type": "SyncBatchNorm"}]}}, "batch_norm", "void"),
        ({"use_batchnorm": True}, "batch_norm", "void"),
        ({"norm": "batch"}, "batch_norm", "void"),
        ({"model": "resnet18"}, "batch_norm_possible", "note"),
        ({"model": "resnet18", "norm": "GroupNorm"}, "", ""),
        ({"model": "resnet18", "use_batchnorm": False}, "", ""),
        ({"norm_layer": "group_norm"}, "", ""),
    ],
)
def test_batch_normalisation_is_found_wherever_it_is_named(changes: dict, name: str, severity: str) -> None:
    found = [(f.name, f.severity) for f in _check(**changes).findings if "norm" in f.name]
    assert found == ([(name, severity)] if name else [])


def test_replace_one_is_compared_with_its_own_statement() -> None:
    full = {"sampling": "full", "steps": 8, "batch_size": None, "epochs": None, "noise_multiplier": 8.0}
    between = (_gaussian_epsilon(math.sqrt(8) / 8, 1e-6) + _gaussian_epsilon(2 * math.sqrt(8) / 8, 1e-6)) / 2
    assert _check(**full, target_epsilon=between).outcome == "sound"
    assert _check(**full, target_epsilon=between, neighbors="replace_one").outcome == "weak"


def test_passes_of_all_rounds_count_when_shuffled() -> None:
    verdict = _check(poisson_sampling=False, num_rounds=4, noise_multiplier=5.0)
    assert verdict.epsilon == pytest.approx(_gaussian_epsilon(math.sqrt(8 * 4) / 5, 1e-6), rel=1e-6)


def test_an_adaptive_norm_needs_noise_on_its_count_even_if_only_its_quantile_is_named() -> None:
    bare = _check(target_unclipped_quantile=0.5)
    assert (bare.outcome, bare.epsilon) == ("incomplete", None)
    assert [m.field for m in bare.missing] == ["count_noise_std"]
    noised = _check(target_unclipped_quantile=0.5, unclipped_num_std=10)
    assert noised.epsilon == _check().epsilon


def test_noise_on_gradients_and_on_the_count_make_the_stated_noise_together() -> None:
    """Andrew et al. (2021), Theorem 1: z = (σ⁻² − (2σ_b)⁻²)^(−½); shifts 1/z and 1/(2σ_b) add up in squares to 1/σ."""
    sigma, count = 1.0, 10.0
    gradients = (sigma**-2 - (2 * count) ** -2) ** -0.5
    assert math.hypot(1 / gradients, 0.5 / count) == pytest.approx(1 / sigma)
    assert _check(target_unclipped_quantile=0.5, unclipped_num_std=count).statements[0].mechanism.mu == 1 / sigma  # type: ignore[union-attr]


def test_clients_of_any_library_are_counted_in_rounds() -> None:
    tree = {
        **{"privacy_unit": "client", "noise_multiplier": 4.0, "clip_norm": 1.0, "clipping": "per_client"},
        **{"sampling": "fixed", "num_rounds": 9, "local_epochs": 5, "num_clients": 50, "delta": 1e-3},
    }
    verdict = check(recognise(tree))
    assert verdict.epsilon == pytest.approx(_gaussian_epsilon(3 / 4, 1e-3), rel=1e-6)


def test_microbatches_of_an_unknown_batch_leave_the_clipping_open() -> None:
    tree = {"l2_norm_clip": 1.0, "noise_multiplier": 1.0, "num_microbatches": 16, "epochs": 3, "delta": 1e-6}
    verdict = check(recognise({**tree, "num_examples": 5000}))
    assert verdict.epsilon is None
    assert "clipping" in {m.field for m in verdict.missing}


@pytest.mark.parametrize("more", [{}, {"num_microbatches": 25}, {"unclipped_num_std": 10}])
def test_no_clipping_stays_no_clipping_whatever_else_is_stated(more: dict) -> None:
    verdict = _check(clipping="none", **more)
    assert (verdict.outcome, verdict.epsilon, verdict.statements) == ("void", math.inf, ())
