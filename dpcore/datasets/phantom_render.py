"""Paints skin phantoms: light passes a layer of skin, melanin and blood absorb it, a camera takes the picture.

Everything is a function of the plane, so one lesion can be painted at any number of pixels.
Shapes: n photographs of s × s pixels; a field is (n, s, s).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dpcore.datasets._textures import Field, look_up
from dpcore.datasets.phantom_lesions import MAX_HAIRS, Column, Lesions

#: Absorption of red, green and blue light, a unit of density.
_MELANIN = np.array([0.55, 1.00, 1.35], dtype=np.float32)
_BLOOD = np.array([0.18, 1.10, 0.95], dtype=np.float32)
#: Melanin deep in the skin looks blue-grey: short waves are scattered back before they reach it.
_VEIL = np.array([1.10, 0.85, 0.55], dtype=np.float32)
_WHITE = np.array([0.95, 0.86, 0.83], dtype=np.float32)
_CHUNK_PIXELS = 400_000


def render(lesions: Lesions, *, size: int) -> NDArray[np.uint8]:
    """Returns the photographs, uint8 (n, size, size, 3)."""
    n = len(lesions.patient)
    images = np.empty((n, size, size, 3), dtype=np.uint8)
    chunk = max(1, _CHUNK_PIXELS // size**2)
    for start in range(0, n, chunk):
        indices = np.arange(start, min(start + chunk, n))
        images[indices] = _render_chunk(lesions.take(indices), size)
    return images


def _render_chunk(lesions: Lesions, size: int) -> NDArray[np.uint8]:
    pixel = 2 / size
    axis = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(pixel) - 1
    x, y = axis[None, None, :], axis[None, :, None]
    u, v = _to_skin(lesions, x, y)
    melanin, blood, veil = _paint_skin(lesions, u, v, pixel)
    for total, part in zip((melanin, blood, veil), _paint_lesion(lesions, u, v, pixel), strict=True):
        total += part
    light = _light(lesions, x, y)
    hair = _hair_cover(lesions, x, y, pixel)
    shaft = hair * _wide(lesions.hair_melanin)
    melanin += shaft
    veil += 0.6 * shaft  # a shaft in focus is more neutral than pigment under the skin
    image = np.empty((len(hair), size, size, 3), dtype=np.float32)
    for channel in range(3):
        density = _MELANIN[channel] * melanin + _BLOOD[channel] * blood + _VEIL[channel] * veil
        image[..., channel] = _WHITE[channel] * np.exp(-density) * light
    return _photograph(lesions, image, pixel)


def _wide(column: Column) -> Field:
    """Shapes a column (n,) to meet fields (n, s, s)."""
    return column[:, None, None]


def _smooth_step(field: Field) -> Field:
    """0 below 0, 1 above 1, smooth between."""
    t = np.clip(field, 0, 1)
    return t * t * (3 - 2 * t)


def _to_skin(lesions: Lesions, x: Field, y: Field) -> tuple[Field, Field]:
    """Coordinates on the skin, with the lesion's centre at 0: views of one lesion share them."""
    dx, dy = (x - _wide(lesions.centre_x)) / _wide(lesions.zoom), (y - _wide(lesions.centre_y)) / _wide(lesions.zoom)
    cos, sin = _wide(np.cos(lesions.rotation)), _wide(np.sin(lesions.rotation))
    return cos * dx + sin * dy, cos * dy - sin * dx


def _clouds(lesions: Lesions, u: Field, v: Field, pixel: float, *, frequency: float, layer: int) -> Field:
    """Noise that belongs to the lesion; each layer looks at another place of the tile."""
    place_u, place_v = _wide(lesions.texture_u) + 7.3 * layer, _wide(lesions.texture_v) + 3.1 * layer
    return look_up("cloud", u + place_u, v + place_v, frequency, pixel)


