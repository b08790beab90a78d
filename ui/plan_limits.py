"""The limits a visitor may set on a plan: what is typed, what it means for the planner. No Streamlit."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from dpcore.errors import InvalidValue
from dpcore.planner import Level, Limit, LimitKind
from ui.epsilon import quoted
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

    def parse(self, text: str) -> float:
        """Returns the share typed as “1 in 1,000”, “1/1000”, “0.1 %” or “0.001”; raises InvalidValue."""
        value = parse_share(self.label, text)
        try:
            return Limit(kind=self.kind, level=self.level, value=value).value
        except InvalidValue as error:
            rule = str(error).partition(" must ")[2]
            raise InvalidValue(f"{self.label} must {rule}") from None

    def limit(self, value: float) -> Limit:
        """Returns the limit for the planner."""
        return Limit(kind=self.kind, level=self.level, value=value)


LIMITS = {
    field.name: field
    for field in (
        LimitField(
            name="rec",
            kind="reconstruction",
            level="record",
            label="Worst-case reconstruction of a record ≤",
            default="1 in 1,000",
        ),
        LimitField(
            name="recp",
            kind="reconstruction",
            level="patient",
            label="Worst-case reconstruction of a patient ≤",
            default="1 in 100",
        ),
        LimitField(
            name="adv", kind="advantage", level="record", label="Membership advantage of a record ≤", default="10 %"
        ),
        LimitField(
            name="advp", kind="advantage", level="patient", label="Membership advantage of a patient ≤", default="10 %"
        ),
        LimitField(
            name="tpr",
            kind="tpr_at_fpr_0_01",
            level="record",
            label="Found at 1 % false alarms, a record ≤",
            default="5 %",
        ),
        LimitField(
            name="tprp",
            kind="tpr_at_fpr_0_01",
            level="patient",
            label="Found at 1 % false alarms, a patient ≤",
            default="5 %",
        ),
        LimitField(
            name="attack", kind="realistic", level="record", label="Rebuilt by the real attack ≤", default="0 %"
        ),
        LimitField(
            name="useful", kind="utility", level="record", label="Utility, share of that without DP ≥", default="90 %"
        ),
    )
}
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
        rule = "a share such as 1 in 1,000, 0.1 % or 0.001"
        raise InvalidValue(f"{label} must be {rule}, but is {quoted(text)}.") from None
    return value / 100 if percent else value


def show_share(value: float) -> str:
    """Returns a limit as typed: “1 in 1,000” where that is exact, else “12.5 %”."""
    if 0 < value <= 0.01 and math.isclose(1 / value, round(1 / value), rel_tol=1e-12):
        return f"1 in {round(1 / value):,}"
    return f"{float(f'{100 * value:.12g}'):.12g} %"
