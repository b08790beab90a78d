"""The liver phantom: invented CT slices of invented patients, painted by this program. Free to show anywhere."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets._images import box_means, scale_images, shrink_images
from dpcore.datasets._painted import painted
from dpcore.datasets.liver_anatomy import PHASES, Scans, draw_scans
from dpcore.datasets.liver_render import SIZE as ATTACK_IMAGE_SIZE
from dpcore.datasets.liver_render import render
from dpcore.datasets.spec import AttackRecords, Dataset, DatasetSpec, Split
from dpcore.datasets.splits import split_by_group

IMAGE_SIZE = 64
_NUM_ATTACK_RECORDS = 300
_SEED = 11

SPEC = DatasetSpec(
    name="liver_phantom",
    title="Liver CT phantom (synthetic)",
    kind="image",
    synthetic=True,
    record_shape=(1, IMAGE_SIZE, IMAGE_SIZE),
    task="Which pixels of this invented CT slice belong to the liver, and which to a tumour in it?",
    structures=("liver", "tumour"),
    record_noun="image",
    group_noun="patient",
    source="Synthetic: about 600 invented CT slices of 150 invented patients with and without liver tumours, painted "
    "by this program; nobody's body, and no evidence about real livers",
    url="",
    licence="Apache-2.0",
    images_may_ship=True,
)


@cache
def _population() -> Scans:
    return draw_scans(seed=_SEED)


@cache
def _pictures() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """All slices at 128 × 128 pixels, and at 64 × 64 the class of each pixel."""
    images, labels = painted(SPEC.name, _paint)
    return images, labels.astype(np.int64)


def _paint() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    images, shares = render(_population())
    return images, label_pixels(shares, factor=ATTACK_IMAGE_SIZE // IMAGE_SIZE).astype(np.uint8)


@cache
def _split() -> Split:
    has_tumour = (_pictures()[1] == 2).any(axis=(1, 2))
    return split_by_group(_population().patient, has_tumour.astype(np.int64))


def label_pixels(shares: NDArray[np.float32], *, factor: int) -> NDArray[np.int64]:
    """Returns the class of each pixel of slices shrunk by `factor`: what most of the pixel is, or what its liver is.

    Args:
        shares: (n, s, s, 2): of each pixel, how much is liver (tumours included) and how much is tumour.
        factor: pixels of s along one side of a labelled pixel.
    """
    liver, tumour = (box_means(shares[..., part], factor) for part in (0, 1))
    return np.where(liver < 0.5, 0, np.where(tumour < 0.5 * liver, 1, 2)).astype(np.int64)


def load(data_path: Path | None = None) -> Dataset:  # noqa: ARG001 - the same call for all datasets
    """Returns about 600 slices at 64 × 64 pixels, 1–6 a patient, with the contrast phase as subgroup.

    Takes a few seconds the first time on a machine; always the same. `data_path` is not used.
    """
    images, labels = _pictures()
    return Dataset(
        spec=SPEC,
        features=scale_images(shrink_images(images, ATTACK_IMAGE_SIZE // IMAGE_SIZE)[..., None]),
        labels=labels,
        groups=_population().patient,
        split=_split(),
        subgroups={"scan (phantom)": np.array(PHASES)[_population().phase]},
    )


def load_attack_records(data_path: Path | None = None) -> AttackRecords:  # noqa: ARG001
    """Returns 300 training slices at 128 × 128 pixels, uint8 (300, 128, 128, 1)."""
    drawn = np.random.default_rng(0).permutation(_split().train)[:_NUM_ATTACK_RECORDS]
    return AttackRecords(
        name=SPEC.name,
        records=_pictures()[0][np.sort(drawn)][..., None],
        may_show=True,
        source=f"{_NUM_ATTACK_RECORDS} training slices of the liver phantom, painted larger. {SPEC.source}.",
    )


def describe_copy(data_path: Path | None = None) -> str:  # noqa: ARG001
    """Returns the sentence for the app: this dataset is always there."""
    return "Liver phantom: synthetic, painted by the program, nothing to download."
