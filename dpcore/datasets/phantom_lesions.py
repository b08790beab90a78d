"""Who and what the skin phantom shows: invented patients, their lesion, and how each photograph was taken.

Only numbers are drawn here; `phantom_render` paints them. Every trait overlaps between malignant and benign lesions, so
that no single one decides.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Column = NDArray[np.float32]

#: Shares of 1, 2, … 5 photographs of a patient's lesion.
_VIEW_SHARES = (0.45, 0.25, 0.15, 0.10, 0.05)
#: Phantom skin tones, their shares, and their melanin density.
TONES = ("light", "medium", "dark")
_TONE_SHARES = (0.60, 0.28, 0.12)
_TONE_MELANIN = (0.09, 0.38, 0.85)
PREVALENCE = 0.195
#: Share of lesions whose recorded diagnosis is wrong, as happens with real ones.
LABEL_NOISE = 0.03
#: By how many standard deviations each trait of a malignant lesion is shifted.
_SHIFTS = {"asymmetry": 1.3, "irregularity": 1.3, "variegation": 1.5, "size": 1.05, "darkness": 0.85, "veil": 1.2}
MAX_HAIRS = 14


@dataclass(frozen=True, kw_only=True)
class Lesions:
    """One photograph per entry; every field has n entries. Lengths are in half image widths."""

    patient: NDArray[np.int64]
    label: NDArray[np.int64]
    tone: NDArray[np.int64]
    # The skin.
    skin_melanin: Column
    skin_blood: Column
    vessels: Column
    # The lesion.
    radius: Column
    elongation: Column
    asymmetry: Column
    irregularity: Column
    border_softness: Column
    melanin: Column
    core: Column
    blood: Column
    variegation: Column
    veil: Column
    regression: Column
    network: Column
    globules: Column
    texture_u: Column
    texture_v: Column
    # The photograph.
    rotation: Column
    zoom: Column
    centre_x: Column
    centre_y: Column
    light_x: Column
    light_y: Column
    vignette: Column
    tube_radius: Column
    exposure: Column
    warmth: Column
    tint: Column
    blur: Column
    num_hairs: Column
    hair_melanin: Column
    hair_width: Column
    hair_seed: NDArray[np.int64]

    def take(self, indices: NDArray[np.int64]) -> Lesions:
        """Returns the chosen photographs."""
        return Lesions(**{field.name: getattr(self, field.name)[indices] for field in fields(self)})


def draw_lesions(*, num_images: int, seed: int) -> Lesions:
    """Returns `num_images` photographs of invented lesions, always the same for a seed."""
    rng = np.random.default_rng(seed)
    views = _draw_views(rng, num_images)
    malignant = _draw_malignant(rng, views)
    of_patient = _draw_skin(rng, len(views)) | _draw_lesion(rng, malignant)
    of_patient["label"] = _mislabel(rng, malignant)
    patient = np.repeat(np.arange(len(views)), views)
    columns: dict[str, NDArray[Any]] = {name: values[patient] for name, values in of_patient.items()}
    columns["patient"] = patient
    hairiness = rng.gamma(0.5, 5.0, len(views))[patient]
    columns |= _draw_view(rng, num_images, hairiness)
    shuffled = rng.permutation(num_images)
    whole = {"patient", "label", "tone", "hair_seed"}
    typed: dict[str, Any] = {
        name: values[shuffled].astype(np.int64 if name in whole else np.float32) for name, values in columns.items()
    }
    return Lesions(**typed)


def _draw_views(rng: Generator, num_images: int) -> NDArray[np.int64]:
    """Numbers of photographs per patient, adding up to num_images."""
    views = rng.choice(np.arange(1, 6), size=num_images, p=_VIEW_SHARES)
    num_patients = int(np.searchsorted(np.cumsum(views), num_images)) + 1
    views = views[:num_patients]
    views[-1] -= views.sum() - num_images
    return views


def _draw_malignant(rng: Generator, views: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Picks patients at random until their photographs make up the prevalence."""
    order = rng.permutation(len(views))
    malignant = np.zeros(len(views), dtype=bool)
    malignant[order] = np.cumsum(views[order]) <= round(PREVALENCE * views.sum())
    return malignant


