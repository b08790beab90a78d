"""Images as the models want them, and image files as strangers left them."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dpcore.errors import DataUnavailable

#: Images above this size are not unpacked; the originals of HAM10000 have 270,000 pixels.
MAX_PIXELS = 50_000_000


def scale_images(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Returns images (n, h, w, c) as (n, c, h, w) from −1 to 1, without looking at the data."""
    scaled = np.ascontiguousarray(images.transpose(0, 3, 1, 2), dtype=np.float32)
    scaled /= np.float32(127.5)
    scaled -= np.float32(1)
    return scaled


def shrink_images(images: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Returns images (n, h, w) as (n, h / factor, w / factor): every pixel the rounded mean of the box it covers."""
    return np.rint(box_means(images, factor)).astype(np.uint8)


def shrink_masks(masks: NDArray[np.bool_], factor: int) -> NDArray[np.bool_]:
    """Returns masks (n, h, w) as (n, h / factor, w / factor): what at least half of the box says."""
    return box_means(masks, factor) >= 0.5


def box_means(stack: NDArray[Any], factor: int) -> NDArray[np.float32]:
    n, height, width = stack.shape
    boxes = stack.reshape(n, height // factor, factor, width // factor, factor)
    return boxes.mean(axis=(2, 4), dtype=np.float32)


def read_image(path: Path, *, size: int, crop: bool) -> NDArray[np.uint8]:
    """Returns the picture as uint8 (size, size, 3): its central square if `crop`, else all of it, squashed.

    Every pixel is the mean of the box it covers. Raises DataUnavailable for a file that is no readable JPEG or PNG.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=("JPEG", "PNG")) as picture:
                if picture.width * picture.height > MAX_PIXELS:
                    raise ValueError("too many pixels")
                picture.draft("RGB", (2 * size, 2 * size))  # lets the JPEG decoder skip detail that is averaged anyway
                box = _central_square(picture.width, picture.height) if crop else None
                small = picture.convert("RGB").resize((size, size), Image.Resampling.BOX, box=box)
                return np.asarray(small, dtype=np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataUnavailable(
            f"{path.name} must be a readable JPEG or PNG image of at most {MAX_PIXELS:,} pixels, "
            "but is damaged, larger or of another kind."
        ) from error


def _central_square(width: int, height: int) -> tuple[float, float, float, float]:
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, left + side, top + side
