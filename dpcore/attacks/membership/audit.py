"""Auditing in one training run: a lower bound on ε that the outcome proves, with confidence.

After Steinke, Nasr and Jagielski (2023, "Privacy auditing with one (1) training run", NeurIPS): m canaries are planted,
each with probability 1/2 on its own; the auditor then calls r of them, in or out. Of an (ε, δ)-DP training no auditor
is right much more often than the binomial distribution with success e^ε / (1 + e^ε) allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from dpcore._validate import open_unit, whole
from dpcore.attacks.membership.scores import MembershipScores
from dpcore.errors import InvalidValue

CONFIDENCE = 0.95
#: Shares of the canaries that are called. All are tried, and the confidence is divided among them (Bonferroni): the
#: best may be chosen after looking.
CALLED_SHARES = (1.0, 0.5, 0.2, 0.1, 0.05)
_MOST_EPSILON = 50.0
_HALVINGS = 30


def get_p_value(epsilon: float, *, correct: int, guesses: int, canaries: int, delta: float) -> float:
    """Returns the largest chance of at least so many right calls under (ε, δ)-DP (Theorem 5.2 with its δ term)."""
    right = 1 / (1 + np.exp(-epsilon))
    tail = float(binom.sf(correct - 1, guesses, right))
    if correct == 0 or delta == 0:
        return min(1.0, tail)
    near = np.cumsum(binom.pmf(np.arange(correct - 1, -1, -1), guesses, right))  # P[v − i ≤ X < v], i = 1 … v
    steepest = float((near / np.arange(1, correct + 1)).max())
    return min(1.0, tail + 2 * canaries * delta * steepest)


def get_floor_from_guesses(
    *, correct: int, guesses: int, canaries: int, delta: float, confidence: float = CONFIDENCE
) -> float:
    """Returns the largest ε that the outcome refutes with that confidence; 0 if it refutes none.

    Args:
        correct: right calls.
        guesses: calls, a number fixed beforehand.
        canaries: canaries planted, called or not.
        delta: δ of the claim.
        confidence: chance, at least, that the floor is at most the true ε.

    Raises:
        InvalidValue: unless 0 ≤ correct ≤ guesses ≤ canaries, and for a delta or confidence outside (0, 1).
    """
    canaries, guesses = whole(canaries=canaries), whole(guesses=guesses)
    correct = whole(minimum=0, correct=correct)
    if not correct <= guesses <= canaries:
        raise InvalidValue(
            f"correct must be at most guesses and they at most {canaries} canaries, but is {correct} of {guesses}."
        )
    delta, alarm = open_unit(delta=delta), 1 - open_unit(confidence=confidence)

    def refuted(epsilon: float) -> bool:
        p = get_p_value(epsilon, correct=correct, guesses=guesses, canaries=canaries, delta=delta)
        return p < alarm

    if not refuted(0.0):
        return 0.0
    low, high = 0.0, _MOST_EPSILON
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if refuted(middle) else (low, middle)
    return low


@dataclass(frozen=True, kw_only=True)
class AuditResult:
    """The outcome of an audit."""

    canaries: int
    guesses: int
    correct: int
    #: Refuted ε, and the largest that so many canaries could ever refute. The tries of `CALLED_SHARES` share the
    #: confidence, so it is lower than one try with these counts would give.
    floor: float
    cap: float


def audit_from_scores(
    scores: NDArray[np.float64], is_member: NDArray[np.bool_], *, delta: float, confidence: float = CONFIDENCE
) -> AuditResult:
    """Returns the audit of canaries (m,), scored higher = planted: half of the calls are the highest, half the lowest.

    Raises InvalidValue if the arrays do not belong together or a score is NaN.
    """
    MembershipScores(scores=scores[None], is_member=is_member[None])
    canaries = len(scores)
    each = _for_each(confidence)
    order = np.argsort(scores, kind="stable")
    results = []
    for share in CALLED_SHARES:
        half = max(1, int(share * canaries) // 2)
        correct = int(is_member[order[-half:]].sum() + (~is_member[order[:half]]).sum())
        floor = get_floor_from_guesses(
            correct=correct, guesses=2 * half, canaries=canaries, delta=delta, confidence=each
        )
        results.append((floor, 2 * half, correct))
    floor, guesses, correct = max(results, key=lambda result: result[0])
    cap = get_cap(canaries, delta=delta, confidence=confidence)
    return AuditResult(canaries=canaries, guesses=guesses, correct=correct, floor=floor, cap=cap)


def _for_each(confidence: float) -> float:
    return 1 - (1 - confidence) / len(CALLED_SHARES)


@cache
def get_cap(canaries: int, *, delta: float, confidence: float = CONFIDENCE) -> float:
    """Returns the floor if every call were right: more this number of canaries cannot show, whatever the training."""
    each = _for_each(confidence)
    sizes = [2 * max(1, int(share * canaries) // 2) for share in CALLED_SHARES]
    return max(
        get_floor_from_guesses(correct=r, guesses=r, canaries=canaries, delta=delta, confidence=each) for r in sizes
    )
