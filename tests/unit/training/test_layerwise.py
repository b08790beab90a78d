"""Layer rules against the general way: every layer, geometry and size; strange models take the general way."""

from __future__ import annotations

import gc
import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.models import build_model
from dpcore.training import (
    ClippedSum,
    Objective,
    PerSampleGradients,
    convolution_rule,
    group_norm_rule,
    make_objective,
    recorder,
)

CLASSES = 2


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    """In single precision another order of summation can flip the winner of a max-pool, and the gradient jumps."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def _objective(*, outlines: bool = False, weight: float = 3.0) -> Objective:
    return make_objective(num_classes=CLASSES, is_segmentation=outlines, positive_weight=weight)


def _batch(shape: tuple[int, ...], n: int, *, outlines: bool = False) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    of_labels = (n, *shape[1:]) if outlines else (n,)
    return torch.randn(n, *shape, generator=generator), torch.randint(0, CLASSES, of_labels, generator=generator)


def _both_ways(model: nn.Module, objective: Objective, batch: tuple[Tensor, Tensor]) -> tuple[ClippedSum, ClippedSum]:
    layerwise, general = (PerSampleGradients(model, objective, chunk_size=5) for _ in range(2))
    general.is_layerwise = False
    sums = [way.clipped_sum(*batch, max_grad_norm=0.5) for way in (layerwise, general)]
    assert layerwise.is_layerwise
    return sums[0], sums[1]


def _assert_same(ours: ClippedSum, theirs: ClippedSum) -> None:
    torch.testing.assert_close(ours.norms, theirs.norms, rtol=1e-9, atol=1e-12)
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-12)
    assert ours.gradient.keys() == theirs.gradient.keys()
    size = math.sqrt(sum(float(g.square().sum()) for g in theirs.gradient.values()))
    for name, gradient in theirs.gradient.items():
        assert float((ours.gradient[name] - gradient).norm()) <= 1e-9 * size, name


SHIPPED = {
    "mlp": (7,),
    "small_cnn": (3, 28, 28),
    "resnet9": (1, 16, 16),
    "resnet9_group_norm": (3, 16, 16),
    "small_unet": (1, 24, 16),
    "unet": (1, 16, 16),
}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_model_is_taken_layer_by_layer(name: str) -> None:
    outlines = name.endswith("unet")
    model = build_model(name, SHIPPED[name], seed=1, num_classes=CLASSES)
    _assert_same(*_both_ways(model, _objective(outlines=outlines), _batch(SHIPPED[name], 12, outlines=outlines)))


class _Head(nn.Module):
    """A layer under test, then a mean over all positions."""

    def __init__(self, *layers: nn.Module, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(channels, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Maps records to logits."""
        return self.head(self.layers(x).flatten(2).tanh().mean(dim=2))


GEOMETRIES = {
    "plain": {"kernel_size": 3},
    "padded": {"kernel_size": 3, "padding": 1},
    "oblong": {"kernel_size": (1, 4), "padding": (0, 2)},
    "strided": {"kernel_size": 5, "stride": (2, 3), "padding": 2},
    "dilated": {"kernel_size": 3, "dilation": (2, 1), "padding": 1},
    "one pixel": {"kernel_size": 1},
    "no bias": {"kernel_size": 3, "bias": False},
}


WAYS = {"compiled": (True, 0), "written out": (False, 0), "factored": (False, 10**9)}


