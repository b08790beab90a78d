"""Membership: was a record among those a model learned from? Scores, ROC curves and audits; no torch."""

from dpcore.attacks.membership.audit import AuditResult, audit_from_scores, get_cap, get_floor_from_guesses
from dpcore.attacks.membership.roc import Roc, get_roc, true_positives_at
from dpcore.attacks.membership.scores import MembershipScores, get_lira_scores, get_loss_scores
from dpcore.attacks.membership.summary import MembershipSummary, summarise_scores

__all__ = [
    "AuditResult",
    "MembershipScores",
    "MembershipSummary",
    "Roc",
    "audit_from_scores",
    "get_cap",
    "get_floor_from_guesses",
    "get_lira_scores",
    "get_loss_scores",
    "get_roc",
    "summarise_scores",
    "true_positives_at",
]
