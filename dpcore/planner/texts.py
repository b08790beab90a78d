"""What `solve` found, in sentences."""

from __future__ import annotations

import math

from dpcore.planner.remedies import Remedy
from dpcore.planner.solve import Compromise, Feasible, Infeasible


def describe_outcome(outcome: Feasible | Infeasible) -> tuple[str, ...]:
    """Returns one sentence for a range that keeps all limits, or why there is none and each of the closest."""
    if isinstance(outcome, Feasible):
        return (_feasible(outcome),)
    return (f"Not possible: {outcome.reason}", *(_compromise(c) for c in outcome.closest))


def describe_remedies(remedies: tuple[Remedy, ...]) -> tuple[str, ...]:
    """Returns one sentence for each thing that was tried."""
    return tuple(remedy.text for remedy in remedies)


def _feasible(found: Feasible) -> str:
    if found.binding is None:
        sentence = (
            f"All limits hold for any ε from {found.epsilon_low:.4g} (σ up to {found.noise_high:.4g}) as far as was "
            "measured"
        )
    elif found.binding_above is None:
        sentence = f"All limits hold for any ε up to {found.epsilon_high:.4g} (σ from {found.noise_low:.4g})"
    else:
        sentence = (
            f"All limits hold for ε from {found.epsilon_low:.4g} to {found.epsilon_high:.4g} "
            f"(σ from {found.noise_high:.4g} down to {found.noise_low:.4g})"
        )
    parts = [sentence]
    if found.binding:
        parts.append(f"the largest ε is set by: {found.binding.text}")
    if found.binding_above:
        parts.append(f"the smallest by: {found.binding_above.text}")
    return "; ".join(parts) + "."


def _compromise(compromise: Compromise) -> str:
    missed = compromise.missed
    if math.isinf(compromise.noise_multiplier):
        where = "with endless noise"
    elif compromise.noise_multiplier == 0:
        where = "with the least measured noise"
    else:
        where = f"at ε = {compromise.epsilon:.4g} (σ = {compromise.noise_multiplier:.4g})"
    if math.isnan(compromise.value):
        return f"Closest: {where}, but whether {missed.text} holds there is unknown."
    return f"Closest: {where}, where {missed.misses(compromise.value)}."
