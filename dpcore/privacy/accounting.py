"""ε of a mechanism under either accountant."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dpcore._validate import open_unit
from dpcore.errors import InvalidValue
from dpcore.privacy.mechanism import Accountant, DpSgdMechanism, NonPrivate, check_accountant
from dpcore.privacy.rdp import get_rdp_epsilon_from_mechanisms
from dpcore.privacy.tight import get_tight_epsilon_from_mechanisms


def get_epsilon_from_mechanism(
    mechanism: DpSgdMechanism | NonPrivate, *, delta: float, accountant: Accountant
) -> float:
    """Returns ε at `delta` under the accountant; infinite without noise.

    "rdp" counts as Opacus does by default (as in Ziller et al. 2024); "tight" is exact but for rounding up.
    Raises InvalidValue for δ outside (0, 1) or an unknown accountant.
    """
    return get_epsilon_from_mechanisms((mechanism,), delta=delta, accountant=accountant)


def get_epsilon_from_mechanisms(
    mechanisms: Sequence[DpSgdMechanism | NonPrivate], *, delta: float, accountant: Accountant
) -> float:
    """Returns ε at `delta` of all releases together, whatever their noise, sample rate and steps."""
    delta, accountant = open_unit(delta=delta), check_accountant(accountant)
    noisy = tuple(m for m in mechanisms if isinstance(m, DpSgdMechanism))
    if not mechanisms:
        raise InvalidValue(f"mechanisms must be at least one mechanism, but is {mechanisms!r}.")
    if len(noisy) < len(mechanisms):
        return math.inf
    if accountant == "rdp":
        return get_rdp_epsilon_from_mechanisms(noisy, delta=delta)
    return get_tight_epsilon_from_mechanisms(noisy, delta=delta)
