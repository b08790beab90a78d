"""What is wrong with noise and clipping."""

from __future__ import annotations

from collections.abc import Iterator

from dpcore.checker._words import number
from dpcore.checker.claim import Claim, LargestValues, LocalGaussian, RelativeNoise, SparseVector
from dpcore.checker.finding import ABADI, FLOWER, NVFLARE, OPACUS, PONOMAREVA, Finding
from dpcore.checker.statements import get_stated_noise

#: Stated and real noise further apart than this, relatively, are two numbers.
_ROUNDED = 0.01


def noise(claim: Claim) -> Iterator[Finding]:
    """No noise at all, or noise that is not a multiple of the clipping norm."""
    if claim.is_switched_off:
        yield Finding(
            name="switched_off",
            severity="void",
            text="DP is switched off in these settings: this is ordinary training.",
            engineer="Noise multiplier and clipping norm have no effect.",
            field=claim.origin("is_switched_off"),
            source=ABADI,
        )
    elif claim.noise_multiplier == 0 or claim.noise_std == 0:
        yield Finding(
            name="no_noise",
            severity="void",
            text="No noise is added, so nothing hides whether a person's data was used: this is not DP.",
            engineer="With noise_multiplier = 0 no ε is finite, whatever the clipping.",
            field=claim.origin("noise_multiplier" if claim.noise_multiplier == 0 else "noise_std"),
            source=ABADI,
        )
    elif claim.client_filter is None and claim.noise_multiplier is None and claim.noise_std is None:
        yield from _no_noise_named(claim)
    else:
        yield from _unscaled_noise(claim)


def _no_noise_named(claim: Claim) -> Iterator[Finding]:
    stated = (claim.claimed_epsilon, claim.part_epsilon, claim.max_grad_norm)
    if any(value is not None for value in stated):
        return
    yield Finding(
        name="nothing_private",
        severity="void",
        text="The settings name no noise, no clipping and no privacy budget: as it stands, this is ordinary training.",
        engineer="Neither a noise multiplier, nor a clipping norm, nor a target ε was found.",
        field="noise_multiplier",
        source=ABADI,
    )


def _unscaled_noise(claim: Claim) -> Iterator[Finding]:
    real, stated, norm = get_stated_noise(claim), claim.noise_multiplier, claim.max_grad_norm
    unscaled = claim.noise_scales_with_clip is False
    if real is None or norm is None or (claim.noise_std is None and not unscaled):
        return
    if stated is None or abs(real - stated) <= _ROUNDED * stated:
        return
    less = real < stated
    field = "noise_std" if claim.noise_std is not None else "noise_scales_with_clip"
    yield Finding(
        name="noise_not_scaled",
        severity="void" if less else "note",
        text=(
            "The noise is not sized by the largest trace a person may leave, and is "
            f"{number(stated / real if less else real / stated)} times {'weaker' if less else 'stronger'} than the "
            "settings say."
        ),
        engineer=(
            f"The noise's standard deviation is {number(real * norm)} at a clipping norm of {number(norm)}: the real "
            f"noise multiplier is {number(real)}, not {number(stated)}."
        ),
        field=claim.origin(field),
        source=ABADI,
    )


def clipping(claim: Claim) -> Iterator[Finding]:
    """Clipping that bounds something else than one record."""
    size = claim.microbatch_size
    if claim.clipping == "none":
        yield Finding(
            name="no_clipping",
            severity="void",
            text="Nothing limits how much one person's data may change the model, so no noise is ever enough.",
            engineer="Without a clipping norm the sensitivity has no bound, and no ε is finite.",
            field=claim.origin("clipping"),
            source=ABADI,
        )
    elif claim.clipping == "batch" or (claim.clipping == "microbatch" and size == claim.batch):
        yield _whole_batch(claim)
    elif claim.clipping == "microbatch":
        yield Finding(
            name="microbatches",
            severity="void",
            text=(
                "Several people's data are limited together instead of each alone, so one person can change the model "
                "twice as much as the noise is made for."
            ),
            engineer=(
                f"The mean gradient of a microbatch {_of(size)} is clipped to C, and a record can turn it from C to "
                "−C: the sensitivity is 2C, the noise σC. ε here is that of σ/2."
            ),
            field=claim.origin("microbatch_size"),
            source="McMahan et al. (arXiv 1812.06210)",
        )
    elif claim.clipping == "layers":
        yield _layers(claim)
    elif claim.clipping == "adaptive":
        yield from _adaptive(claim)


def _of(size: int) -> str:
    return f"of {size} records" if size > 2 else "of 2 or more records"


def _whole_batch(claim: Claim) -> Finding:
    divided = claim.clipping == "batch" and claim.noise_divided_by_batch is not False
    return Finding(
        name="clipped_per_batch",
        severity="void",
        text=(
            "The batch is limited as a whole instead of each person's part in it, so one person can change the model "
            "far more than the noise is made for."
        ),
        engineer=(
            "The gradient of the whole batch is clipped to C, and one record can turn it from C to −C: the sensitivity "
            "is 2C"
            + (", and noise of σC/B then is worth a noise multiplier of σ/(2B)." if divided else "; ε is that of σ/2.")
        ),
        field=claim.origin("microbatch_size" if claim.clipping == "microbatch" else "clipping"),
        source=f"{ABADI}; {PONOMAREVA}",
    )


