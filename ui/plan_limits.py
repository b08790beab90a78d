"""The limits a visitor may set on a plan: what is typed, what it means for the planner. No Streamlit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dpcore.errors import InvalidValue
from dpcore.planner import Level, Limit, LimitKind
from dpcore.planner.setting import EPSILON_LIMITS
from ui.fields import Field


@dataclass(frozen=True, kw_only=True)
class LimitField:
    """A limit a visitor may set; `name` is its name in the URL."""

    name: str
    kind: LimitKind
    level: Level
    label: str
    #: As typed at first.
    default: str
    #: Whether it is offered only to who asks for more limits.
    more: bool = False

    def parse(self, text: str) -> float:
        """Returns ε, or the share typed as “1 in 1,000”, “1/1000”, “0.1 %” or “0.001”; raises InvalidValue."""
        if self.kind == "epsilon":
            low, high = EPSILON_LIMITS
            return Field(name="", label=self.label, help="", low=low, high=high, whole=False).parse(text)
        value = parse_share(self.label, text)
        try:
            return Limit(kind=self.kind, level=self.level, value=value).value
        except InvalidValue as error:
            rule = str(error).partition(" must ")[2]
            raise InvalidValue(f"{self.label} must {rule}") from None

    def show(self, value: float) -> str:
        """Returns a value as typed."""
        return f"{value:.12g}" if self.kind == "epsilon" else show_share(value)

    def limit(self, value: float) -> Limit:
        """Returns the limit for the planner."""
        return Limit(kind=self.kind, level=self.level, value=value)


def _at_both_levels(name: str, kind: LimitKind, label: str, defaults: tuple[str, str], more: bool) -> list[LimitField]:
    """The limit for a record, and the one for a patient, whose name ends with p."""
    levels: tuple[tuple[Level, str], ...] = (("record", name), ("patient", f"{name}p"))
    return [
        LimitField(name=n, kind=kind, level=level, label=label.format(f"a {level}"), default=default, more=more)
        for (level, n), default in zip(levels, defaults, strict=True)
    ]


_FIELDS = (
    *_at_both_levels("rec", "reconstruction", "Worst-case reconstruction of {} ≤", ("1 in 1,000", "1 in 100"), False),
    *_at_both_levels("adv", "advantage", "Membership advantage of {} ≤", ("10 %", "10 %"), False),
    *_at_both_levels("tpr", "tpr_at_fpr_0_01", "Found at 1 % false alarms, {} ≤", ("5 %", "5 %"), False),
    LimitField(name="attack", kind="realistic", level="record", label="Rebuilt by the real attack ≤", default="0 %"),
    LimitField(
        name="useful", kind="utility", level="record", label="Utility, share of that without DP ≥", default="90 %"
    ),
    LimitField(
        name="relax",
        kind="relaxed",
        level="record",
        label="Rebuilt by an attacker who does not hold the record ≤",
        default="1 in 1,000",
        more=True,
    ),
    *_at_both_levels("rare", "tpr_at_fpr_0_001", "Found at 0.1 % false alarms, {} ≤", ("1 %", "1 %"), True),
    *_at_both_levels("most", "epsilon", "Budget ε of {} ≤", ("8", "8"), True),
)
LIMITS = {field.name: field for field in _FIELDS}
DEFAULT_LIMITS: Mapping[str, float] = {"rec": 0.001, "useful": 0.9}


def parse_share(label: str, text: str) -> float:
    """Returns a share typed as “1 in 1,000”, “1/1000”, “0.1 %” or “0.001”, 0 included; raises InvalidValue."""
    compact = text.strip().lower()
    percent = compact.endswith("%")
    number = re.sub(r"\s+(in|of)\s+", "/", compact.removesuffix("%").strip())
    if number in ("0", "0.0"):
        return 0.0
    field = Field(name="", label=label, help="", low=1e-300, high=1e300, whole=False)
    try:
        value = field.parse(number)
    except InvalidValue:
        shown = f"“{text[:24]}”" if text.strip() else "empty"
        raise InvalidValue(f"{label} must be a share such as 1 in 1,000, 0.1 % or 0.001, but is {shown}.") from None
    return value / 100 if percent else value


def show_share(value: float) -> str:
    """Returns a limit as typed: “1 in 1,000” where that is exact, else “12.5 %”."""
    if 0 < value <= 0.01 and math.isclose(1 / value, round(1 / value), rel_tol=1e-12):
        return f"1 in {round(1 / value):,}"
    return f"{float(f'{100 * value:.12g}'):.12g} %"