@pytest.fixture(params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each way a gradient is taken: compiled for the CPU, or as on a GPU with the gradients of weights kept or not."""
    is_compiled, budget = request.param
    for rule in (convolution_rule, group_norm_rule):
        monkeypatch.setattr(rule, "is_compiled", lambda _: is_compiled)
    monkeypatch.setattr(recorder, "_MULTIPLICATIONS_PER_NUMBER", budget)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_convolutions(geometry: dict[str, object]) -> None:
    convolution = nn.Conv2d(2, 3, **geometry)  # type: ignore[arg-type]
    second = nn.Conv2d(3, 4, 2)
    _assert_same(*_both_ways(_Head(convolution, second, channels=4), _objective(), _batch((2, 9, 11), 7)))


@pytest.mark.parametrize("width", [1, 7, 8, 15, 16, 17, 33])
@pytest.mark.parametrize("channels", [15, 16, 17])
def test_rows_of_weights_and_channels_that_do_not_fill_vectors(width: int, channels: int) -> None:
    model = _Head(nn.Conv2d(1, channels, (2, width), padding=(0, width // 2)), channels=channels)
    _assert_same(*_both_ways(model, _objective(), _batch((1, 12, 34), 3)))


@pytest.mark.usefixtures("way")
def test_a_whole_model_each_way() -> None:
    model = build_model("small_cnn", (3, 12, 12), seed=0)
    _assert_same(*_both_ways(model, _objective(), _batch((3, 12, 12), 9)))


def test_any_number_of_threads_gives_the_same_numbers() -> None:
    model, batch = build_model("small_cnn", (3, 12, 12), seed=0), _batch((3, 12, 12), 7)

    def with_threads(number: int) -> ClippedSum:
        before = torch.get_num_threads()
        torch.set_num_threads(number)
        try:
            return PerSampleGradients(model, _objective()).clipped_sum(*batch, max_grad_norm=0.5)
        finally:
            torch.set_num_threads(before)

    one = with_threads(1)
    for number in (2, 3, 16):
        _assert_same(with_threads(number), one)


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.usefixtures("way")
def test_group_norm_of_pictures_and_of_rows(groups: int) -> None:
    _assert_same(*_both_ways(_Head(nn.GroupNorm(groups, 4), channels=4), _objective(), _batch((4, 5, 3), 6)))
    _assert_same(*_both_ways(_Head(nn.GroupNorm(groups, 4), channels=4), _objective(), _batch((4, 8), 6)))


class _Rectified(nn.Module):
    """ReLU after GroupNorm, used in each way a model may."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.norm = kind, nn.GroupNorm(2, 4)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        if self.kind == "in place":
            F.relu(normed, inplace=True)
            return normed
        active = F.relu(normed)
        if self.kind == "norm used again":
            return active * normed
        return F.relu(-active) + F.relu(active - 0.1) + active if self.kind == "again" else active


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("kind", ["plain", "in place", "norm used again", "again"])
@pytest.mark.parametrize("shape", [(4, 5, 3), (4, 8)], ids=["pictures", "rows"])
def test_relu_after_group_norm(kind: str, shape: tuple[int, ...]) -> None:
    _assert_same(*_both_ways(_Head(_Rectified(kind), channels=4), _objective(), _batch(shape, 6)))


def test_group_norm_in_single_precision_far_from_zero() -> None:
    x, norm = torch.randn(3, 4, 5, 5) + 1e4, nn.GroupNorm(2, 4)
    exact = norm(x)
    single = (p.detach().float() for p in (x, norm.weight, norm.bias))
    ours = _group_norm(*single)
    assert (
        float((ours.detach().double() - exact.detach()).abs().max()) <= 5e-3
    )  # Of numbers as far apart as 1e4 and 1e-3.


@pytest.mark.parametrize("strange", [math.nan, math.inf])
def test_what_is_not_a_number_stays_so(strange: float) -> None:
    x = torch.randn(3, 4, 5, 5)
    x[1, 0, 0, 0] = strange
    out = F.relu(_group_norm(x, torch.ones(4), torch.zeros(4)))
    assert out[1, 0].isnan().all()
    assert out[[0, 2]].isfinite().all()


def _group_norm(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return group_norm_rule.group_norm(recorder.Recorder(records=len(x), views=1, found=[]), x, 2, weight, bias)


def test_linear_layers_with_several_positions() -> None:
    class Positions(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Linear(3, 6), nn.Linear(6, CLASSES, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.embed(x).tanh().amax(dim=1))

    _assert_same(*_both_ways(Positions(), _objective(), _batch((5, 3), 8)))


def test_a_layer_used_twice_and_a_frozen_one() -> None:
    shared = nn.Conv2d(2, 2, 3, padding=1)
    frozen = nn.Conv2d(2, 2, 1)
    frozen.requires_grad_(False)
    # Over few positions norms come from inner products, over many gradients are written out.
    model = _Head(shared, frozen, nn.Tanh(), shared, nn.AvgPool2d(3), shared, channels=2)
    ours, theirs = _both_ways(model, _objective(), _batch((2, 6, 6), 7))
    _assert_same(ours, theirs)
    assert not any(name.startswith("layers.1") for name in ours.gradient)


class _Strange(nn.Module):
    """Layers without a rule, or used in a way that hides the records."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.layer_norm, self.grouped = nn.LayerNorm(6), nn.Conv2d(2, 2, 3, groups=2, padding="same")
        self.scale, self.unused = nn.Parameter(torch.ones(6)), nn.Linear(2, 2)
        self.head = nn.Linear(72, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "layer norm":
            x = self.layer_norm(x)
        if self.kind == "grouped convolution":
            x = self.grouped(x)
        if self.kind == "bare parameter":
            x = x * self.scale
        if self.kind == "positions first":
            return F.linear(x.flatten(1).view(len(x), 1, 72).transpose(0, 1), self.head.weight)[0]
        return self.head(x.flatten(1))


@pytest.mark.parametrize("kind", ["layer norm", "grouped convolution", "bare parameter", "unused", "positions first"])
def test_other_models_take_the_general_way(kind: str) -> None:
    gradients = PerSampleGradients(_Strange(kind), _objective())
    records, labels = _batch((2, 6, 6), 4)
    clipped = gradients.clipped_sum(records, labels, max_grad_norm=0.3)
    assert gradients.is_layerwise is False
    assert float(torch.cat([g.flatten() for g in clipped.gradient.values()]).norm()) <= 4 * 0.3 * (1 + 1e-9)


def test_a_model_that_mixes_records_is_found_out() -> None:
    class Mixing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, CLASSES)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(x - 0.5 * x.mean(dim=0))

    gradients = PerSampleGradients(Mixing(), _objective())
    gradients.clipped_sum(*_batch((4,), 6), max_grad_norm=1.0)
    assert gradients.is_layerwise is False  # One record at a time, nothing is left to mix.


def test_nothing_of_a_chunk_stays_in_memory() -> None:
    gradients = PerSampleGradients(build_model("small_cnn", (3, 8, 8), seed=0), _objective(), chunk_size=4)
    batch = _batch((3, 8, 8), 16)

    def living() -> int:
        gradients.clipped_sum(*batch, max_grad_norm=1.0)
        gc.collect()
        return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())

    first = living()
    assert [living() for _ in range(3)] == [first] * 3
