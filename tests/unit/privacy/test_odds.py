"""e^ε multiplies odds, never probability."""

from __future__ import annotations

import math

import pytest

from dpcore.errors import InvalidValue
from dpcore.privacy import get_largest_posterior, get_odds, get_smallest_posterior


@pytest.mark.parametrize("prior", [1e-9, 0.01, 0.5, 0.999])
@pytest.mark.parametrize("epsilon", [0.0, 0.1, 3.0, 20.0])
def test_odds_are_multiplied_by_exp_epsilon(prior: float, epsilon: float) -> None:
    after = get_largest_posterior(prior, epsilon)
    assert after / (1 - after) == pytest.approx(get_odds(prior) * math.exp(epsilon), rel=1e-4)
    before = get_smallest_posterior(prior, epsilon)
    assert get_odds(before) == pytest.approx(get_odds(prior) / math.exp(epsilon), rel=1e-9)


def test_the_example_everyone_gets_wrong() -> None:
    # At an even prior and ε = 10 belief rises to at most 99.995 %, not 22,000-fold.
    assert get_largest_posterior(0.5, 10.0) == pytest.approx(0.99995, abs=5e-6)


def test_huge_budgets_do_not_overflow() -> None:
    assert get_largest_posterior(1e-6, 1e15) == 1.0
    assert get_smallest_posterior(0.9, 1e15) == 0.0


@pytest.mark.parametrize(("prior", "epsilon"), [(0.0, 1.0), (1.0, 1.0), (0.5, -1.0), (math.nan, 1.0), (0.5, math.inf)])
def test_bad_input_is_refused(prior: float, epsilon: float) -> None:
    for call in (get_largest_posterior, get_smallest_posterior):
        with pytest.raises(InvalidValue):
            call(prior, epsilon)
