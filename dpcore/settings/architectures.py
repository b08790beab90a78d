"""The models by name; `dpcore.models`, which needs torch, builds them."""

from __future__ import annotations

from dpcore.datasets.spec import DatasetSpec

#: Those that label every pixel.
SEGMENTATION_MODELS = ("small_unet", "unet")
#: Classifiers of pictures.
PICTURE_MODELS = ("small_cnn", "resnet9", "resnet9_group_norm", "wrn40_4")
#: Classifiers of table rows.
TABLE_MODELS = ("mlp",)
MODEL_NAMES = (*TABLE_MODELS, *PICTURE_MODELS, *SEGMENTATION_MODELS)


def models_for(spec: DatasetSpec) -> tuple[str, ...]:
    """Returns the models that can learn a dataset's task, the cheapest first."""
    if spec.is_segmentation:
        return SEGMENTATION_MODELS
    return PICTURE_MODELS if spec.kind == "image" else TABLE_MODELS
