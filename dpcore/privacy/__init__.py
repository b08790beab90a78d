"""Differential privacy of DP-SGD: calibration, accounting, and what they prove about three attackers."""

from dpcore.privacy.accounting import get_epsilon_from_mechanism, get_epsilon_from_mechanisms
from dpcore.privacy.bounds import (
    get_persistent_trade_off_from_mechanism,
    get_trade_off_from_mechanism,
    get_trade_off_from_mechanisms,
)
from dpcore.privacy.calibration import calibrate
from dpcore.privacy.mechanism import DpSgdMechanism, NonPrivate, PrivacyTarget
from dpcore.privacy.trade_off import RESOLUTION, TradeOff

__all__ = [
    "RESOLUTION",
    "DpSgdMechanism",
    "NonPrivate",
    "PrivacyTarget",
    "TradeOff",
    "calibrate",
    "get_epsilon_from_mechanism",
    "get_epsilon_from_mechanisms",
    "get_persistent_trade_off_from_mechanism",
    "get_trade_off_from_mechanism",
    "get_trade_off_from_mechanisms",
]
