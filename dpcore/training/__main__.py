"""`python -m dpcore.training`: compiles what trainings on a CPU need and keeps it; else the first training does."""

from __future__ import annotations

import torch

from dpcore.models import build_model
from dpcore.training import PerSampleGradients, make_objective


def main() -> None:
    """Takes the gradient of one black picture, which compiles every function in single and double precision."""
    gradients = PerSampleGradients(
        build_model("small_cnn", (1, 28, 28), seed=0),
        make_objective(num_classes=2, is_segmentation=False, positive_weight=1.0),
    )
    gradients.clipped_sum(torch.zeros(1, 1, 28, 28), torch.zeros(1, dtype=torch.long), max_grad_norm=1.0)


if __name__ == "__main__":
    main()
