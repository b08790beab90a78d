"""Checking a user's model: what is named, what is replaced, and that the foreseen way of gradients is the taken one."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from opacus.validators import ModuleValidator
from torch import Tensor, nn

from dpcore.errors import InvalidValue
from dpcore.models import build_model
from dpcore.training import PerSampleGradients, make_objective
from dpcore.training.validator import ModelReport, check_model

EVEN = make_objective(num_classes=2, is_segmentation=False, positive_weight=1.0)


class _Picture(nn.Module):
    """A convolution, a normalisation and a head, for pictures with one channel."""

    def __init__(self, norm: nn.Module, *, channels: int = 32, **settings: object) -> None:
        super().__init__()
        self.layer1 = nn.ModuleDict({"conv": nn.Conv2d(1, channels, 3, padding=1), "bn": norm})
        self.second = nn.Conv2d(channels, 8, 3, **settings)  # type: ignore[arg-type]
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, 1, h, w) to logits."""
        x = self.layer1["bn"](self.layer1["conv"](x)).relu()
        return self.head(self.second(x).mean(dim=(2, 3)))


class _Series(nn.Module):
    """A recurrent layer and a head, for series of five numbers."""

    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.memory = kind(5, 8, batch_first=True)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (n, length, 5) to logits."""
        return self.head(self.memory(x)[0][:, -1])


class _OwnBatchNorm(nn.BatchNorm2d):
    """Opacus looks for the very classes of torch."""


def _takes_layers(report: ModelReport, shape: tuple[int, ...]) -> bool | None:
    gradients = PerSampleGradients(report.fixed, EVEN)
    clipped = gradients.clipped_sum(torch.randn(3, *shape), torch.tensor([0, 1, 1]), max_grad_norm=1.0)
    assert torch.isfinite(clipped.norms).all()
    return gradients.is_layerwise


def _mixes_records(model: nn.Module) -> bool:
    records = torch.randn(4, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    together, alone = model(records), torch.cat([model(r[None]) for r in records])
    return not torch.allclose(together, alone, atol=1e-5)


def test_a_shipped_model_has_no_problem() -> None:
    report = check_model(build_model("resnet9", (3, 28, 28), seed=0))
    assert (report.problems, report.fixes, report.without_rule) == ((), (), ())
    assert report.is_layerwise
    assert "in one backward pass" in report.gradients


def test_batch_norm_is_explained_and_replaced_in_a_copy() -> None:
    model = _Picture(nn.BatchNorm2d(32))
    before = copy.deepcopy(model.state_dict())
    report = check_model(model)
    assert report.problems[0].startswith("`layer1.bn` (BatchNorm2d) mixes records")
    assert report.fixes == (
        "BatchNorm2d(32) → GroupNorm(32, 32) at `layer1.bn`; its scale, shift and statistics start anew.",
    )
    assert isinstance(model.layer1["bn"], nn.BatchNorm2d)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert report.fixed.second.weight is not model.second.weight
    assert torch.equal(report.fixed.second.weight, model.second.weight)
    assert _mixes_records(model)
    assert not _mixes_records(report.fixed)
    assert ModuleValidator.is_valid(report.fixed)
    assert check_model(report.fixed).problems == ()
    assert _takes_layers(report, (1, 6, 6)) is report.is_layerwise is True


def _frozen() -> nn.Module:
    return nn.BatchNorm2d(12).requires_grad_(False)


HIDDEN: dict[str, Callable[[], nn.Module]] = {
    "without scale": lambda: nn.BatchNorm2d(12, affine=False),
    "frozen": _frozen,
    "subclass": lambda: _OwnBatchNorm(12),
}


@pytest.mark.parametrize("make", HIDDEN.values(), ids=HIDDEN)
def test_batch_norm_that_opacus_passes_over_is_found(make: Callable[[], nn.Module]) -> None:
    model = _Picture(make(), channels=12)
    assert ModuleValidator.is_valid(model)  # If this fails, Opacus has learnt it.
    assert _mixes_records(model)
    report = check_model(model)
    assert "mixes records" in report.problems[0]
    assert "GroupNorm(4, 12) at `layer1.bn`" in report.fixes[0]
    assert not _mixes_records(report.fixed)


@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm_forgets_its_running_statistics(affine: bool) -> None:
    model = _Picture(nn.InstanceNorm2d(32, affine=affine, track_running_stats=True))
    report = check_model(model)
    assert "keeps running statistics" in report.problems[0]
    assert report.fixes == ("InstanceNorm2d(32) → InstanceNorm2d(32) at `layer1.bn`; without running statistics.",)
    assert dict(report.fixed.named_buffers()) == {}
    report.fixed(torch.randn(4, 1, 6, 6) + 5)
    assert dict(report.fixed.named_buffers()) == {}
    assert model.layer1["bn"].running_mean is not None


@pytest.mark.parametrize(("kind", "dp"), [(nn.LSTM, "DPLSTM"), (nn.GRU, "DPGRU")])
def test_recurrent_layers_are_replaced_with_their_weights(kind: type[nn.Module], dp: str) -> None:
    model = _Series(kind)
    report = check_model(model)
    assert "closed operation" in report.problems[0]
    assert report.fixes == (f"{kind.__name__}(5, 8) → {dp} at `memory`; with the same weights.",)
    series = torch.randn(3, 4, 5)
    torch.testing.assert_close(report.fixed(series), model(series))
    assert _takes_layers(report, (4, 5)) is report.is_layerwise


def test_the_model_itself_may_be_the_problem() -> None:
    report = check_model(nn.BatchNorm1d(6))
    assert isinstance(report.fixed, nn.GroupNorm)
    assert report.problems[0].startswith("The model itself (BatchNorm1d) mixes")


def test_evaluation_mode_is_named_and_ended_in_the_copy() -> None:
    model = _Picture(nn.GroupNorm(4, 32)).eval()
    report = check_model(model)
    assert "evaluation mode" in report.problems[0]
    assert report.fixed.training
    assert not model.training


@pytest.mark.parametrize(
    ("model", "culprit"),
    [
        (_Picture(nn.GroupNorm(4, 32)), None),
        (_Picture(nn.GroupNorm(4, 32), groups=2), "`second` (Conv2d)"),
        (_Picture(nn.GroupNorm(4, 32), padding="same"), "`second` (Conv2d)"),
        (_Picture(nn.InstanceNorm2d(32, affine=True)), "`layer1.bn` (InstanceNorm2d)"),
        (_Picture(nn.GroupNorm(4, 32), padding=1, padding_mode="reflect"), None),
    ],
    ids=["rules", "groups", "padding by name", "instance norm", "padded by reflection"],
)
def test_the_foreseen_way_is_the_one_taken(model: nn.Module, culprit: str | None) -> None:
    report = check_model(model)
    assert report.without_rule == ((f"{culprit} has no rule.",) if culprit else ())
    assert _takes_layers(report, (1, 6, 6)) is report.is_layerwise
    assert ("general" in report.gradients) is bool(culprit)


def test_the_random_numbers_of_the_caller_stay() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    check_model(nn.Sequential(nn.BatchNorm1d(4)))
    assert torch.equal(torch.get_rng_state(), before)


class _NoCopy(nn.Linear):
    def __deepcopy__(self, memo: object) -> None:
        raise RuntimeError("no")


_SHARED = nn.BatchNorm2d(3)
BAD = {
    "a text": ("resnet", "but is str"),
    "a class": (nn.Linear, "but is type"),
    "no parameters": (nn.Sequential(nn.ReLU()), "but has none"),
    "all frozen": (nn.Linear(2, 2).requires_grad_(False), "but has none"),
    "lazy": (nn.LazyLinear(2), "lazy layers"),
    "shared": (nn.Sequential(nn.Conv2d(3, 3, 1), _SHARED, _SHARED), "each BatchNorm2d once, but `1` and `2` are one"),
    "no copy": (nn.Sequential(_NoCopy(2, 2)), "raises RuntimeError"),
}


@pytest.mark.parametrize(("module", "words"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(module: nn.Module, words: str) -> None:
    with pytest.raises(InvalidValue, match=words) as caught:
        check_model(module)
    assert str(caught.value).startswith("module must ")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)
