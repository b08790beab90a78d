"""What a statement means for one person, in people of 1,000. No Streamlit here."""

from __future__ import annotations

import math
from functools import lru_cache

from dpcore import privacy
from dpcore.checker import Claim, Statement
from dpcore.errors import DpcoreError
from dpcore.privacy import DpSgdMechanism, NonPrivate
from ui.risk_text import of_thousand
from ui.text import HOPELESS

#: One record to be recognised among this many; and outsiders who may be accused falsely.
AMONG, FALSE_ALARMS = 1000, 0.01

NO_LIMIT = "Nothing limits what an attacker can learn about anyone."
UNKNOWN = "Without a known ε nothing can be promised to anyone: treat it as unprotected."


def recognised(statement: Statement, claim: Claim) -> float:
    """Returns the proven bound on picking the right one of 1,000 candidates; NaN where it cannot be computed."""
    return _bounds(statement.mechanism, _records(statement, claim))[0]


def found(statement: Statement, claim: Claim) -> float:
    """Returns the proven bound on finding who took part when 1 outsider in 100 may be accused; NaN if not computed."""
    return _bounds(statement.mechanism, _records(statement, claim))[1]


def person_sentence(statement: Statement | None, claim: Claim) -> str:
    """Returns both bounds as people of 1,000, against the attacker who knows everything but the answer."""
    if statement is None:
        return UNKNOWN
    pick, took_part = recognised(statement, claim), found(statement, claim)
    if math.isnan(pick) or math.isnan(took_part):
        return "The limit could not be computed: treat it as unprotected."
    if math.isinf(statement.epsilon_tight):
        return NO_LIMIT
    who, owned = ("hospitals like yours", "data") if claim.unit == "client" else ("patients like you", "record")
    if min(pick, took_part) >= HOPELESS:
        return f"Of 1,000 {who}, practically all could be found out: nothing of use is promised."
    return (
        f"Of 1,000 {who}, an attacker who holds your {owned} among 1,000 candidates picks out {_of(pick)}; by "
        f"guessing 1. Allowed to accuse 10 of 1,000 outsiders, such an attacker finds {_of(took_part)} who took part; "
        "by guessing 10."
    )


def _of(probability: float) -> str:
    return "practically all" if probability >= HOPELESS else of_thousand(probability).removesuffix(" of 1,000")


def _records(statement: Statement, claim: Claim) -> int:
    """How many records the statement hides together; replacing one is removing one and adding one."""
    return {"replace": 2, "patient": claim.records_per_patient}.get(statement.name, 1)


@lru_cache(maxsize=256)
def _bounds(mechanism: DpSgdMechanism | NonPrivate, records: int) -> tuple[float, float]:
    try:
        curve = privacy.get_patient_trade_off_from_mechanism(mechanism, records_per_patient=records)
        return float(curve.gamma(1 / AMONG)), float(curve.tpr_at_fpr(FALSE_ALARMS))
    except DpcoreError:
        return math.nan, math.nan
