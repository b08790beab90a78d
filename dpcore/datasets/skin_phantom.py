"""The skin phantom: invented patients with invented skin lesions, painted by this program. Free to show anywhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets._images import scale_images
from dpcore.datasets._painted import painted
from dpcore.datasets.phantom_lesions import TONES, Lesions, draw_lesions
from dpcore.datasets.phantom_render import render
from dpcore.datasets.spec import AttackRecords, Dataset, DatasetSpec, Split
from dpcore.datasets.splits import split_by_group

NUM_IMAGES = 8000
IMAGE_SIZE = 28
ATTACK_IMAGE_SIZE = 128
_NUM_ATTACK_RECORDS = 300
_SEED = 7

SPEC = DatasetSpec(
    name="skin_phantom",
    title="Skin phantom (synthetic)",
    kind="image",
    synthetic=True,
    record_shape=(3, IMAGE_SIZE, IMAGE_SIZE),
    task="Is this invented skin lesion labelled malignant?",
    positive_label="malignant (invented)",
    negative_label="benign (invented)",
    record_noun="image",
    group_noun="patient",
    source="Synthetic: 8,000 images of invented lesions of about 3,900 invented patients, painted by this program; "
    "nobody's skin, and no evidence about real skin",
    url="",
    licence="Apache-2.0",
    images_may_ship=True,
)


@cache
def _population() -> Lesions:
    return draw_lesions(num_images=NUM_IMAGES, seed=_SEED)


@cache
def _split() -> Split:
    return split_by_group(_population().patient, _population().label)


def load(data_path: Path | None = None) -> Dataset:  # noqa: ARG001 - the same call for all datasets
    """Returns 8,000 photographs at 28 × 28 pixels, 19.5 % positive, 1–5 a patient, with skin tones as subgroups.

    Takes a few seconds the first time on a machine; always the same. `data_path` is not used.
    """
    lesions = _population()
    (images,) = painted(SPEC.name, lambda: (render(lesions, size=IMAGE_SIZE),))
    return Dataset(
        spec=SPEC,
        features=scale_images(images),
        labels=lesions.label,
        groups=lesions.patient,
        split=_split(),
        subgroups={"skin tone (phantom)": np.array(TONES)[lesions.tone]},
    )


def paint(indices: NDArray[np.int64], *, size: int) -> NDArray[np.uint8]:
    """Returns records `indices` of the dataset as pictures, uint8 (len(indices), size, size, 3)."""
    return render(_population().take(indices), size=size)


def load_attack_records(data_path: Path | None = None) -> AttackRecords:  # noqa: ARG001
    """Returns 300 training records painted at 128 × 128 pixels, uint8 (300, 128, 128, 3)."""
    attacked = _split().train[:_NUM_ATTACK_RECORDS]
    (records,) = painted(f"{SPEC.name}_{ATTACK_IMAGE_SIZE}", lambda: (paint(attacked, size=ATTACK_IMAGE_SIZE),))
    return AttackRecords(
        name=SPEC.name,
        records=records,
        may_show=True,
        source=f"{_NUM_ATTACK_RECORDS} training images of the skin phantom, painted larger. {SPEC.source}.",
    )


def describe_copy(data_path: Path | None = None) -> str:  # noqa: ARG001
    """Returns the sentence for the app: this dataset is always there."""
    return "Skin phantom: synthetic, painted by the program, nothing to download."
