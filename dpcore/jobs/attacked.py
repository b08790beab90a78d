"""What attacks get of one finished training: pictures rebuilt at its noise, and memberships told from its losses."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from dpcore.attacks import ImprintAttack, best_gallery, encode_strip
from dpcore.attacks.membership import get_loss_scores, summarise_scores
from dpcore.attacks.networks.shadows import get_losses
from dpcore.attacks.similarity import relative_error, ssim_error
from dpcore.datasets.spec import Dataset
from dpcore.jobs.loading import Loaded, Shown
from dpcore.jobs.outcomes import AttackOutcome, LookOutcome, MembershipOutcome, PictureOutcome
from dpcore.results.schema import ETA

Check = Callable[[], None]

#: Records attacked between two calls of `check`: a fraction of a second.
_PART = 50


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """Both attacks and the pictures of one run."""

    attack: AttackOutcome
    membership: MembershipOutcome
    #: None for tables.
    pictures: PictureOutcome | None


def attack_run(loaded: Loaded, model: nn.Module, *, noise_multiplier: float, epochs: int, check: Check) -> Attacked:
    """Returns what one look, and one in every epoch, give the imprint attacker, and what the losses give away.

    Args:
        loaded: the dataset on whose training records `model` was trained.
        model: the finished one.
        noise_multiplier: of its training, 0 without DP.
        epochs: of its training, at least 1.
        check: called between parts; what it raises stops the attacks.

    Raises:
        InvalidValue: if the model's losses are not numbers.
    """
    counts = tuple(dict.fromkeys((1, epochs)))
    errors = {k: get_errors(loaded.attack, noise_multiplier=noise_multiplier, looks=k, check=check) for k in counts}
    looks = []
    for count in counts:
        check()
        matched = loaded.attack.matched(noise_multiplier=noise_multiplier, looks=count)
        looks.append(_look(count, errors[count][loaded.attack.attacked], matched))
    pictures = None
    if loaded.shown is not None:
        known = errors if loaded.shown.attack is loaded.attack else None
        pictures = _pictures(loaded.shown, known, noise_multiplier=noise_multiplier, looks=counts[-1], check=check)
    candidates = loaded.attack.candidates
    return Attacked(
        attack=AttackOutcome(
            records=loaded.attack_name, attacked=candidates, candidates=candidates, looks=tuple(looks)
        ),
        membership=get_membership(model, loaded.dataset),
        pictures=pictures,
    )


def get_errors(
    attack: ImprintAttack, *, noise_multiplier: float, looks: int, check: Check = lambda: None
) -> NDArray[np.float64]:
    """Returns the errors (n,) of `attack.scores` without its other measures, NaN for records left out."""
    measure = ssim_error if attack.records.ndim == 4 else relative_error
    errors = np.full(len(attack.records), np.nan)
    index = np.flatnonzero(attack.attacked)
    for part in np.array_split(index, -(-len(index) // _PART)):
        check()
        rebuilt = attack.reconstruct(noise_multiplier=noise_multiplier, looks=looks, index=part.tolist())
        errors[part] = [measure(attack.records[i], record) for i, record in zip(part, rebuilt, strict=True)]
    return errors


def _look(looks: int, errors: NDArray[np.float64], matched: NDArray[np.bool_]) -> LookOutcome:
    return LookOutcome(
        looks=looks,
        rebuilt=int((errors < ETA).sum()),
        matched=int(matched.sum()),
        median_error=float(np.median(errors)),
    )


def _pictures(
    shown: Shown, errors: dict[int, NDArray[np.float64]] | None, *, noise_multiplier: float, looks: int, check: Check
) -> PictureOutcome:
    """The five best, of pictures that may be shown to anyone."""
    if errors is None:
        errors = {
            k: get_errors(shown.attack, noise_multiplier=noise_multiplier, looks=k, check=check) for k in {1, looks}
        }
    gallery = best_gallery(
        shown.attack, noise_multiplier=noise_multiplier, looks=looks, errors=(errors[1], errors[looks])
    )
    check()
    return PictureOutcome(
        source=shown.pictures.source,
        stand_in=shown.pictures.stand_in,
        synthetic=shown.pictures.synthetic,
        originals=_strip(gallery.originals),
        one_look=_strip(gallery.one_look),
        all_looks=_strip(gallery.all_looks),
        errors_one_look=tuple(map(float, gallery.errors_one_look)),
        errors_all_looks=tuple(map(float, gallery.errors_all_looks)),
    )


def _strip(pictures: NDArray[np.uint8]) -> str:
    return base64.b64encode(encode_strip(pictures)).decode("ascii")


def get_membership(model: nn.Module, dataset: Dataset) -> MembershipOutcome:
    """Returns the loss-threshold attack on this model, its training records against its test records.

    A low loss speaks for a member (Yeom et al. 2018). The attacker knows every record and its label, but needs no
    other model; LiRA with shadow models (`dpcore.attacks.membership`) is stronger and takes many trainings.

    Raises InvalidValue if a loss is NaN.
    """
    train, test = dataset.split.train, dataset.split.test
    losses = get_losses(model, dataset, np.concatenate([train, test]))
    is_member = np.arange(len(losses)) < len(train)
    summary = summarise_scores(get_loss_scores(losses[None], is_member[None]))
    return MembershipOutcome(
        members=summary.members,
        non_members=summary.non_members,
        auc=summary.auc,
        at_001=summary.at_001,
        fpr=tuple(map(float, summary.roc.fpr)),
        tpr=tuple(map(float, summary.roc.tpr)),
    )
