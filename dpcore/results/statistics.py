"""Comparisons of runs with DP and runs without."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dpcore import _validate
from dpcore.errors import InvalidValue


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How runs with DP compare with runs without."""

    #: Two-sided Student's t-test: small = the means differ. NaN when neither sample varies.
    p_ttest: float
    #: Two one-sided t-tests: small = equivalent within ± margin. NaN when neither sample varies.
    p_tost: float
    margin: float


def get_comparison_from_runs(private: ArrayLike, baseline: ArrayLike, *, margin: float) -> Comparison:
    """Compares two samples of a utility, each (seeds,) with at least two values.

    Source: Student (1908), pooled variance; Schuirmann (1987) for the two one-sided tests.
    """
    _validate.positive(margin=margin)
    a, b = np.asarray(private, dtype=float), np.asarray(baseline, dtype=float)
    if min(a.size, b.size) < 2 or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InvalidValue("runs must be at least two finite utilities on each side.")
    degrees = a.size + b.size - 2
    variance = ((a.size - 1) * a.var(ddof=1) + (b.size - 1) * b.var(ddof=1)) / degrees
    error = math.sqrt(variance * (1 / a.size + 1 / b.size))
    if error == 0:
        return Comparison(p_ttest=math.nan, p_tost=math.nan, margin=margin)
    difference = a.mean() - b.mean()
    p_below = stats.t.sf((difference + margin) / error, degrees)
    p_above = stats.t.cdf((difference - margin) / error, degrees)
    p_ttest = 2 * stats.t.sf(abs(difference) / error, degrees)
    return Comparison(p_ttest=float(p_ttest), p_tost=float(max(p_below, p_above)), margin=margin)
