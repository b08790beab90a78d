"""What a training spends, from what its configuration states, or what is missing to say so."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dpcore.checker.claim import Claim, LocalGaussian, Neighbours, Sampling
from dpcore.errors import InvalidValue
from dpcore.privacy import (
    Accountant,
    DpSgdMechanism,
    NonPrivate,
    PrivacyTarget,
    calibrate,
    get_patient_epsilon_from_mechanism,
)

#: Accountants that give upper bounds, by what libraries call them; all others are approximations or unknown.
BOUNDS: dict[str, Accountant] = {
    **dict.fromkeys(("rdp", "moments", "renyi", "rdpaccountant"), "rdp"),
    **dict.fromkeys(("prv", "pld", "tight", "fft", "pldaccountant"), "tight"),
}
APPROXIMATIONS = ("gdp", "gaussian", "clt", "gaussianaccountant", "mu_gdp", "f_dp")
#: Below it the tight accountant reveals to the attacker which steps sampled the record.
_COMPUTED_EXACTLY = 1 / 24


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A field without which something cannot be said, and why."""

    field: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Statement:
    """(ε, δ) that holds for one reading of the training, with the mechanism it rests on."""

    #: "training", or for whom or under what else it holds.
    name: str
    text: str
    epsilon_rdp: float
    epsilon_tight: float
    delta: float
    neighbours: Neighbours
    mechanism: DpSgdMechanism | NonPrivate
    #: Whether ε cannot be lower for the worst records and all steps published; else it is only an upper bound.
    is_exact: bool = False


def get_sensitivity(claim: Claim) -> float | None:
    """Returns how far one record can move the noisy sum, in clipping norms; None if that is not known.

    One norm if each record is clipped. If a microbatch's mean is clipped, a record can turn it round: two (McMahan et
    al., arXiv 1812.06210). If the whole batch's gradient is clipped, likewise; with the noise divided by
    the batch size as if it lay on a sum, 2·B. L layers of one norm each: √L.
    """
    if claim.clipping == "microbatch":
        return 2.0
    if claim.clipping == "batch":
        if claim.noise_divided_by_batch is None or (claim.noise_divided_by_batch and claim.batch is None):
            return None
        return 2.0 * (claim.batch or 1) if claim.noise_divided_by_batch else 2.0
    if claim.clipping == "layers" and claim.layers_clipped_alike:
        return None if claim.num_layers is None else math.sqrt(claim.num_layers)
    if claim.clipping == "adaptive" and claim.count_noise_std is None:
        return None
    return None if claim.clipping in ("none", "unknown") else 1.0


def get_relative_noise(claim: Claim) -> float | None:
    """Returns noise standard deviation / what one record can move the sum by; None if that is not known."""
    if isinstance(claim.client_filter, LocalGaussian):
        return _local_noise(claim, claim.client_filter)
    noise = get_stated_noise(claim)
    sensitivity = get_sensitivity(claim)
    return None if noise is None or sensitivity is None else noise / sensitivity


def get_stated_noise(claim: Claim) -> float | None:
    """Returns noise standard deviation / clipping norm, as the noise really is; None if it is not known."""
    if claim.noise_std is not None:
        return None if claim.max_grad_norm is None else claim.noise_std / claim.max_grad_norm
    noise = claim.noise_multiplier if claim.noise_multiplier is not None else _targeted_noise(claim)
    if noise is None or claim.noise_scales_with_clip is not False:
        return noise
    return None if claim.max_grad_norm is None else noise / claim.max_grad_norm


def _local_noise(claim: Claim, local: LocalGaussian) -> float | None:
    """Any two clients' clipped updates are up to twice the norm apart."""
    if claim.delta is None or claim.max_grad_norm is None:
        return None
    std = local.sensitivity * math.sqrt(2 * math.log(1.25 / claim.delta)) / local.epsilon
    return std / (2 * claim.max_grad_norm)


def _targeted_noise(claim: Claim) -> float | None:
    """The noise a library finds for its target; it counts Poisson batches, however they are drawn."""
    if not claim.target_only or claim.delta is None or claim.claimed_epsilon is None:
        return None
    rate, steps = get_sample_rate(claim), _steps_of_round(claim)
    if rate is None or steps is None:
        return None
    accountant = BOUNDS.get((claim.accountant or "").lower(), "tight")
    target = PrivacyTarget(epsilon=claim.claimed_epsilon, delta=claim.delta, accountant=accountant)
    return calibrate(target, sample_rate=rate, steps=steps).noise_multiplier


