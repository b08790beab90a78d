"""Who and what the liver phantom shows: invented patients, their livers and tumours, and how each was scanned.

Only numbers are drawn here; `liver_render` paints them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Numbers = NDArray[np.float32]

NUM_PATIENTS = 150
#: Shares of patients with 1, 2, … 6 slices, four on average.
_SLICE_SHARES = (0.05, 0.10, 0.20, 0.25, 0.25, 0.15)
#: Shares of patients with 0, 1, … 4 tumours; a slice meets at most three of them.
_TUMOUR_SHARES = (0.15, 0.20, 0.22, 0.22, 0.21)
MAX_TUMOURS = 4
MAX_TUMOURS_IN_SLICE = 3
NUM_LOOPS = 9
PHASES = ("without contrast medium", "with contrast medium")
_ENHANCED_SHARE = 0.75


@dataclass(frozen=True, kw_only=True)
class Scans:
    """One CT slice per entry; every field has n entries. Lengths in half image widths, densities in Hounsfield units.

    Organs are placed in units of the abdominal cavity's half axes, u to the patient's left and v to the back.
    """

    patient: NDArray[np.int64]
    phase: NDArray[np.int64]
    #: 0 at the dome of the liver, 1 at its lower tip.
    level: Numbers
    # The body.
    width: Numbers
    height: Numbers
    fat: Numbers
    muscle: Numbers
    tilt: Numbers
    centre_x: Numbers
    centre_y: Numbers
    place: Numbers
    rib_phase: Numbers
    # The organs.
    liver_width: Numbers
    liver_height: Numbers
    left_lobe: Numbers
    border: Numbers
    gallbladder: Numbers
    organ_shift: Numbers  # (n, 4): spleen u, v and stomach u, v
    loops: Numbers  # (n, NUM_LOOPS, 4): u, v, radius, content in HU
    # Densities.
    liver_hu: Numbers
    spleen_hu: Numbers
    blood_hu: Numbers
    kidney_hu: Numbers
    stomach_hu: Numbers
    # Tumours, (n, MAX_TUMOURS) each; radius 0 where the slice misses it.
    tumour_u: Numbers
    tumour_v: Numbers
    tumour_radius: Numbers
    tumour_stretch: Numbers
    tumour_contrast: Numbers
    tumour_rim: Numbers
    tumour_softness: Numbers
    cyst_radius: Numbers
    # The scanner.
    noise: Numbers
    seed: NDArray[np.int64]

    def take(self, indices: NDArray[np.int64]) -> Scans:
        """Returns the chosen slices."""
        return Scans(**{field.name: getattr(self, field.name)[indices] for field in fields(self)})


def draw_scans(*, seed: int) -> Scans:
    """Returns about 600 slices of 150 invented patients, always the same for a seed."""
    rng = np.random.default_rng(seed)
    counts = rng.choice(np.arange(1, 7), size=NUM_PATIENTS, p=_SLICE_SHARES)
    of_patient = _draw_body(rng) | _draw_organs(rng) | _draw_densities(rng) | _draw_tumours(rng)
    patient = np.repeat(np.arange(NUM_PATIENTS), counts)
    columns: dict[str, NDArray[Any]] = {name: values[patient] for name, values in of_patient.items()}
    columns["patient"] = patient
    columns["level"] = _draw_levels(rng, counts)
    columns["seed"] = rng.integers(0, 2**62, len(patient))
    columns["tumour_radius"] = _cut_tumours(columns.pop("tumour_size"), columns.pop("tumour_level"), columns["level"])
    whole = {"patient", "phase", "seed"}
    typed: dict[str, Any] = {
        name: values.astype(np.int64 if name in whole else np.float32) for name, values in columns.items()
    }
    return Scans(**typed)


def _draw_levels(rng: Generator, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Spreads the slices of a patient over the liver."""
    levels = [(np.arange(count) + rng.uniform(0.1, 0.9, count)) / count for count in counts]
    return 0.03 + 0.92 * np.concatenate(levels)


def _cut_tumours(size: NDArray[Any], height: NDArray[Any], level: NDArray[Any]) -> NDArray[np.float64]:
    """Radius in the slice of round tumours (n, MAX_TUMOURS), 0 where missed; keeps the three largest."""
    # Half a liver is about as high as the cavity is wide to one side: one unit of level is 1.6 of radius.
    distance = 1.6 * np.abs(level[:, None] - height)
    radius = np.sqrt(np.maximum(size**2 - distance**2, 0))
    radius[radius < 0.03] = 0
    smallest = np.sort(radius, axis=1)[:, -MAX_TUMOURS_IN_SLICE]
    return np.where(radius >= smallest[:, None], radius, 0)


