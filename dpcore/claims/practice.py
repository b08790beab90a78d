"""Claims about training, attacking and reporting. Each card runs its calculation when asked for."""

from __future__ import annotations

import math
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from dpcore import privacy
from dpcore.claims import published, rows
from dpcore.claims.card import Card
from dpcore.claims.published import DELTA
from dpcore.privacy import DpSgdMechanism
from dpcore.results.intervals import clopper_pearson
from dpcore.results.statistics import get_comparison_from_runs
from dpcore.results.store import PrecomputedStore


def measurement_card() -> Card:
    """0 of n rebuilt still allows a rate."""
    lines = []
    for trials in (40, 200, 1000):
        upper = clopper_pearson(0, trials)[1]
        lines.append((f"0 of {trials:,} images rebuilt", f"95 % sure: at most {100 * upper:.2g} % of such images"))
    return Card(
        name="measurement",
        claim="The real attack rebuilt nothing, so the budget is safe.",
        outcome="depends",
        finding=(
            "It is a measurement of one attack, not a guarantee: the paper's authors warn against taking it as a carte "
            "blanche. Even of this attack it bounds the rate only as follows."
        ),
        lines=tuple(lines),
    )


def clipping_card() -> Card:
    """The noise scales with the clipping norm, so privacy does not change."""
    mechanism = rows.mechanism_of(published.HAM10000, 8.0)
    sigma, norms = mechanism.noise_multiplier, (0.046, 1.0, 5.66, 9.0)
    ratios = [norm / (sigma * norm) for norm in norms]
    epsilon = privacy.get_epsilon_from_mechanism(mechanism, delta=DELTA, accountant="rdp")
    same = all(math.isclose(ratio, ratios[0], rel_tol=1e-12) for ratio in ratios)
    return Card(
        name="clipping",
        claim="A high clipping norm weakens privacy.",
        outcome="differs" if same else "holds",
        finding=(
            "The noise scales with the clipping norm, and so does the most a record can move the sum. "
            "A norm far too high costs utility, not privacy."
        ),
        lines=tuple(
            (f"clipping norm {norm:g}: noise {sigma * norm:.3g}", f"shift / noise {ratio:.4g}, ε = {epsilon:.3g}")
            for norm, ratio in zip(norms, ratios, strict=True)
        ),
    )


def profiling_card() -> Card:
    """Looking at private gradient norms is a release to be paid for."""
    training = rows.mechanism_of(published.HAM10000, 8.0)
    look = DpSgdMechanism(noise_multiplier=10.0, sample_rate=1.0, steps=1)
    before, after = (
        privacy.get_epsilon_from_mechanisms(releases, delta=DELTA, accountant="tight")
        for releases in ((training,), (training, look))
    )
    return Card(
        name="profiling",
        claim="Gradient norms may be profiled on the private data to choose the clipping norm.",
        outcome="depends",
        finding=(
            "Unpaid, it is a leak outside the budget. On public or synthetic data it costs nothing; on private data a "
            "noisy histogram of the norms can be paid for."
        ),
        lines=(
            ("the training alone, counted tightly", f"ε = {before:.3f}"),
            ("with one histogram at σ = 10", f"ε = {after:.3f}"),
            ("with a histogram without noise", "no finite ε"),
        ),
    )


def gradients_card() -> Card:
    """DP-SGD adds noise to gradients, not to images."""
    gradient, norm, sigma = np.array([3.0, 4.0]), 1.0, 0.5
    clipped = gradient * min(1.0, norm / float(np.linalg.norm(gradient)))
    noise = sigma * norm * np.random.default_rng(0).standard_normal(2)
    return Card(
        name="gradients",
        claim="DP-SGD blurs the images.",
        outcome="differs",
        finding="Images stay as they are; each one's gradient is clipped, and the sum of them gets noise.",
        lines=(
            ("an image's gradient", "(3, 4), length 5"),
            (f"clipped to length {norm:g}", f"({clipped[0]:.1f}, {clipped[1]:.1f})"),
            (f"noise, σ = {sigma:g}", f"({noise[0]:+.2f}, {noise[1]:+.2f})"),
            ("what is released", f"({clipped[0] + noise[0]:.2f}, {clipped[1] + noise[1]:.2f})"),
        ),
    )