def _paint_skin(lesions: Lesions, u: Field, v: Field, pixel: float) -> tuple[Field, Field, Field]:
    """Densities of melanin, blood and deep melanin of the skin around."""
    mottle = _clouds(lesions, u, v, pixel, frequency=0.8, layer=0)
    grain = _clouds(lesions, u, v, pixel, frequency=5.0, layer=1)
    place_u, place_v = _wide(lesions.texture_u), _wide(lesions.texture_v)
    furrows = look_up("mesh", u + place_u, 1.5 * v + place_v, 12.0, pixel)
    vessels = look_up("vessels", u + place_u, v + place_v, 1.0, pixel)
    melanin = _wide(lesions.skin_melanin) * (1 + 0.06 * mottle + 0.03 * grain) + 0.03 * furrows
    blood = (
        _wide(lesions.skin_blood) * np.maximum(0, 1 + 0.15 * mottle + 0.10 * grain) + _wide(lesions.vessels) * vessels
    )
    return melanin, blood, np.zeros_like(melanin)


def _outline(lesions: Lesions, u: Field, v: Field, pixel: float) -> Field:
    """Distance from the border in radii: −1 in the middle, 0 on the border, growing outside."""
    radius, amount = _wide(lesions.radius), _wide(lesions.irregularity)
    u, v, pixel = u / radius, v / radius, pixel / 0.4
    warp_u = u + amount * _clouds(lesions, u, v, pixel, frequency=0.5, layer=2)
    warp_v = v + amount * _clouds(lesions, u, v, pixel, frequency=0.5, layer=3)
    stretch, shift = _wide(np.sqrt(lesions.elongation)), _wide(lesions.asymmetry)
    main = np.hypot(warp_u / stretch + 0.3 * shift, warp_v * stretch)
    lobe = np.hypot(warp_u / stretch - 0.8 * shift, warp_v * stretch - 0.5 * shift) / np.float32(0.62)
    # A soft minimum melts the side lobe into the main body.
    distance = -np.logaddexp(-6 * main, -6 * lobe) / 6
    fray = _clouds(lesions, u, v, pixel, frequency=1.5, layer=4)
    return distance - 1 + 0.6 * amount * fray


def _paint_lesion(lesions: Lesions, u: Field, v: Field, pixel: float) -> tuple[Field, Field, Field]:
    """Densities of melanin, blood and deep melanin of the lesion."""
    outline = _outline(lesions, u, v, pixel)
    softness: Field = np.hypot(_wide(lesions.border_softness), 0.9 * pixel / _wide(lesions.radius))
    cover = _smooth_step(0.5 - outline / (3 * softness))
    depth = cover * (1 + _wide(lesions.core) * (_smooth_step(-1.2 * outline) - 0.4))
    pigment = 1 + 0.14 * _clouds(lesions, u, v, pixel, frequency=3.0, layer=5)
    pigment += _structures(lesions, u, v, pixel, outline)
    spread = _wide(lesions.variegation)
    islands = _clouds(lesions, u, v, pixel, frequency=1.6, layer=6)
    pigment *= np.exp(0.7 * spread * islands - 0.25 * spread)
    scar = _wide(lesions.regression) * _smooth_step(_clouds(lesions, u, v, pixel, frequency=1.4, layer=7) - 0.5)
    pigment *= np.exp(-2 * scar)
    patches = _clouds(lesions, u, v, pixel, frequency=1.5, layer=8)
    blood: Field = depth * _wide(lesions.blood) * np.exp(0.6 * spread * patches)
    veil: Field = depth * _wide(lesions.veil) * _smooth_step(0.5 + islands)
    melanin: Field = depth * _wide(lesions.melanin) * pigment
    return melanin, blood, veil


def _structures(lesions: Lesions, u: Field, v: Field, pixel: float, outline: Field) -> Field:
    """Pigment network towards the border, globules in the middle."""
    place_u, place_v = _wide(lesions.texture_u) + 1.7, _wide(lesions.texture_v) + 4.1
    cords = look_up("mesh", u + place_u, v + place_v, 17.0, pixel)
    network: Field = _wide(lesions.network) * (1.8 * cords - 0.6) * _smooth_step(1.4 + outline)
    holes = look_up("mesh", u + place_u, v + place_v, 10.0, pixel)
    globules: Field = _wide(lesions.globules) * 1.2 * (0.6 - holes) * _smooth_step(-1.5 * outline)
    return network + globules


