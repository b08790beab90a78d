"""Which pictures may stand beside a dataset's attack: its own, a phantom's, or those that come with scikit-image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dpcore import datasets
from dpcore.attacks.batch import get_brightness_from_pictures
from dpcore.attacks.gallery import stand_in_pictures
from dpcore.attacks.live import resize
from dpcore.datasets.spec import AttackRecords
from dpcore.errors import InvalidValue

#: Real datasets whose kind of picture a phantom has; beside the others stand pictures that scikit-image ships.
PHANTOM_STAND_INS = {"msd_liver": "liver_phantom"}
#: Pictures attacked while someone waits.
LIVE_PICTURES = 16
#: Share of the side that is left of a picture whose middle is enlarged.
_MIDDLE = 0.75


@dataclass(frozen=True, kw_only=True)
class ShownPictures:
    """Pictures that may be shown to anyone: never a real patient's from the dataset itself."""

    #: uint8 (n, side, side, channels).
    records: NDArray[np.uint8]
    #: What they are, for the caption.
    source: str
    #: Whether they stand in for a dataset whose images may not be shown.
    stand_in: bool
    #: Whether a program painted them.
    synthetic: bool
    #: Mean and spread of the brightness of other pictures of the kind; None where there are none.
    typical_brightness: tuple[float, float] | None = None


def shown_pictures(dataset: str, *, load: Callable[[str], AttackRecords] | None = None) -> ShownPictures:
    """Returns the pictures to attack and show beside a dataset of images.

    Args:
        dataset: registry name.
        load: in place of `datasets.load_attack_records`; one that remembers pictures saves painting them again.

    Raises:
        InvalidValue: for an unknown dataset, or one of tables.
    """
    spec = datasets.spec(dataset)
    if spec.kind != "image":
        raise InvalidValue(f"dataset must be one of images, but is {dataset!r}.")
    phantom = dataset if spec.images_may_ship else PHANTOM_STAND_INS.get(dataset)
    if phantom is None:
        stand_ins = stand_in_pictures()
        return ShownPictures(records=stand_ins.records, source=stand_ins.source, stand_in=True, synthetic=False)
    attacked = (load or datasets.load_attack_records)(phantom)
    stands_in = phantom != dataset
    before = "standing in for scans of patients, the best five of these: " if stands_in else ""
    records = attacked.records.astype(np.uint8, copy=False)
    return ShownPictures(records=records, source=before + attacked.source, stand_in=stands_in, synthetic=True)


def live_pictures(dataset: str) -> ShownPictures:
    """Returns 16 of those pictures to attack while someone waits; to the few from scikit-image come their middles.

    Errors as `shown_pictures`.
    """
    shown = shown_pictures(dataset)
    if len(shown.records) >= LIVE_PICTURES:
        source = "the first 16 pictures that are painted for the attack, synthetic: nobody's body"
        others = shown.records[LIVE_PICTURES:]
        known = get_brightness_from_pictures(others) if len(others) > 1 else None
        return replace(shown, records=shown.records[:LIVE_PICTURES], source=source, typical_brightness=known)
    side = shown.records.shape[1]
    edge = round(side * (1 - _MIDDLE) / 2)
    # Mirror images would be as bright as their originals, which no batch attack by brightness can tell apart.
    middles = resize(shown.records[:, edge : side - edge, edge : side - edge], side)
    return replace(
        shown,
        records=np.concatenate([shown.records, middles])[:LIVE_PICTURES],
        source="eight pictures that come with scikit-image (retina, colon tissue, a cell), and their middles enlarged",
    )
