"""DP-SGD training, and the same training without DP."""

from dpcore.settings import TrainingConfig
from dpcore.training.evaluation import get_chances_from_model, get_scores_from_model
from dpcore.training.loop import Progress, TrainedRun, Training, TrainingCancelled, train
from dpcore.training.metrics import Utility, get_dice_from_outlines, get_utility_from_scores
from dpcore.training.objective import ClassificationObjective, Objective, SegmentationObjective, make_objective
from dpcore.training.per_sample import ClippedSum, PerSampleGradients
from dpcore.training.profile import ClipNormProfile, get_clip_norm_profile
from dpcore.training.saturation import get_saturation_epoch

__all__ = [
    "ClassificationObjective",
    "ClipNormProfile",
    "ClippedSum",
    "Objective",
    "PerSampleGradients",
    "Progress",
    "SegmentationObjective",
    "TrainedRun",
    "Training",
    "TrainingCancelled",
    "TrainingConfig",
    "Utility",
    "get_chances_from_model",
    "get_clip_norm_profile",
    "get_dice_from_outlines",
    "get_saturation_epoch",
    "get_scores_from_model",
    "get_utility_from_scores",
    "make_objective",
    "train",
]
