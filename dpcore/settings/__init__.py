"""What is decided before a training starts, and what can be said about it then. Needs no torch, so pages use it."""

from dpcore.settings.advice import Advice, get_advice, get_noise_to_signal
from dpcore.settings.architectures import MODEL_NAMES, SEGMENTATION_MODELS, models_for
from dpcore.settings.config import TrainingConfig

__all__ = [
    "MODEL_NAMES",
    "SEGMENTATION_MODELS",
    "Advice",
    "TrainingConfig",
    "get_advice",
    "get_noise_to_signal",
    "models_for",
]
