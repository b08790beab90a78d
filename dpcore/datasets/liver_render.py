"""Paints liver phantoms: organ after organ, each over the ones before, then the scanner's noise and the grey window.

Shapes: n slices of s × s pixels; a field is (n, s, s). Directions as on a radiologist's screen: front up, the
patient's right, where the liver is, on the left.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets._textures import look_up
from dpcore.datasets.liver_anatomy import MAX_TUMOURS, NUM_LOOPS, Numbers, Scans

#: float32, (n, s, s). numpy's type stubs lose track of float32 where numbers join in.
Field = NDArray[Any]

SIZE = 128
#: Hounsfield units shown as black and as white, as for the real livers.
_WINDOW = (-100.0, 240.0)
_AIR, _LUNG, _FAT, _MUSCLE, _BONE, _MARROW = -1000.0, -850.0, -100.0, 55.0, 420.0, 190.0
#: Body, spinous process and both transverse processes of a vertebra: ellipses u, v and radii.
_VERTEBRA = ((0.0, 0.60, 0.20, 0.20), (0.0, 0.98, 0.04, 0.17), (-0.17, 0.82, 0.13, 0.04), (0.17, 0.82, 0.13, 0.04))
_PIXEL = 2 / SIZE
_CHUNK = 16


def render(scans: Scans) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Returns the slices, uint8 (n, 128, 128), and how much of each pixel is liver and tumour, (n, 128, 128, 2)."""
    n = len(scans.patient)
    images = np.empty((n, SIZE, SIZE), dtype=np.uint8)
    shares = np.empty((n, SIZE, SIZE, 2), dtype=np.float32)
    for start in range(0, n, _CHUNK):
        indices = np.arange(start, min(start + _CHUNK, n))
        slices = scans.take(indices)
        canvas = _Canvas(slices)
        _paint_body(canvas)
        _paint_gut(canvas)
        _paint_liver(canvas)
        _paint_neighbours(canvas)
        images[indices] = _scan(canvas.density, slices)
        shares[indices] = np.stack([canvas.liver, canvas.tumour], axis=-1)
    return images, shares


def _wide(column: Numbers) -> Field:
    """Shapes a column (n,) to meet fields (n, s, s)."""
    return column[:, None, None].astype(np.float32)


def _present(level: Numbers, start: float, end: float) -> Numbers:
    """Profile of an organ that is cut from level `start` to `end`: 1 in its middle, 0 beyond its ends."""
    middle, half = (start + end) / 2, (end - start) / 2
    return np.sqrt(np.maximum(1 - ((level - middle) / half) ** 2, 0)).astype(np.float32)


def _roundness(u: Field, v: Field) -> Field:
    """1 on a unit circle that is a little square, as bodies are."""
    return (np.abs(u) ** np.float32(2.4) + np.abs(v) ** np.float32(2.4)) ** np.float32(1 / 2.4)


def _length(u: Field, v: Field) -> Field:
    return np.sqrt(u * u + v * v)  # np.hypot takes five times as long