def _light(lesions: Lesions, x: Field, y: Field) -> Field:
    """Uneven light, darker corners, and for some the black edge of the instrument's tube."""
    slope = 1 + _wide(lesions.light_x) * x + _wide(lesions.light_y) * y
    distance = np.hypot(x, y)
    corners = 1 - _wide(lesions.vignette) * distance**2 * 0.6
    tube = _smooth_step((_wide(lesions.tube_radius) - distance) / 0.06 + 0.5)
    return slope * corners * (0.03 + 0.97 * tube)


def _hair_cover(lesions: Lesions, x: Field, y: Field, pixel: float) -> Field:
    """How much of each pixel hairs cover: each hair is a bent line of finite length that thins towards its tip."""
    n = len(lesions.num_hairs)
    cover = np.zeros((n, y.shape[1], x.shape[2]), dtype=np.float32)
    draws = np.stack([np.random.default_rng(seed).uniform(-1, 1, (MAX_HAIRS, 5)) for seed in lesions.hair_seed])
    draws = draws.astype(np.float32)
    comb = np.pi * draws[:, :1, 0]  # hairs of one photograph grow roughly one way
    angle = comb + 0.7 * draws[..., 1]
    for hair in range(MAX_HAIRS):
        rows = np.flatnonzero(lesions.num_hairs > hair)
        if len(rows) == 0:
            break
        cos, sin = _wide(np.cos(angle[rows, hair])), _wide(np.sin(angle[rows, hair]))
        root_x, root_y, bend = (_wide(draws[rows, hair, column]) for column in (2, 3, 4))
        along = cos * (x - root_x) + sin * (y - root_y)
        slope = 0.8 * bend * along
        across = np.abs(cos * (y - root_y) - sin * (x - root_x) - 0.5 * slope * along) / np.sqrt(1 + slope**2)
        width = _wide(lesions.hair_width[rows]) * _smooth_step(2.2 - 2 * np.abs(along))
        filled = np.clip((width / 2 - across) / pixel + 0.5, 0, np.minimum(1, width / pixel))
        cover[rows] = np.maximum(cover[rows], filled)
    return cover


def _photograph(lesions: Lesions, image: NDArray[np.float32], pixel: float) -> NDArray[np.uint8]:
    """Lens blur, white balance and exposure; the result is uint8 (n, s, s, 3)."""
    image = _blur(image, lesions.blur / pixel)
    balance = np.exp(np.stack([lesions.warmth, lesions.tint, -lesions.warmth], axis=-1)) * lesions.exposure[:, None]
    image *= balance[:, None, None, :].astype(np.float32)
    # A soft shoulder keeps highlights from clipping.
    image = np.where(image > 0.8, 0.8 + 0.2 * np.tanh((image - 0.8) / 0.2), image)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _blur(image: NDArray[np.float32], sigma: Column) -> NDArray[np.float32]:
    """Gaussian blur, one width in pixels per photograph, in the frequency domain with mirrored borders."""
    size, margin = image.shape[1], 4
    padded = np.pad(image, ((0, 0), (margin, margin), (margin, margin), (0, 0)), mode="reflect")
    padded = padded.transpose(0, 3, 1, 2)
    side = size + 2 * margin
    keep = [
        np.exp(-2 * (np.pi * sigma[:, None] * waves[None, :]) ** 2).astype(np.float32)
        for waves in (np.fft.fftfreq(side), np.fft.rfftfreq(side))
    ]
    spectrum = np.fft.rfft2(padded) * keep[0][:, None, :, None] * keep[1][:, None, None, :]
    blurred = np.fft.irfft2(spectrum, s=(side, side))[..., margin:-margin, margin:-margin]
    return blurred.transpose(0, 2, 3, 1).astype(np.float32)
