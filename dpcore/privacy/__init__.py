"""Differential privacy of DP-SGD: calibration, accounting, and what they prove against three attackers."""

from dpcore.privacy.accounting import get_epsilon_from_mechanism, get_epsilon_from_mechanisms
from dpcore.privacy.approximation import get_approximate_epsilon_from_mechanisms, get_approximate_mu_from_mechanism
from dpcore.privacy.bounds import (
    get_persistent_trade_off_from_mechanism,
    get_trade_off_from_mechanism,
    get_trade_off_from_mechanisms,
)
from dpcore.privacy.calibration import calibrate
from dpcore.privacy.curves import BoundCurve, get_bound_curve
from dpcore.privacy.groups import (
    get_group_delta,
    get_group_epsilon,
    get_patient_epsilon_from_mechanism,
    get_patient_trade_off_from_mechanism,
)
from dpcore.privacy.likelihood import TIERS, Tier
from dpcore.privacy.mechanism import (
    ACCOUNTANTS,
    Accountant,
    DpSgdMechanism,
    NonPrivate,
    PrivacyTarget,
    check_accountant,
)
from dpcore.privacy.odds import get_largest_posterior, get_odds, get_smallest_posterior
from dpcore.privacy.rdp import get_opacus_floor
from dpcore.privacy.risks import Risks, get_risks_from_mechanism
from dpcore.privacy.trade_off import RESOLUTION, TradeOff, describe_probability

__all__ = [
    "ACCOUNTANTS",
    "RESOLUTION",
    "TIERS",
    "Accountant",
    "BoundCurve",
    "DpSgdMechanism",
    "NonPrivate",
    "PrivacyTarget",
    "Risks",
    "Tier",
    "TradeOff",
    "calibrate",
    "check_accountant",
    "describe_probability",
    "get_approximate_epsilon_from_mechanisms",
    "get_approximate_mu_from_mechanism",
    "get_bound_curve",
    "get_epsilon_from_mechanism",
    "get_epsilon_from_mechanisms",
    "get_group_delta",
    "get_group_epsilon",
    "get_largest_posterior",
    "get_odds",
    "get_opacus_floor",
    "get_patient_epsilon_from_mechanism",
    "get_patient_trade_off_from_mechanism",
    "get_persistent_trade_off_from_mechanism",
    "get_risks_from_mechanism",
    "get_smallest_posterior",
    "get_trade_off_from_mechanism",
    "get_trade_off_from_mechanisms",
]