def get_sample_rate(claim: Claim) -> float | None:
    """Returns the larger of the stated rate and that of batch and N; Opacus draws one in ⌈N/B⌉."""
    rates = [] if claim.sample_rate is None else [claim.sample_rate]
    if claim.batch is not None and claim.num_train is not None:
        if claim.dialect != "opacus":
            rates.append(claim.batch / claim.num_train)
        else:
            rates.append(1 / _batches(claim.num_train, claim.batch, drop_last=bool(claim.drop_last)))
    return max(rates, default=None)


def _batches(num_train: int, batch: int, *, drop_last: bool) -> int:
    return num_train // batch if drop_last else math.ceil(num_train / batch)


def get_steps(claim: Claim) -> int | None:
    """Returns the stated steps, else those of all epochs, rounded up; the larger if both are stated; of all rounds."""
    steps = _steps_of_round(claim)
    return None if steps is None else steps * claim.rounds


def _steps_of_round(claim: Claim) -> int | None:
    rate = get_sample_rate(claim)
    counts = [] if claim.steps is None else [claim.steps]
    if claim.epochs is not None and rate is not None:
        # An ulp more must not become a step more.
        counts.append(math.ceil(claim.epochs / rate * (1 - 1e-12)))
    return max(counts, default=None)


def get_passes(claim: Claim) -> int | None:
    """Returns the most steps one record takes part in when every pass shuffles anew: the epochs, of all rounds."""
    if claim.epochs is not None:
        return claim.epochs * claim.rounds
    rate = get_sample_rate(claim)
    if claim.steps is None or rate is None:
        return None
    return math.ceil(claim.steps / max(1, math.floor(1 / rate * (1 + 1e-12)))) * claim.rounds


def get_releases(claim: Claim, sampling: Sampling) -> tuple[float, int] | None:
    """Returns sample rate and steps that a guarantee may count on; None if something is missing.

    Poisson: the rate, in all steps. Shuffled passes: given the order, a record is in one step a pass and in no other,
    so its releases are one Gaussian a pass, and mixing over orders only helps (joint convexity); nothing is proven
    for the accountant's rate. Random subsets of fixed size: any record may be in every step.
    """
    if sampling == "poisson":
        rate, steps = get_sample_rate(claim), get_steps(claim)
        return None if rate is None or steps is None else (rate, steps)
    count = get_passes(claim) if sampling == "shuffle" else get_steps(claim)
    if count is None and sampling == "full":
        count = get_passes(claim)
    return None if count is None else (1.0, count)


def state(
    claim: Claim, *, name: str, text: str, sampling: Sampling, records: int = 1, times: int = 1
) -> Statement | None:
    """Returns what is spent on a group of `records` by `times` such trainings; None if a field is missing.

    Replacing a record is removing one and adding one: a group of two. Raises InvalidValue beyond the accountants.
    """
    noise, releases = get_relative_noise(claim), get_releases(claim, sampling)
    if noise is None or releases is None or claim.delta is None:
        return None
    rate, steps = releases
    mechanism: DpSgdMechanism | NonPrivate = NonPrivate()
    if noise > 0:
        mechanism = DpSgdMechanism(noise_multiplier=noise, sample_rate=rate, steps=_countable(steps * times))
    rdp, tight = (
        get_patient_epsilon_from_mechanism(
            mechanism, delta=claim.delta, accountant=accountant, records_per_patient=records
        )
        for accountant in ("rdp", "tight")
    )
    return Statement(
        name=name,
        text=text,
        epsilon_rdp=rdp,
        epsilon_tight=tight,
        delta=claim.delta,
        neighbours="replace" if records == 2 and name == "replace" else "add_remove",
        mechanism=mechanism,
        is_exact=records == 1
        and sampling in ("poisson", "full")
        and claim.clipping in ("each", "adaptive")
        and (rate == 1 or noise > _COMPUTED_EXACTLY)
        and _steps_are_sure(claim),
    )


def _steps_are_sure(claim: Claim) -> bool:
    """Whether rounding the steps of a pass up or down makes no difference that matters."""
    rate, steps = get_sample_rate(claim), get_steps(claim)
    if claim.epochs is None or rate is None or steps is None:
        return True
    return steps * rate <= 1.01 * claim.epochs * claim.rounds or claim.steps is not None


def _countable(steps: int) -> int:
    if steps > 10**9:
        raise InvalidValue(f"The training must take at most 1e9 steps in all, but takes {steps:.3g}.")
    return steps