def microbatches_card() -> Card:
    """TF-Privacy's num_microbatches=1 clips the mean gradient of the batch."""
    gradients, outlier, norm = np.ones(3), -100.0, 1.0
    each = [float(np.clip(g, -norm, norm).sum()) for g in (gradients, np.append(gradients, outlier))]
    mean = [float(np.clip(g.mean(), -norm, norm)) for g in (gradients, np.append(gradients, outlier))]
    moved_each, moved_mean = abs(each[1] - each[0]), abs(mean[1] - mean[0])
    stated = rows.mechanism_of(published.HAM10000, 8.0)
    real = DpSgdMechanism(
        noise_multiplier=stated.noise_multiplier * norm / moved_mean,
        sample_rate=stated.sample_rate,
        steps=stated.steps,
    )
    epsilon = privacy.get_epsilon_from_mechanism(real, delta=DELTA, accountant="rdp")
    return Card(
        name="microbatches",
        claim="TF-Privacy with num_microbatches=1 is a faster DP-SGD.",
        outcome="holds" if moved_mean <= moved_each else "differs",
        finding=(
            "It clips the whole batch's mean gradient, not each example's: one record can turn it round, "
            "which moves it by twice the norm the noise is made for."
        ),
        lines=(
            ("gradients of three records", "1, 1, 1; a fourth has −100; clipping norm 1"),
            ("clip each, then add: without and with it", f"{each[0]:g} → {each[1]:g}, moved by {moved_each:g}"),
            ("clip the mean: without and with it", f"{mean[0]:g} → {mean[1]:g}, moved by {moved_mean:g}"),
            ("so a stated ε = 8 (HAM10000's training)", f"can be ε = {epsilon:.3g}"),
        ),
    )


def energy_card() -> Card:
    """960 kWh counts levels or repetitions."""
    gpus, watts, hours, five = 8, 250, 96, 5
    once = gpus * watts * hours * five / 1000
    return Card(
        name="energy",
        claim="The experiments took an estimated 960 kWh.",
        outcome="depends" if once == 960 else "differs",
        finding="960 kWh counts five privacy levels or five repetitions, not both.",
        lines=(
            ("8 × 250 W × 96 h × 5", f"{once:,.0f} kWh"),
            ("with 5 levels and 5 repetitions", f"{once * five:,.0f} kWh"),
        ),
    )


def opacus_card() -> Card:
    """Calls that no longer exist."""
    try:
        installed = version("opacus")
        words = f"{installed}, {int(installed.split('.')[0])} ≥ 1: gone"
    except PackageNotFoundError:
        words = "not installed here"
    return Card(
        name="opacus",
        claim="Attach a PrivacyEngine(model, sample_rate=…) to the optimiser.",
        outcome="differs",
        finding="That was Opacus before 1.0. Since then: PrivacyEngine().make_private_with_epsilon(…).",
        lines=(("Opacus installed here", words),),
    )


def equivalence_card(store: PrecomputedStore) -> Card:
    """A t-test that finds nothing, and the test that would show equality; raises ResultsUnavailable."""
    runs = store.table("runs", "ham10000", store.models("ham10000")[0])
    bare = runs[runs["target_epsilon"].isna()]["utility"].to_numpy(float)
    private = runs[(runs["target_epsilon"] / 1e9 - 1).abs() < 1e-6]["utility"].to_numpy(float)
    margins = (0.05, 0.02, 0.005)
    tests = [get_comparison_from_runs(private, bare, margin=margin) for margin in margins]
    found = tests[0].p_ttest < 0.05
    shown = [f"{t.margin:g}" for t in tests if t.p_tost < 0.05]
    tail = f"here it is shown within ± {' and ± '.join(shown)}" if shown else "here it is not shown"
    return Card(
        name="equivalence",
        claim="p > 0.05 on five seeds: as good as without DP.",
        outcome="depends",
        finding=f"Finding no difference is not showing equality. TOST shows it, within a margin named first; {tail}.",
        lines=(
            ("our HAM10000 runs at ε = 1e9, MCC", ", ".join(f"{mcc:.3f}" for mcc in private)),
            ("without DP, MCC", ", ".join(f"{mcc:.3f}" for mcc in bare)),
            ("t-test", f"p = {tests[0].p_ttest:.2g}: {'a difference' if found else 'no difference found'}"),
            *(
                (f"TOST within ± {t.margin:g}", f"p = {t.p_tost:.2g}: {'shown' if t.p_tost < 0.05 else 'not shown'}")
                for t in tests
            ),
        ),
    )