class _Canvas:
    """Densities painted so far, and how much of each pixel still shows liver and tumour."""

    def __init__(self, scans: Scans) -> None:
        self.scans = scans
        axis = (np.arange(SIZE, dtype=np.float32) + 0.5) * np.float32(_PIXEL) - 1
        dx, dy = axis[None, None, :] - _wide(scans.centre_x), axis[None, :, None] - _wide(scans.centre_y)
        cos, sin = _wide(np.cos(scans.tilt)), _wide(np.sin(scans.tilt))
        self.x, self.y = cos * dx + sin * dy, cos * dy - sin * dx
        wall = scans.fat + scans.muscle
        self.half_u, self.half_v = scans.width - wall, scans.height - wall
        self.u, self.v = self.x / _wide(self.half_u), self.y / _wide(self.half_v)
        #: One pixel in units of the cavity.
        self.pixel = _wide(_PIXEL / np.sqrt(self.half_u * self.half_v))
        self.density = np.full(self.u.shape, _AIR, dtype=np.float32)
        self.liver = np.zeros_like(self.density)
        self.tumour = np.zeros_like(self.density)
        #: 0 in the middle of the cavity, 1 on its wall.
        self.depth = _roundness(self.u, self.v)
        # No organ is an ellipse: the plane they are drawn on is bent a little.
        self.u = self.u + np.float32(0.04) * self.clouds(0.7, layer=0)
        self.v = self.v + np.float32(0.04) * self.clouds(0.7, layer=1)

    def clouds(self, frequency: float, *, layer: int, rows: NDArray[np.int64] | slice = slice(None)) -> Field:
        """Noise that belongs to the patient and changes slowly from slice to slice."""
        place = self.scans.place[rows] + 7.3 * layer
        u, v = self.x[rows] + _wide(place), self.y[rows] + _wide(place + 0.7 * self.scans.level[rows])
        return look_up("cloud", u, v, frequency, _PIXEL)

    def ellipse(self, u: Numbers | float, v: Numbers | float, radius_u: Numbers, radius_v: Numbers) -> Field:
        """Distance from an ellipse in cavity units: below 0 inside, infinite where a radius is 0."""
        distance = np.full(self.u.shape, np.inf, dtype=np.float32)
        rows = np.flatnonzero((radius_u > 0) & (radius_v > 0))
        centre_u, centre_v = (_wide(np.broadcast_to(c, self.scans.level.shape)[rows]) for c in (u, v))
        a, b = _wide(radius_u[rows]), _wide(radius_v[rows])
        reach = _length((self.u[rows] - centre_u) / a, (self.v[rows] - centre_v) / b)
        distance[rows] = (reach - 1) * np.minimum(a, b)
        return distance

    def cover(self, distance: Field, softness: Field | float = 0.0) -> Field:
        """Share of each pixel inside; thick slices blur every border over about 1.5 pixels."""
        return np.clip(0.5 - distance / (1.5 * self.pixel + softness), 0, 1)

    def paint(self, cover: Field, density: Field | float) -> None:
        """Lays an organ over what is there."""
        self.density += cover * (density - self.density)
        self.liver *= 1 - cover
        self.tumour *= 1 - cover


def _paint_body(canvas: _Canvas) -> None:
    scans = canvas.scans
    _paint_couch(canvas)
    _paint_wall(canvas)
    canvas.paint(canvas.cover(canvas.depth - 1), _FAT + 12 * canvas.clouds(3.0, layer=2))
    lungs = canvas.cover(canvas.depth - 0.97)
    # What the diaphragm's two domes and the heart leave of the chest is lung; further down nothing is left.
    reach = (0.42 + 1.9 * scans.level).astype(np.float32)
    for side in (-0.45, 0.45):
        lungs = lungs * (1 - canvas.cover(canvas.ellipse(side, 0.0, reach * 0.75, reach)))
    middle = np.full_like(reach, 0.30)
    lungs = lungs * (1 - canvas.cover(canvas.ellipse(0.0, 0.05, middle, 2.2 * middle)))
    canvas.paint(lungs, _LUNG + 60 * canvas.clouds(2.0, layer=3))
    heart = _present(scans.level, -0.25, 0.22)
    canvas.paint(canvas.cover(canvas.ellipse(0.14, -0.38, 0.42 * heart, 0.36 * heart)), _wide(scans.blood_hu) - 8)


def _paint_couch(canvas: _Canvas) -> None:
    """The curved board that the patient lies on."""
    bottom = _wide(canvas.scans.height) + 0.04
    board = np.abs(_length(canvas.x, canvas.y - bottom + 1.7) - 1.7) - 0.014
    ends = np.clip((0.75 - np.abs(canvas.x)) / _PIXEL, 0, 1) * (canvas.y > 0)
    canvas.paint(np.clip(0.5 - board / _PIXEL, 0, 1) * ends, 200.0)


def _paint_wall(canvas: _Canvas) -> None:
    """Skin and fat, muscle, and ribs cut across."""
    scans = canvas.scans
    radius = _roundness(canvas.x / _wide(scans.width), canvas.y / _wide(scans.height))
    scale = _wide(np.sqrt(scans.width * scans.height))
    canvas.paint(np.clip(0.5 - (radius - 1) * scale / (1.5 * _PIXEL), 0, 1), _FAT)
    skin = np.abs((radius - 1) * scale + 1.2 * _PIXEL)
    canvas.paint(np.clip(1.2 - skin / _PIXEL, 0, 1), -30.0)
    thickness = _wide(scans.muscle / np.sqrt(canvas.half_u * canvas.half_v))
    canvas.paint(canvas.cover(canvas.depth - 1 - thickness), _MUSCLE + 6 * canvas.clouds(4.0, layer=4))
    angle = np.arctan2(canvas.v, canvas.u)
    wave = np.cos(11 * angle + 9 * _wide(scans.level) + _wide(scans.rib_phase))
    # Below the rib cage the front has no ribs.
    front = np.clip(4 * (_wide(scans.level) - 0.45), 0, 1) * np.clip(-2 * canvas.v + 0.3, 0, 1)
    rib = _length((canvas.depth - 1 - 0.4 * thickness) / 0.045, np.maximum(0, 0.80 + 0.5 * front - wave) / 0.22)
    canvas.paint(np.clip(2.5 * (1 - rib), 0, 1), _MARROW + 130)


