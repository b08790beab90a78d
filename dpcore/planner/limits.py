"""What may be asked of a plan: limits on risks, on ε, on the real attack, and on utility."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from scipy.special import ndtri

from dpcore._validate import non_negative, open_unit, positive
from dpcore.errors import InvalidValue
from dpcore.planner.setting import EPSILON_LIMITS, Level, Setting, check_level, in_range
from dpcore.privacy import (
    DpSgdMechanism,
    TradeOff,
    get_patient_epsilon_from_mechanism,
    get_patient_trade_off_from_mechanism,
    get_trade_off_from_mechanism,
)
from dpcore.privacy.composed import TOLERANCE
from dpcore.results.numbers import round_up

LimitKind = Literal[
    "reconstruction", "relaxed", "advantage", "tpr_at_fpr_0_001", "tpr_at_fpr_0_01", "epsilon", "realistic", "utility"
]
#: Kinds and what they mean; all but utility are upper limits.
KINDS: dict[LimitKind, str] = {
    "reconstruction": "worst-case reconstruction",
    "relaxed": "relaxed reconstruction",
    "advantage": "membership advantage",
    "tpr_at_fpr_0_001": "found at 0.1 % false alarms",
    "tpr_at_fpr_0_01": "found at 1 % false alarms",
    "epsilon": "ε",
    "realistic": "pictures rebuilt by the real attack",
    "utility": "share of the utility without DP",
}
#: Kinds that follow from a trade-off curve.
CURVE_KINDS = ("reconstruction", "relaxed", "advantage", "tpr_at_fpr_0_001", "tpr_at_fpr_0_01")
#: Kinds that are known for a record only.
RECORD_ONLY = ("relaxed", "realistic", "utility")
MOST_LIMITS = 16
#: A share of utility above this was never measured.
_LARGEST_SHARE = 2.0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """One limit. `value` is a probability or share; for "epsilon", ε at the setting's δ and by its accountant."""

    kind: LimitKind
    value: float
    level: Level = "record"

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise InvalidValue(f"kind must be one of {', '.join(KINDS)}, but is {self.kind!r}.")
        check_level(self.level)
        if self.level != "record" and self.kind in RECORD_ONLY:
            raise InvalidValue(f"level must be record for a limit on {self.kind}, but is {self.level!r}.")
        object.__setattr__(self, "value", self._checked())

    def _checked(self) -> float:
        named: dict[str, Any] = {f"value of the limit on {self.kind}": self.value}
        if self.kind == "realistic":
            value = non_negative(**named)
            in_range((0.0, 0.999), **named)
            return value
        if self.kind == "utility":
            value = positive(**named)
            in_range((0.0, _LARGEST_SHARE), **named)
            return value
        if self.kind == "epsilon":
            value = positive(**named)
            in_range(EPSILON_LIMITS, **named)
            return value
        return open_unit(**named)

    @property
    def quantity(self) -> str:
        """For people: "worst-case reconstruction of a patient"."""
        return KINDS[self.kind] + {"record": "", "patient": " of a patient"}[self.level]

    @property
    def text(self) -> str:
        """For people: "worst-case reconstruction of a patient ≤ 0.1 %"."""
        return f"{self.quantity} {self.sign} {self.show(self.value)}"

    def misses(self, value: float) -> str:
        """Returns what another value of this limit's quantity means for people: "… is 79.2 % instead of ≥ 90 %"."""
        return f"{self.quantity} is {self.show(value)} instead of {self.sign} {self.show(self.value)}"

    @property
    def sign(self) -> str:
        """≥ of utility, else ≤."""
        return "≥" if self.kind == "utility" else "≤"

    def show(self, value: float) -> str:
        """Returns a value of this limit's quantity for people."""
        if self.kind in CURVE_KINDS:
            value = round_up(value)  # A proven limit is never shown smaller than it is.
        return f"{value:.4g}" if self.kind == "epsilon" else f"{100 * value:.3g} %"

    def by_chance(self, setting: Setting) -> float:
        """Returns the value that no noise can go below, as an attacker gets it by guessing; 0 of other kinds."""
        chances = {"tpr_at_fpr_0_001": 0.001, "tpr_at_fpr_0_01": 0.01}
        if self.kind in ("reconstruction", "relaxed"):
            return setting.kappa(self.level)
        return chances.get(self.kind, 0.0)


def check_limits(limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
    """Returns the limits; raises InvalidValue for none, too many, or two of the same kind and level."""
    if not 1 <= len(limits) <= MOST_LIMITS:
        raise InvalidValue(f"limits must be 1 to {MOST_LIMITS}, but are {len(limits)}.")
    seen: set[tuple[str, str]] = set()
    for limit in limits:
        if (limit.kind, limit.level) in seen:
            raise InvalidValue(f"limits must name each kind once a level, but name {limit.kind} ({limit.level}) twice.")
        seen.add((limit.kind, limit.level))
    return limits


def get_risk(limit: Limit, setting: Setting, mechanism: DpSgdMechanism, *, tolerance: float = TOLERANCE) -> float:
    """Returns the proven quantity that a limit of a curve or of ε bounds, raised by the curve's estimated error.

    `tolerance` is the relative error at which a curve is exact enough.
    """
    if limit.kind == "epsilon":
        return get_patient_epsilon_from_mechanism(
            mechanism,
            delta=setting.delta,
            accountant=setting.accountant,
            records_per_patient=setting.records(limit.level),
        )
    curve = _curve(limit, setting, mechanism, tolerance)
    readings: dict[str, Callable[[], float]] = {
        "advantage": lambda: curve.advantage,
        "tpr_at_fpr_0_001": lambda: curve.tpr_at_fpr(0.001),
        "tpr_at_fpr_0_01": lambda: curve.tpr_at_fpr(0.01),
    }
    reading = readings.get(limit.kind, lambda: curve.tpr_at_fpr(setting.kappa(limit.level)))
    return min(reading() * (1 + curve.error), 1.0)


def _curve(limit: Limit, setting: Setting, mechanism: DpSgdMechanism, tolerance: float) -> TradeOff:
    if limit.kind == "relaxed":
        return get_trade_off_from_mechanism(mechanism, "relaxed", tolerance=tolerance)
    records = setting.records(limit.level)
    return get_patient_trade_off_from_mechanism(mechanism, records_per_patient=records, tolerance=tolerance)


def get_excess(limit: Limit, risk: float) -> float:
    """Returns how far a risk is above its limit, ≤ 0 exactly where it is kept; nearly straight in log σ."""
    if limit.kind == "epsilon":
        difference = math.log(max(min(risk, 1e300), 1e-300)) - math.log(limit.value)
    else:
        difference = _quantile(limit, risk) - _quantile(limit, limit.value)
    return max(difference, 1e-16) if risk > limit.value else min(difference, 0.0)


def _quantile(limit: Limit, risk: float) -> float:
    probability = (1 + risk) / 2 if limit.kind == "advantage" else risk
    return float(ndtri(min(max(probability, 1e-300), 1 - 1e-16)))
