"""What a configuration does not say, and what cannot be said without it."""

from __future__ import annotations

from collections.abc import Iterator

from dpcore.checker.claim import Claim, LocalGaussian
from dpcore.checker.statements import Missing, get_releases


def get_missing(claim: Claim) -> tuple[Missing, ...]:
    """Returns the fields a verdict needs and the file lacks, each once."""
    found = (*_noise(claim), *_clipping(claim), *_counts(claim), *_delta(claim))
    return tuple({missing.field: missing for missing in reversed(found)}.values())[::-1]


def _noise(claim: Claim) -> Iterator[Missing]:
    if isinstance(claim.client_filter, LocalGaussian) or claim.target_only:
        return
    if claim.is_switched_off:
        return
    if claim.noise_multiplier is None and claim.noise_std is None:
        yield Missing(field="noise_multiplier", why="without the noise there is no ε")


def _clipping(claim: Claim) -> Iterator[Missing]:
    needs_norm = claim.noise_std is not None or claim.noise_scales_with_clip is False
    if claim.max_grad_norm is None and (claim.clipping == "unknown" or needs_norm or claim.client_filter is not None):
        yield Missing(field="max_grad_norm", why="nothing shows that one record's influence is bounded")
    elif claim.clipping == "unknown":
        yield Missing(field="clipping", why="it matters whether each record, or a batch as a whole, is clipped")
    if claim.clipping == "batch" and claim.noise_divided_by_batch is None:
        yield Missing(field="noise_divided_by_batch", why="it decides how far one record outweighs the noise")
    if claim.clipping == "layers" and claim.layers_clipped_alike and claim.num_layers is None:
        yield Missing(field="num_layers", why="layers clipped one by one have a sensitivity of √layers norms")
    if claim.clipping == "adaptive" and claim.count_noise_std is None:
        yield Missing(field="count_noise_std", why="a clipping norm that follows private gradients must be noised too")


def _counts(claim: Claim) -> Iterator[Missing]:
    if claim.sampling == "unknown":
        yield Missing(field="sampling", why="how batches are drawn decides which ε is proven")
        return
    if get_releases(claim, claim.sampling) is not None:
        return
    rounds = claim.unit == "client"
    if claim.steps is None and claim.epochs is None:
        yield Missing(field="steps" if rounds else "epochs", why="every step spends some of the budget")
    if claim.sampling == "full" or claim.sample_rate is not None:
        return
    if claim.batch is None and not (rounds and claim.sampling == "fixed"):
        yield Missing(field="batch", why="it decides how often a record is used")
    if claim.num_train is None and not (rounds and claim.sampling == "fixed"):
        yield Missing(field="num_train", why="batch and number of records give the chance of being used")


def _delta(claim: Claim) -> Iterator[Missing]:
    if claim.delta is None:
        yield Missing(field="delta", why="an ε without its δ says nothing")
    if claim.num_train is None:
        yield Missing(field="num_train", why="δ must be well below one over the number it protects")
