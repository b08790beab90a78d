"""Where trainings run: on a GPU when there is one, with the same numbers as on a CPU to rounding."""

from __future__ import annotations

import torch

#: A GPU with so much memory takes chunks that many times as large, which it needs to be busy.
_LARGE_MEMORY, _LARGER_CHUNKS = 32 * 10**9, 8


def find_device() -> torch.device:
    """Returns the GPU when there is one, else the CPU.

    On a GPU convolutions and products are then computed in full single precision, without TF32's shorter mantissa, and
    by deterministic algorithms: a seed gives the same model on the same device.
    """
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda")


def device_name(device: torch.device) -> str:
    """Returns "cpu", or the name of the GPU as its maker gives it."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def chunk_size_on(device: torch.device, chunk_size: int) -> int:
    """Returns how many views to compute at once where `chunk_size` is right for a CPU core or a small GPU."""
    if device.type != "cuda" or torch.cuda.get_device_properties(device).total_memory < _LARGE_MEMORY:
        return chunk_size
    return _LARGER_CHUNKS * chunk_size
