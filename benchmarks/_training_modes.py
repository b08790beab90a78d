"""One training step in every mode that is compared: without DP, ours, and Opacus' four ways."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dpcore.models import build_model
from dpcore.training import Objective, PerSampleGradients, make_objective

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from opacus.grad_sample import GradSampleModule, GradSampleModuleExpandedWeights
    from opacus.grad_sample.grad_sample_module_fast_gradient_clipping import GradSampleModuleFastGradientClipping
    from opacus.optimizers import DPOptimizer
    from opacus.optimizers.optimizer_fast_gradient_clipping import DPOptimizerFastGradientClipping
    from opacus.utils.fast_gradient_clipping_utils import DPTensorFastGradientClipping

NOISE_MULTIPLIER, MAX_GRAD_NORM, LEARNING_RATE = 1.0, 1.0, 2e-3
OPACUS = ("opacus_hooks", "opacus_functorch", "opacus_ew", "opacus_ghost")
MODES = ("no_dp", "no_dp_in_chunks", "ours", *OPACUS)
_NO_DP_CHUNK = 64

Step = Callable[[], None]
#: Makes the gradients of a batch; only for comparing results.
Gradients = Callable[[], dict[str, Tensor]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model and the records it is trained on, made up at random."""

    model: str
    record_shape: tuple[int, ...]
    #: Logical batch.
    batch: int
    chunk_size: int
    device: str = "cpu"

    @property
    def outlines(self) -> bool:
        """Whether the task is to label every pixel."""
        return self.model.endswith("unet")

    def build(self) -> nn.Module:
        """Returns the model, always with the same weights."""
        return build_model(self.model, self.record_shape, seed=0).to(self.device)

    def objective(self) -> Objective:
        """Returns the loss all modes share."""
        return make_objective(num_classes=2, is_segmentation=self.outlines, positive_weight=1.0)

    def records(self, batch: int | None = None) -> tuple[Tensor, Tensor]:
        """Returns random records and labels."""
        n, generator = batch or self.batch, torch.Generator().manual_seed(1)
        pixels = self.record_shape[1:] if self.outlines else ()
        return (
            torch.randn(n, *self.record_shape, generator=generator).to(self.device),
            torch.randint(0, 2, (n, *pixels), generator=generator).to(self.device),
        )


def make_step(case: Case, mode: str) -> Step:
    """Returns a function that takes one whole training step: gradients, clipping, noise, NAdam."""
    records, labels = case.records()
    if mode == "ours":
        return _our_step(case, records, labels)
    if mode.startswith("no_dp"):
        return _plain_step(case, records, labels, _NO_DP_CHUNK if mode == "no_dp_in_chunks" else len(records))
    return _opacus_step(case, records, labels, mode, NOISE_MULTIPLIER)[0]


def _nadam(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.NAdam(model.parameters(), lr=LEARNING_RATE)


def _plain_step(case: Case, records: Tensor, labels: Tensor, chunk_size: int) -> Step:
    model, objective = case.build(), case.objective()
    optimizer = _nadam(model)

    def step() -> None:
        optimizer.zero_grad()
        for chunk, chunk_labels in zip(records.split(chunk_size), labels.split(chunk_size), strict=True):
            (objective.losses(model(chunk), chunk_labels).sum() / len(records)).backward()
        optimizer.step()

    return step


def _our_step(case: Case, records: Tensor, labels: Tensor) -> Step:
    model = case.build()
    optimizer = _nadam(model)
    gradients = PerSampleGradients(model, case.objective(), chunk_size=case.chunk_size)

    def step() -> None:
        clipped = gradients.clipped_sum(records, labels, max_grad_norm=MAX_GRAD_NORM)
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape) * NOISE_MULTIPLIER * MAX_GRAD_NORM
            parameter.grad = (clipped.gradient[name] + noise.to(case.device)) / len(records)
        optimizer.step()

    return step


def _opacus_step(
    case: Case, records: Tensor, labels: Tensor, mode: str, noise_multiplier: float
) -> tuple[Step, nn.Module]:
    objective, wrapped = case.objective(), _wrap(case.build(), mode)
    optimizer_class = DPOptimizerFastGradientClipping if mode == "opacus_ghost" else DPOptimizer
    optimizer = optimizer_class(
        _nadam(wrapped),
        noise_multiplier=noise_multiplier,
        max_grad_norm=MAX_GRAD_NORM,
        expected_batch_size=len(records),
    )

    def step() -> None:
        optimizer.zero_grad()
        losses = objective.losses(wrapped(records), labels)
        if mode == "opacus_ghost":
            DPTensorFastGradientClipping(wrapped, optimizer, losses, "mean").backward()
        else:
            losses.mean().backward()
        optimizer.step()

    return step, wrapped


def _wrap(model: nn.Module, mode: str) -> nn.Module:
    if mode == "opacus_ew":
        return GradSampleModuleExpandedWeights(model)
    if mode == "opacus_ghost":
        return GradSampleModuleFastGradientClipping(model, max_grad_norm=MAX_GRAD_NORM, use_ghost_clipping=True)
    return GradSampleModule(model, force_functorch=mode == "opacus_functorch")


def largest_difference(case: Case, mode: str, *, batch: int = 8) -> float:
    """Returns the relative difference of our clipped mean gradient from that of an Opacus mode, without noise.

    In double precision, since in single precision rounding flips the winner of a max-pool now and then.
    """
    torch.set_default_dtype(torch.float64)
    try:
        records, labels = case.records(batch)
        ours = PerSampleGradients(case.build(), case.objective()).clipped_sum(
            records, labels, max_grad_norm=MAX_GRAD_NORM
        )
        step, wrapped = _opacus_step(case, records, labels, mode, 0.0)
        step()
        theirs = {name.removeprefix("_module."): p.grad for name, p in wrapped.named_parameters()}
        one = torch.cat([ours.gradient[name].flatten() / batch for name in theirs])
        other = torch.cat([g.flatten() for g in theirs.values() if g is not None])
        return float((one - other).norm() / other.norm())
    finally:
        torch.set_default_dtype(torch.float32)
