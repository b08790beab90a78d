"""Clipped gradient sums: against Opacus, in chunks, for empty batches, and bounded for every record."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import opacus
import pytest
import torch
from opacus.optimizers import DPOptimizer

from dpcore.models import build_model
from dpcore.training import ClassificationObjective, PerSampleGradients

SHAPES = {"mlp": (30,), "small_cnn": (3, 28, 28), "resnet9": (3, 28, 28), "resnet9_group_norm": (3, 28, 28)}
EVEN = ClassificationObjective(class_weights=torch.tensor([1.0, 1.0]))


@pytest.fixture
def double_precision() -> Iterator[None]:
    """In single precision another order of summation can flip the winner of a max-pool, and the gradient jumps."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def _batch(name: str, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n)
    return torch.randn(n, *SHAPES[name], generator=generator), torch.randint(0, 2, (n,), generator=generator)


def _opacus_sum(
    name: str, records: torch.Tensor, labels: torch.Tensor, max_grad_norm: float
) -> dict[str, torch.Tensor]:
    model = opacus.GradSampleModule(build_model(name, SHAPES[name], seed=3), loss_reduction="sum")
    optimizer = DPOptimizer(
        torch.optim.SGD(model.parameters(), lr=1.0),
        noise_multiplier=0.0,
        max_grad_norm=max_grad_norm,
        expected_batch_size=1,
        loss_reduction="sum",
    )
    torch.nn.functional.cross_entropy(model(records), labels, reduction="sum").backward()
    optimizer.clip_and_accumulate()
    return {key.removeprefix("_module."): p.summed_grad for key, p in model.named_parameters()}


@pytest.mark.filterwarnings("ignore")  # Opacus warns of its own non-full backward hooks.
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("max_grad_norm", [0.05, 1.0, 1e3])
@pytest.mark.usefixtures("double_precision")
def test_same_clipped_sum_as_opacus(name: str, max_grad_norm: float) -> None:
    records, labels = _batch(name, 37)
    gradients = PerSampleGradients(build_model(name, SHAPES[name], seed=3), EVEN, chunk_size=16)
    ours = gradients.clipped_sum(records, labels, max_grad_norm=max_grad_norm).gradient
    theirs = _opacus_sum(name, records, labels, max_grad_norm)
    assert ours.keys() == theirs.keys()
    difference, size = (
        torch.cat([f(key).flatten() for key in ours]).norm()
        for f in (lambda k: ours[k] - theirs[k], lambda k: theirs[k])
    )
    assert float(difference) <= 1e-5 * float(size)  # Opacus adds 1e-6 to each norm.


@pytest.mark.parametrize("chunk_size", [1, 7, 50, 64])
def test_chunks_do_not_change_the_sum(chunk_size: int) -> None:
    records, labels = _batch("small_cnn", 50)
    model = build_model("small_cnn", SHAPES["small_cnn"], seed=0)
    whole = PerSampleGradients(model, EVEN, chunk_size=50).clipped_sum(records, labels, max_grad_norm=0.7)
    parts = PerSampleGradients(model, EVEN, chunk_size=chunk_size).clipped_sum(records, labels, max_grad_norm=0.7)
    torch.testing.assert_close(parts.norms, whole.norms, rtol=1e-4, atol=1e-6)
    for key in whole.gradient:
        torch.testing.assert_close(parts.gradient[key], whole.gradient[key], rtol=1e-4, atol=1e-5)


def test_an_empty_poisson_batch_gives_a_zero_sum() -> None:
    records, labels = _batch("mlp", 0)
    gradients = PerSampleGradients(build_model("mlp", (30,), seed=0), EVEN)
    clipped = gradients.clipped_sum(records, labels, max_grad_norm=1.0)
    assert all(not g.any() for g in clipped.gradient.values())
    assert clipped.norms.shape == (0,)
    assert clipped.loss != clipped.loss  # NaN: there is no loss to report


@pytest.mark.parametrize("weights", [(1.0, 4.0), (9.0, 1.0)])
@pytest.mark.parametrize("max_grad_norm", [0.1, 2.0])
def test_no_record_moves_the_sum_by_more_than_the_clipping_norm(
    weights: tuple[float, float], max_grad_norm: float
) -> None:
    records, labels = _batch("small_cnn", 20)
    model = build_model("small_cnn", SHAPES["small_cnn"], seed=1)
    gradients = PerSampleGradients(model, ClassificationObjective(class_weights=torch.tensor(weights)))
    largest = 0.0
    for record, label in zip(records, labels, strict=True):
        alone = gradients.clipped_sum(record[None] * 10, label[None], max_grad_norm=max_grad_norm).gradient
        norm = float(torch.cat([g.flatten() for g in alone.values()]).norm())
        assert norm <= max_grad_norm * (1 + 1e-5)
        largest = max(largest, norm)
    assert largest > 0.9 * max_grad_norm  # The bound is reached: weighting does not waste the noise.


# VmHWM: ru_maxrss would carry over the peak of the process that started this one.
_PEAK = r"""
import re, sys, torch
from dpcore.models import build_model
from dpcore.training import PerSampleGradients, make_objective
torch.set_num_threads(1)
objective = make_objective(num_classes=2, is_segmentation=False, positive_weight=1.0)
gradients = PerSampleGradients(build_model("resnet9", (3, 28, 28), seed=0), objective)
records, labels = torch.zeros(int(sys.argv[1]), 3, 28, 28), torch.zeros(int(sys.argv[1]), dtype=torch.long)
gradients.clipped_sum(records, labels, max_grad_norm=1.0)
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) * 1024)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_logical_batch_of_2048_fits_in_one_gib() -> None:
    def peak(records: int) -> int:
        command = [sys.executable, "-W", "ignore", "-c", _PEAK, str(records)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert peak(2048) < 2**30
