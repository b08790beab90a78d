"""What a task leaves behind, as plain values: progress while it runs, and its result."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TaskProgress:
    """Where a task stands."""

    #: What it is doing, for people: "loading the records", "training", "attacking".
    phase: str
    step: int = 0
    steps: int = 0
    epochs: int = 0
    #: ε spent so far, counted by the settings' accountant; None without DP.
    epsilon: float | None = None
    #: [step, loss], at most 200 of them, evenly spaced.
    losses: tuple[tuple[int, float], ...] = ()
    #: [epoch, utility on the validation records]; the first is before training.
    track: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class LookOutcome:
    """The imprint attack after averaging `looks` noisy gradients of each record."""

    looks: int
    #: Records whose error 1 − SSIM is below `schema.ETA`, and those named among the candidates.
    rebuilt: int
    matched: int
    median_error: float


@dataclass(frozen=True, kw_only=True)
class AttackOutcome:
    """The imprint attack at the run's noise, on a dataset's attack records."""

    #: Name of the records, with their side: "skin_phantom_128".
    records: str
    attacked: int
    candidates: int
    #: One look, and one in every epoch; a single entry where a training has one epoch.
    looks: tuple[LookOutcome, ...]


@dataclass(frozen=True, kw_only=True)
class PictureOutcome:
    """Five pictures that one look rebuilds best, and what came back; each a WebP strip in base64."""

    source: str
    stand_in: bool
    synthetic: bool
    originals: str
    one_look: str
    all_looks: str
    errors_one_look: tuple[float, ...]
    errors_all_looks: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class MembershipOutcome:
    """The loss-threshold attack (Yeom et al. 2018) on this model: its training records against its test records."""

    members: int
    non_members: int
    auc: float
    #: (members, others) above the threshold that 1 % of the others exceed.
    at_001: tuple[int, int]
    #: The ROC curve, at most 200 points.
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """A finished training and what attacks on it got."""

    metric: str
    utility: float
    scores: dict[str, float]
    #: Wall-clock seconds of the training alone.
    seconds: float
    #: 0 without DP.
    noise_multiplier: float
    sample_rate: float
    steps: int
    num_train: int
    num_test: int
    #: None without DP.
    epsilon_rdp: float | None
    epsilon_tight: float | None
    progress: TaskProgress
    attack: AttackOutcome
    membership: MembershipOutcome
    #: None for tables.
    pictures: PictureOutcome | None = None
    versions: dict[str, str] = field(default_factory=dict)


def to_json(outcome: Any) -> dict[str, Any]:
    """Returns a dataclass of this module as plain values."""
    return dataclasses.asdict(outcome)


def progress_from_json(plain: dict[str, Any]) -> TaskProgress:
    """Returns what `to_json` wrote down."""
    pairs = {name: tuple((a, b) for a, b in plain.get(name, ())) for name in ("losses", "track")}
    return TaskProgress(**{**plain, **pairs})


def run_outcome_from_json(plain: dict[str, Any]) -> RunOutcome:
    """Returns what `to_json` wrote down."""
    attack, pictures = plain["attack"], plain["pictures"]
    nested: dict[str, Any] = {
        "progress": progress_from_json(plain["progress"]),
        "attack": AttackOutcome(**{**attack, "looks": tuple(LookOutcome(**look) for look in attack["looks"])}),
        "membership": MembershipOutcome(**_with_tuples(plain["membership"])),
        "pictures": pictures and PictureOutcome(**_with_tuples(pictures)),
    }
    return RunOutcome(**{**plain, **nested})


def _with_tuples(plain: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
