"""A small dataset's results, made by hand so that each test can bend one number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dpcore.datasets import DatasetSpec
from dpcore.results.metrics import METRICS
from ui.evidence import Attack, Evidence, Point, Strip

SPEC = DatasetSpec(
    name="toy",
    title="Toy lesions",
    kind="image",
    synthetic=False,
    record_shape=(3, 28, 28),
    task="Is it a toy?",
    positive_label="toy",
    negative_label="no toy",
    record_noun="image",
    group_noun="patient",
    source="nowhere",
    url="https://example.org",
    licence="none",
    images_may_ship=False,
)

POINT = Point(
    target_epsilon=8.0,
    epsilon_tight=7.2,
    noise_multiplier=1.2,
    delta=8e-7,
    sample_rate=0.1,
    steps=200,
    num_train=5000,
    kappa=1 / 5000,
    seeds=5,
    utility_mean=0.30,
    utility_sd=0.02,
    auc_mean=0.80,
    dice_tumour_mean=math.nan,
    share_of_no_dp=0.75,
    p_ttest=0.001,
    p_tost=0.9,
    tost_margin=0.05,
    worst_case=0.0122,
    relaxed=0.00043,
    attacks=(
        Attack(looks=1, records=300, candidates=300, rebuilt=0, matched=1),
        Attack(looks=20, records=300, candidates=300, rebuilt=0, matched=12),
    ),
)


@pytest.fixture
def point() -> Callable[..., Point]:
    """Makes the point at ε = 8 with some values changed."""
    return lambda **changed: replace(POINT, **changed)


@pytest.fixture(scope="session")
def evidence() -> Evidence:
    """Points at ε = 1, 8 and 10⁶ and without DP."""
    everything = tuple(replace(attack, rebuilt=300, matched=300) for attack in POINT.attacks)
    strict = replace(POINT, target_epsilon=1.0, epsilon_tight=0.9, utility_mean=0.01, auc_mean=0.5, share_of_no_dp=0.03)
    loose = replace(
        POINT, target_epsilon=1e6, epsilon_tight=4e5, utility_mean=0.39, auc_mean=0.88, share_of_no_dp=0.98,
        p_ttest=0.4, p_tost=0.01, worst_case=1.0, relaxed=1.0,
    )  # fmt: skip
    bare = replace(
        POINT, target_epsilon=math.inf, epsilon_tight=math.inf, noise_multiplier=0.0, utility_mean=0.40, auc_mean=0.89,
        share_of_no_dp=1.0, p_ttest=math.nan, p_tost=math.nan, worst_case=1.0, relaxed=1.0, attacks=everything,
    )  # fmt: skip
    grid = np.logspace(-1, 15, 80)
    rising = 1 / (1 + (30 / grid) ** 3)
    return Evidence(
        spec=SPEC,
        model="small_cnn",
        metric=METRICS["mcc"],
        points=(strict, POINT, loose, bare),
        curves={
            "epsilon_rdp": grid,
            "epsilon_tight": 0.9 * grid,
            "worst_case": rising,
            "relaxed": 1 / (1 + (90 / grid) ** 3),
        },
        attacked="toy_sample_128",
        strips=(
            Strip(
                target_epsilon=math.inf,
                looks=0,
                file="gallery/a.webp",
                errors=(0.0,) * 5,
                source="stones",
                stand_in=True,
            ),
        ),
    )


@pytest.fixture(scope="session")
def outlines(evidence: Evidence) -> Evidence:
    """The same budgets of a dataset whose liver and tumour are outlined."""
    spec = replace(
        SPEC, name="toy_liver", title="Toy livers", record_shape=(1, 64, 64), task="Where is the liver?",
        positive_label="", negative_label="", structures=("liver", "tumour"), record_noun="slice",
    )  # fmt: skip
    tumours = (0.001, 0.05, 0.3, 0.4)
    points = tuple(
        replace(point, utility_mean=2 * point.utility_mean, auc_mean=math.nan, dice_tumour_mean=tumour)
        for point, tumour in zip(evidence.points, tumours, strict=True)
    )
    return replace(evidence, spec=spec, model="unet", metric=METRICS["dice_liver"], points=points)