def _draw_body(rng: Generator) -> dict[str, NDArray[Any]]:
    n = NUM_PATIENTS
    width = np.clip(rng.normal(0.84, 0.07, n), 0.66, 0.95)
    return {
        "width": width,
        "height": width * np.clip(rng.normal(0.72, 0.05, n), 0.60, 0.84),
        "fat": np.clip(rng.gamma(4.0, 0.016, n), 0.02, 0.16),
        "muscle": rng.uniform(0.035, 0.060, n),
        "tilt": rng.normal(0, 0.045, n),
        "centre_x": rng.normal(0, 0.03, n),
        "centre_y": rng.normal(0, 0.04, n),
        "place": rng.uniform(100, 1000, n),
        "rib_phase": rng.uniform(0, 2 * np.pi, n),
        "noise": rng.uniform(7, 19, n),
    }


def _draw_organs(rng: Generator) -> dict[str, NDArray[Any]]:
    n = NUM_PATIENTS
    loops = np.stack(
        [
            rng.uniform(-0.25, 0.75, (n, NUM_LOOPS)),
            rng.uniform(-0.70, 0.10, (n, NUM_LOOPS)),
            rng.uniform(0.07, 0.16, (n, NUM_LOOPS)),
            rng.choice([-900.0, 15.0, 45.0, 260.0], (n, NUM_LOOPS), p=[0.2, 0.35, 0.3, 0.15]),
        ],
        axis=-1,
    )
    return {
        "liver_width": rng.lognormal(0, 0.10, n),
        "liver_height": rng.lognormal(0, 0.08, n),
        "left_lobe": rng.lognormal(0, 0.18, n),
        "border": rng.uniform(0.03, 0.09, n),
        "gallbladder": np.where(rng.random(n) < 0.75, rng.uniform(0.08, 0.16, n), 0),
        "organ_shift": rng.normal(0, 0.06, (n, 4)),
        "loops": loops,
        "cyst_radius": np.where(rng.random(n) < 0.2, rng.uniform(0.04, 0.10, n), 0),
    }


def _draw_densities(rng: Generator) -> dict[str, NDArray[Any]]:
    n = NUM_PATIENTS
    enhanced = rng.random(n) < _ENHANCED_SHARE
    fatty = np.maximum(0, rng.normal(-0.5, 1, n)) * 18  # some livers store fat and turn darker
    return {
        "phase": enhanced,
        "liver_hu": np.where(enhanced, rng.normal(108, 13, n), rng.normal(58, 6, n)) - fatty,
        "spleen_hu": np.where(enhanced, rng.normal(118, 13, n), rng.normal(50, 4, n)),
        "blood_hu": np.where(enhanced, rng.normal(160, 22, n), rng.normal(42, 4, n)),
        "kidney_hu": np.where(enhanced, rng.normal(175, 20, n), rng.normal(34, 4, n)),
        "stomach_hu": rng.choice([10.0, 35.0, 60.0, 280.0], n, p=[0.3, 0.3, 0.25, 0.15]),
    }


def _draw_tumours(rng: Generator) -> dict[str, NDArray[Any]]:
    shape = (NUM_PATIENTS, MAX_TUMOURS)
    number = rng.choice(len(_TUMOUR_SHARES), size=NUM_PATIENTS, p=_TUMOUR_SHARES)
    angle, reach = rng.uniform(0, 2 * np.pi, shape), 0.85 * np.sqrt(rng.random(shape))
    size = np.clip(rng.lognormal(np.log(0.19), 0.40, shape), 0.08, 0.42)
    size[np.arange(MAX_TUMOURS) >= number[:, None]] = 0
    bright = rng.random(shape) < 0.08
    return {
        "tumour_size": size,
        "tumour_level": rng.uniform(0.1, 0.85, shape),
        "tumour_u": reach * np.cos(angle),
        "tumour_v": reach * np.sin(angle),
        "tumour_stretch": rng.lognormal(0, 0.15, shape),
        "tumour_contrast": np.where(bright, rng.uniform(15, 40, shape), -rng.gamma(5.0, 10.0, shape) - 12),
        "tumour_rim": np.where(rng.random(shape) < 0.25, rng.uniform(10, 35, shape), 0),
        "tumour_softness": rng.uniform(0.1, 0.45, shape),
    }
