"""Seamless random textures that the skin phantom is painted with.

Each texture is a square tile that repeats in both directions, so any point of the plane can be looked up. Tiles are
made once a process and blurred to the size of the pixels that look at them, as a camera would.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log2

import numpy as np
from numpy.typing import NDArray

_SIDE = 1024
#: Cells along one side of the mesh tile.
_MESH_CELLS = 64
#: Longest waves along one side of the cloud tile.
_CLOUD_WAVES = 12

Field = NDArray[np.float32]


def look_up(name: str, u: Field, v: Field, frequency: float, pixel: float) -> Field:
    """Returns the texture "cloud", "mesh" or "vessels" at points (u, v), as seen through pixels of that width.

    Clouds are smooth noise of mean 0 and standard deviation 1. A mesh is a honeycomb: near 1 on the cords, 0 in the
    holes. Vessels are winding lines: near 1 on them, 0 between. `frequency`: longest waves or cells a unit length.
    """
    _, cells = _TEXTURES[name]
    scale = frequency * _SIDE / cells
    blur = 0.5 * pixel * scale
    tile = _blurred(name, round(2 * log2(blur)) if blur > 1 else None)
    column = (u * np.float32(scale)).astype(np.int32) & (_SIDE - 1)
    row = (v * np.float32(scale)).astype(np.int32) & (_SIDE - 1)
    return tile[row, column]


@cache
def _blurred(name: str, half_octaves: int | None) -> Field:
    tile = _TEXTURES[name][0]()
    if half_octaves is None:
        return tile
    sigma = 2 ** (half_octaves / 2)
    return _filtered(tile, lambda radius: np.exp(-2 * (np.pi * sigma / _SIDE * radius) ** 2))


def _filtered(tile: Field, amplitude: Callable[[Field], Field]) -> Field:
    """Scales the tile's waves; `amplitude` gets their numbers per tile side."""
    radius = np.hypot(np.fft.rfftfreq(_SIDE, d=1 / _SIDE), np.fft.fftfreq(_SIDE, d=1 / _SIDE)[:, None])
    spectrum = np.fft.rfft2(tile) * amplitude(radius.astype(np.float32))
    return np.fft.irfft2(spectrum, s=tile.shape).astype(np.float32)


def _noise(seed: int, falloff: float) -> Field:
    """Noise of mean 0 and standard deviation 1 whose amplitude falls as wave number to the power −falloff."""
    white = np.random.default_rng(seed).standard_normal((_SIDE, _SIDE), dtype=np.float32)
    longest = _CLOUD_WAVES / 2
    tile = _filtered(white, lambda radius: np.where(radius < longest, 0, np.maximum(radius, longest) ** -falloff))
    return (tile - tile.mean()) / tile.std()


@cache
def _cloud() -> Field:
    """Lumpy noise with fine detail."""
    return _noise(1, 1.8)


@cache
def _mesh() -> Field:
    """Distance between the nearest and second nearest of scattered points: small on the cords between them."""
    offsets = np.random.default_rng(2).uniform(0.05, 0.95, (_MESH_CELLS, _MESH_CELLS, 2)).astype(np.float32)
    place = (np.arange(_SIDE, dtype=np.float32) + 0.5) * np.float32(_MESH_CELLS / _SIDE)
    cell = place.astype(int)
    nearest = np.full((_SIDE, _SIDE), np.inf, dtype=np.float32)
    second = nearest.copy()
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            rows, columns = (cell + row)[:, None], (cell + column)[None, :]
            point = offsets[rows % _MESH_CELLS, columns % _MESH_CELLS]
            distance = np.hypot(point[..., 0] + (columns - place[None, :]), point[..., 1] + (rows - place[:, None]))
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    return np.exp(-(((second - nearest) / np.float32(0.28)) ** 2)).astype(np.float32)


@cache
def _vessels() -> Field:
    """Lines along which a cloud crosses 0, kept where another one is high."""
    present = np.clip(_noise(3, 3.0), 0, 1)
    return np.exp(-((_noise(4, 2.6) / 0.06) ** 2)) * present


_TEXTURES: dict[str, tuple[Callable[[], Field], int]] = {
    "cloud": (_cloud, _CLOUD_WAVES),
    "mesh": (_mesh, _MESH_CELLS),
    "vessels": (_vessels, _CLOUD_WAVES),
}
