"""DP-SGD training, and the same training without DP."""

from dpcore.training.config import TrainingConfig
from dpcore.training.loop import Progress, TrainedRun, Training, TrainingCancelled, train
from dpcore.training.metrics import Utility, get_utility_from_scores
from dpcore.training.per_sample import ClippedSum, PerSampleGradients

__all__ = [
    "ClippedSum",
    "PerSampleGradients",
    "Progress",
    "TrainedRun",
    "Training",
    "TrainingCancelled",
    "TrainingConfig",
    "Utility",
    "get_utility_from_scores",
    "train",
]
