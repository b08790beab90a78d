"""Views of records: mirrored pictures, and their outlines with them."""

from __future__ import annotations

import torch
from torch import Tensor


def make_views(
    records: Tensor, labels: Tensor, *, multiplicity: int, flips: bool, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Returns (n · multiplicity, …) views, a record's side by side, and their labels.

    Args:
        records: (n, channels, h, w); others are not mirrored.
        labels: (n,), or outlines (n, h, w), which are mirrored with their picture.
        multiplicity: views of each record.
        flips: whether a view is mirrored left to right, and top to bottom, each with probability ½.
        generator: of the draws, on the CPU.
    """
    views, of_views = (t.repeat_interleave(multiplicity, dim=0) if multiplicity > 1 else t for t in (records, labels))
    if not flips or views.dim() != 4:
        return views, of_views
    for axis in (-1, -2):
        flipped = (torch.rand(len(views), generator=generator) < 0.5).to(views.device)
        views = torch.where(flipped[:, None, None, None], views.flip(axis), views)
        if of_views.dim() == 3:
            of_views = torch.where(flipped[:, None, None], of_views.flip(axis), of_views)
    return views, of_views