def _layers(claim: Claim) -> Finding:
    if claim.layers_clipped_alike:
        return Finding(
            name="clipped_per_layer",
            severity="weak",
            text="Each layer is limited by itself, so a person's trace in all layers is larger than one limit says.",
            engineer="L layers clipped to C each have a sensitivity of C·√L together; the noise must grow with it.",
            field=claim.origin("clipping"),
            source="McMahan et al. (arXiv 1812.06210)",
        )
    return Finding(
        name="clipped_per_layer",
        severity="note",
        text="Each layer is limited by itself; the noise is made for all together, so the guarantee is the same.",
        engineer="Noise on every layer is σ·√(ΣC²), as Opacus' per-layer optimiser adds it.",
        field=claim.origin("clipping"),
        source=OPACUS,
    )


def _adaptive(claim: Claim) -> Iterator[Finding]:
    count, sigma = claim.count_noise_std, claim.noise_multiplier
    source = "Andrew et al. (NeurIPS 2021), Theorem 1"
    if count == 0:
        yield Finding(
            name="quantile_without_noise",
            severity="void",
            text="The limit follows people's data without any noise, and so gives away something about each.",
            engineer="The count of unclipped gradients is released in every step without noise: no ε is finite.",
            field=claim.origin("count_noise_std"),
            source=source,
        )
    elif count is not None and sigma is not None and sigma >= 2 * count:
        yield Finding(
            name="quantile_noise_too_small",
            severity="void",
            text="The limit follows people's data with too little noise for the stated guarantee.",
            engineer=(
                f"A count noised with {number(count)} alone costs a noise multiplier of {number(2 * count)}, so no "
                f"noise on the gradients makes it {number(sigma)} together."
            ),
            field=claim.origin("count_noise_std"),
            source=source,
        )


def client_filters(claim: Claim) -> Iterator[Finding]:
    """Filters at the clients of a federation."""
    found = claim.client_filter
    if isinstance(found, LocalGaussian):
        yield from _local(claim, found)
    elif isinstance(found, LargestValues):
        yield Finding(
            name="no_noise",
            severity="void",
            text="This filter hides small changes and cuts large ones, but adds no noise: it is not DP and has no ε.",
            engineer="PercentilePrivacy shares the largest values of the update as they are, only truncated.",
            field=claim.origin("percentile"),
            source=NVFLARE,
        )
    elif isinstance(found, RelativeNoise):
        yield Finding(
            name="no_clipping" if found.sigma0 else "no_noise",
            severity="void",
            text="The noise is sized by the private data themselves, so it does not hide them: this is not DP.",
            engineer=(
                "GaussianPrivacy adds noise of sigma0 times a percentile of the update's own values; nothing is "
                "clipped, so the sensitivity has no bound, and the size of the noise gives the percentile away."
            ),
            field=claim.origin("sigma0"),
            source=NVFLARE,
        )
    elif isinstance(found, SparseVector):
        yield _sparse_vector(claim, found)


def _sparse_vector(claim: Claim, svt: SparseVector) -> Finding:
    sum_ = "ε + ε·(2n)^⅔ + n·noise_var for n values"
    if svt.num_parameters is not None:
        total = get_parts_of_sparse_vector(svt, svt.num_parameters)
        sum_ += f" ({number(total)} here, in each round)"
    return Finding(
        name="sparse_vector",
        severity="void",
        text="The stated ε is the price of one part of this filter; it does not cover the values that are shared.",
        engineer=(
            "SVTPrivacy adds Laplace noise to values it has not clipped, and clips afterwards, so no ε is finite; even "
            f"with values clipped first its parts would add up to {sum_}, not to ε."
        ),
        field=claim.origin("epsilon"),
        source=f"Lyu, Su & Li (VLDB 2017), Algorithm 7; {NVFLARE}",
    )


def get_parts_of_sparse_vector(svt: SparseVector, num_parameters: int) -> float:
    """Returns ε₁ + ε₂ + n·ε₃, n = fraction·parameters: threshold, comparisons (ε₂ = ε₁·(2n)^⅔) and n values.

    Basic composition of what NVFlare's filter adds noise for, if it clipped first. Lyu, Su & Li (2017), Algorithm 7.
    """
    shared = max(1.0, svt.fraction * num_parameters)
    return svt.epsilon + svt.epsilon * (2 * shared) ** (2 / 3) + shared * svt.noise_var


def _local(claim: Claim, local: LocalGaussian) -> Iterator[Finding]:
    norm = claim.max_grad_norm
    if norm is not None and local.sensitivity < 2 * norm * (1 - _ROUNDED):
        below = local.sensitivity < norm * (1 - _ROUNDED)
        yield Finding(
            name="noise_not_scaled",
            severity="void" if below else "weak",
            text="The noise is made for smaller changes than a client's data can cause, so it hides less than stated.",
            engineer=(
                f"Updates clipped to {number(norm)} are up to {number(2 * norm)} apart between any two clients, but "
                f"the noise is made for a sensitivity of {number(local.sensitivity)}."
            ),
            field=claim.origin("sensitivity"),
            source=FLOWER,
        )
    if local.epsilon >= 1:
        yield Finding(
            name="classic_formula",
            severity="note",
            text="The noise follows a textbook formula that is proven for ε below 1 only; ε here is computed.",
            engineer="√(2·ln(1.25/δ))/ε is proven for ε < 1; what its noise spends is computed exactly here.",
            field=claim.origin("epsilon"),
            source="Dwork & Roth (2014), Theorem A.1; Balle & Wang (ICML 2018)",
        )