def _paint_liver(canvas: _Canvas) -> None:
    scans = canvas.scans
    outline = _liver_outline(canvas)
    cover = canvas.cover(outline)
    canvas.paint(cover, _wide(scans.liver_hu) + 3 * canvas.clouds(2.0, layer=7))
    canvas.liver = cover.copy()
    _paint_liver_vessels(canvas, outline)
    cyst = canvas.ellipse(-0.55, 0.25, scans.cyst_radius, scans.cyst_radius * 0.9)
    canvas.density += cover * canvas.cover(cyst) * (8 - canvas.density)
    for index in range(MAX_TUMOURS):
        _paint_tumour(canvas, cover, index)


def _right_lobe(scans: Scans) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Centre (u, v) and radii of the right lobe; towards its lower tip it lies at the side."""
    profile = _present(scans.level, -0.28, 1.05)
    u = -0.42 - 0.36 * np.maximum(scans.level - 0.45, 0)
    v = -0.05 + 0.06 * scans.level
    return u, v, 0.53 * profile * scans.liver_width, 0.80 * profile * scans.liver_height


def _liver_outline(canvas: _Canvas) -> Field:
    """Distance from the liver's border: two lobes melted together, with an uneven border, inside the cavity."""
    scans = canvas.scans
    right = canvas.ellipse(*_right_lobe(scans))
    lobe = _present(scans.level, 0.0, 0.72) * scans.left_lobe
    left = canvas.ellipse(0.02, -0.46, 0.55 * lobe, 0.30 * lobe)
    # A soft minimum melts the lobes.
    both = -np.logaddexp(-14 * right, -14 * left) / 14
    uneven = both + _wide(scans.border) * (canvas.clouds(1.0, layer=5) + 0.5 * canvas.clouds(2.5, layer=6))
    return np.maximum(uneven, canvas.depth - 0.96)


def _paint_liver_vessels(canvas: _Canvas, outline: Field) -> None:
    """Winding veins, brighter than the liver with contrast medium and darker without."""
    scans = canvas.scans
    place = _wide(scans.place + 3.0 * scans.level)
    veins = look_up("vessels", canvas.u + place, canvas.v + place, 1.3, _PIXEL)
    inside = np.clip(-outline / 0.12, 0, 1) * canvas.liver
    canvas.density += inside * np.clip(1.4 * veins, 0, 1) * (0.7 * (_wide(scans.blood_hu) - canvas.density))


def _paint_tumour(canvas: _Canvas, liver: Field, index: int) -> None:
    scans = canvas.scans
    rows = np.flatnonzero(scans.tumour_radius[:, index])
    lobe_u, lobe_v, reach_u, reach_v = _right_lobe(scans)
    u, v = lobe_u + scans.tumour_u[:, index] * reach_u, lobe_v + scans.tumour_v[:, index] * reach_v
    size, stretch = scans.tumour_radius[:, index], scans.tumour_stretch[:, index]
    distance = canvas.ellipse(u, v, size * stretch, size / stretch)[rows]
    radius, liver, pixel = _wide(size[rows]), liver[rows], canvas.pixel[rows]
    distance += 0.22 * radius * canvas.clouds(2.0, layer=8 + index, rows=rows)
    soft = np.clip(0.5 - distance / (1.5 * pixel + _wide(scans.tumour_softness[rows, index]) * radius), 0, 1)
    texture = 1 + 0.25 * canvas.clouds(3.5, layer=12 + index, rows=rows)
    rim = np.exp(-((distance / (0.15 * radius + pixel)) ** 2)) * _wide(scans.tumour_rim[rows, index])
    canvas.density[rows] += liver * (soft * _wide(scans.tumour_contrast[rows, index]) * texture + rim)
    canvas.tumour[rows] = np.maximum(canvas.tumour[rows], liver * (distance < 0))