def _mislabel(rng: Generator, malignant: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Swaps equally many malignant and benign labels, which keeps the prevalence."""
    label = malignant.copy()
    num_swaps = round(LABEL_NOISE * len(label) / 2)
    for kind in (True, False):
        label[rng.choice(np.flatnonzero(malignant == kind), num_swaps, replace=False)] = not kind
    return label


def _draw_skin(rng: Generator, n: int) -> dict[str, NDArray[Any]]:
    tone = rng.choice(len(TONES), size=n, p=_TONE_SHARES)
    return {
        "tone": tone,
        "skin_melanin": np.array(_TONE_MELANIN)[tone] * rng.lognormal(0, 0.20, n),
        "skin_blood": rng.lognormal(np.log(0.17), 0.45, n),
        "vessels": rng.gamma(0.5, 0.18, n),
    }


def _draw_lesion(rng: Generator, malignant: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    n = len(malignant)
    trait = {name: rng.standard_normal(n) + shift * malignant for name, shift in _SHIFTS.items()}
    positive_part = {name: np.log1p(np.exp(1.5 * values)) / 1.5 for name, values in trait.items()}
    return {
        "radius": np.clip(0.36 * np.exp(0.26 * trait["size"]), 0.16, 0.85),
        "elongation": rng.uniform(1.0, 1.35, n),
        "asymmetry": 0.30 * positive_part["asymmetry"],
        "irregularity": np.minimum(0.06 + 0.09 * positive_part["irregularity"], 0.34),
        "border_softness": rng.lognormal(np.log(0.16), 0.5, n),
        "melanin": 0.70 * np.exp(0.35 * trait["darkness"]),
        "core": rng.normal(0.15, 0.35, n),
        "blood": rng.lognormal(np.log(0.18), 0.7, n),
        "variegation": 0.45 * positive_part["variegation"],
        "veil": np.maximum(0.0, trait["veil"] - 0.8) * 0.5,
        "regression": np.maximum(0.0, rng.standard_normal(n) - 0.6) * 0.5,
        "network": np.maximum(0.0, rng.normal(0.25, 0.35, n)),
        "globules": np.maximum(0.0, rng.normal(-0.1, 0.4, n)),
        "texture_u": rng.uniform(100, 1000, n),
        "texture_v": rng.uniform(100, 1000, n),
    }


def _draw_view(rng: Generator, n: int, hairiness: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    angle, gradient = rng.uniform(0, 2 * np.pi, n), rng.gamma(2.0, 0.05, n)
    has_tube = rng.random(n) < 0.12
    return {
        "rotation": rng.uniform(0, 2 * np.pi, n),
        "zoom": rng.lognormal(0.0, 0.10, n),
        "centre_x": np.clip(rng.normal(0, 0.09, n), -0.25, 0.25),
        "centre_y": np.clip(rng.normal(0, 0.09, n), -0.25, 0.25),
        "light_x": gradient * np.cos(angle),
        "light_y": gradient * np.sin(angle),
        "vignette": rng.beta(1.5, 4.0, n) * 0.45,
        "tube_radius": np.where(has_tube, rng.uniform(1.02, 1.25, n), 9.0),
        "exposure": rng.lognormal(0.05, 0.09, n),
        "warmth": rng.normal(-0.01, 0.045, n),
        "tint": rng.normal(-0.03, 0.04, n),
        "blur": rng.gamma(2.0, 0.006, n),
        "num_hairs": np.minimum(rng.poisson(hairiness), MAX_HAIRS),
        "hair_melanin": rng.uniform(0.6, 2.2, n),
        "hair_width": rng.uniform(0.008, 0.020, n),
        "hair_seed": rng.integers(0, 2**62, n),
    }
