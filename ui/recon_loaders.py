"""Caches of the page of reconstruction; read-only, shared by all visitors."""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dpcore.errors import DpcoreError
from dpcore.results.schema import ETA
from dpcore.results.store import PrecomputedStore
from ui import loaders
from ui.kept import kept
from ui.recon_evidence import Outcomes, collect_outcomes
from ui.recon_state import SIDES

if TYPE_CHECKING:
    from dpcore.attacks import LiveAttack
    from dpcore.attacks.shown import ShownPictures
    from ui.evidence import Counted

#: Pictures in a strip.
_TOP = 5
#: (T, q, δ) of the paper's training on the MSD liver: batches of 1 among 106 scans, 500 epochs.
PAPER_MSD = (53_000, 1 / 106, 8e-7)


@dataclass(frozen=True, kw_only=True)
class LiveStrip:
    """Five pictures of an attack computed now: where they stand in the field, as data URIs, and their errors."""

    choice: str
    originals: str
    rebuilt: str
    errors: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class LiveResult:
    """An attack computed now."""

    attacked: int
    rebuilt: int
    matched: int
    #: 0 where matching was not tried: our attacker who must only match is too weak in batches to say anything.
    candidates: int
    strips: tuple[LiveStrip, ...]
    source: str
    stand_in: bool
    synthetic: bool
    seconds: float


def outcomes(dataset: str, model: str) -> Outcomes:
    """Returns the measured attack of a dataset's model; raises ResultsUnavailable."""
    return _outcomes(dataset, model, loaders.version())


def curves(dataset: str, model: str, looks: int, counted: Counted) -> str:
    """Returns the drawn curves of all budgets; raises ResultsUnavailable."""
    return _curves(dataset, model, looks, counted, loaders.version())


def variations(dataset: str) -> Sequence[Mapping[str, Any]]:
    """Returns what an attacker may change, one row a setting; raises ResultsUnavailable."""
    return _variations(dataset, loaders.version())


@kept(max_entries=128)
def live(dataset: str, noise_multiplier: float, looks: int, *, together: int, side: int, denoiser: str) -> LiveResult:
    """Attacks 16 pictures that may be shown, and returns the best five and those from the middle."""
    from dpcore.attacks import attack_pictures

    pictures = _pictures(dataset)
    start = time.perf_counter()
    attack = attack_pictures(
        pictures.records,
        noise_multiplier=noise_multiplier,
        looks=looks,
        side=side,
        batch_size=together,
        denoiser=denoiser,
        typical_brightness=pictures.typical_brightness,
    )
    seconds = time.perf_counter() - start
    scores = attack.scores
    errors = scores.error[attack.index]
    return LiveResult(
        attacked=len(attack.index),
        rebuilt=int((errors < ETA).sum()),
        matched=int(scores.matched.sum()),
        candidates=scores.candidates if together == 1 else 0,
        strips=_strips(attack, errors),
        source=pictures.source,
        stand_in=pictures.stand_in,
        synthetic=pictures.synthetic,
        seconds=seconds,
    )


@kept(max_entries=128)
def epsilons_at_snr(
    *, channels: int, looks: int, steps: int, sample_rate: float, delta: float, counted: Counted
) -> tuple[tuple[int, float], ...]:
    """Returns (side, ε) where a pixel is as strong as the noise: estimates, without those that cannot be computed."""
    from dpcore.attacks import get_epsilon_at_snr

    found = []
    for side in SIDES:
        pixels = side * side * channels
        with contextlib.suppress(DpcoreError):
            epsilon = get_epsilon_at_snr(
                1.0, pixels=pixels, looks=looks, sample_rate=sample_rate, steps=steps, delta=delta, accountant=counted
            )
            found.append((side, epsilon))
    return tuple(found)


@kept(max_entries=16)
def _outcomes(dataset: str, model: str, version: loaders.Version) -> Outcomes:
    return collect_outcomes(PrecomputedStore(folder=Path(version[0])), dataset, model)


@kept(max_entries=64)
def _curves(dataset: str, model: str, looks: int, counted: Counted, version: loaders.Version) -> str:
    from ui.recon_charts import errors_drawn

    found, evidence = _outcomes(dataset, model, version), loaders.evidence(dataset)
    return errors_drawn(evidence, found, looks=looks, counted=counted).replace("\n", " ")


@kept(max_entries=16)
def _variations(dataset: str, version: loaders.Version) -> Sequence[Mapping[str, Any]]:
    from dpcore.results.exposure import variation_rows

    return tuple(variation_rows(PrecomputedStore(folder=Path(version[0])), dataset))


@kept(max_entries=8)
def _pictures(dataset: str) -> ShownPictures:
    from dpcore.attacks.shown import live_pictures

    return live_pictures(dataset)


def _strips(attack: LiveAttack, errors: np.ndarray[Any, Any]) -> tuple[LiveStrip, ...]:
    order = np.argsort(errors, kind="stable")
    first = (len(order) - _TOP) // 2
    places = {"best": order[:_TOP], "middle": order[first : first + _TOP]}
    return tuple(
        LiveStrip(
            choice=choice,
            originals=_uri(attack.originals[index]),
            rebuilt=_uri(attack.rebuilt[index]),
            errors=tuple(float(e) for e in errors[index]),
        )
        for choice, index in places.items()
    )


def _uri(pictures: Any) -> str:
    from dpcore.attacks import encode_strip

    return "data:image/webp;base64," + base64.b64encode(encode_strip(pictures)).decode("ascii")