def _paint_neighbours(canvas: _Canvas) -> None:
    """What lies beside the liver, over it where they touch."""
    scans = canvas.scans
    spleen = _present(scans.level, 0.08, 0.80)
    u, v = 0.66 + 0.6 * scans.organ_shift[:, 0], 0.18 + scans.organ_shift[:, 1]
    hull = canvas.ellipse(u, v, 0.30 * spleen, 0.52 * spleen)
    hollow = canvas.ellipse(u - 0.30, v - 0.10, 0.22 * spleen, 0.40 * spleen)
    inside = np.maximum(np.maximum(hull, -hollow), canvas.depth - 0.96)
    canvas.paint(canvas.cover(inside), _wide(scans.spleen_hu))
    bladder = _present(scans.level, 0.42, 0.80) * scans.gallbladder
    canvas.paint(canvas.cover(canvas.ellipse(-0.22, -0.34, bladder, 1.25 * bladder)), 10.0)
    _paint_kidneys(canvas)
    _paint_spine(canvas)


def _paint_kidneys(canvas: _Canvas) -> None:
    """Each in its fat, with fat in its hollow towards the spine."""
    size = _present(canvas.scans.level, 0.48, 1.3)
    for u, v in ((-0.42, 0.52), (0.44, 0.46)):
        canvas.paint(canvas.cover(canvas.ellipse(u, v, 0.18 * size, 0.24 * size)), _FAT)
        canvas.paint(canvas.cover(canvas.ellipse(u, v, 0.155 * size, 0.21 * size)), _wide(canvas.scans.kidney_hu))
        canvas.paint(canvas.cover(canvas.ellipse(0.85 * u, v - 0.02, 0.07 * size, 0.07 * size)), _FAT + 40)


def _paint_gut(canvas: _Canvas) -> None:
    """Stomach with an air bubble in front, and loops of bowel in the lower slices."""
    scans = canvas.scans
    stomach = _present(scans.level, 0.05, 0.85)
    u, v = 0.46 + scans.organ_shift[:, 2], -0.30 + scans.organ_shift[:, 3]
    sack = canvas.ellipse(u, v, 0.33 * stomach, 0.30 * stomach)
    canvas.paint(canvas.cover(sack), 60.0)
    canvas.paint(canvas.cover(sack + 0.05), _wide(scans.stomach_hu) + 10 * canvas.clouds(4.0, layer=16))
    canvas.paint(canvas.cover(np.maximum(sack + 0.05, canvas.v - _wide(v) + 0.12)), -900.0)
    for index in range(NUM_LOOPS):
        loop_u, loop_v, radius, content = scans.loops[:, index].T
        radius = radius * _present(scans.level, 0.45, 1.6)
        loop = canvas.ellipse(loop_u, loop_v, radius * 1.2, radius)
        canvas.paint(canvas.cover(loop), 65.0)
        canvas.paint(canvas.cover(loop + 0.035), _wide(content))


def _paint_spine(canvas: _Canvas) -> None:
    ones = np.ones_like(canvas.scans.level)
    blood = _wide(canvas.scans.blood_hu)
    for side in (-1, 1):
        canvas.paint(canvas.cover(canvas.ellipse(0.27 * side, 0.84, 0.24 * ones, 0.17 * ones)), _MUSCLE)
    canvas.paint(canvas.cover(canvas.ellipse(0.10, 0.36, 0.075 * ones, 0.095 * ones)), blood + 10)
    canvas.paint(canvas.cover(canvas.ellipse(-0.14, 0.30, 0.09 * ones, 0.085 * ones)), blood - 10)
    for u, v, a, b in _VERTEBRA:
        canvas.paint(canvas.cover(canvas.ellipse(u, v, a * ones, b * ones)), _BONE)
    canvas.paint(canvas.cover(canvas.ellipse(0.0, 0.60, 0.165 * ones, 0.16 * ones)), _MARROW)
    canvas.paint(canvas.cover(canvas.ellipse(0.0, 0.83, 0.075 * ones, 0.075 * ones)), 30.0)


def _scan(density: Field, scans: Scans) -> NDArray[np.uint8]:
    """Adds the scanner's noise, a little blurred as reconstruction does, and shows the window as grey levels."""
    noise = np.stack(
        [np.random.default_rng(int(seed)).standard_normal((SIZE, SIZE), dtype=np.float32) for seed in scans.seed]
    )
    noise = (noise + 0.5 * np.roll(noise, 1, axis=1) + 0.5 * np.roll(noise, 1, axis=2)) / np.float32(np.sqrt(1.5))
    low, high = _WINDOW
    shade = (density + _wide(scans.noise) * noise - low) / (high - low)
    return np.rint(np.clip(shade, 0, 1) * 255).astype(np.uint8)
