"""What a client sees in a model it was sent: planted layers are named, the project's own models are not."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from dpcore.attacks.networks.client_check import check_architecture
from dpcore.attacks.networks.imprint import ImprintModel
from dpcore.errors import InvalidValue
from dpcore.models import build_model

SHAPE = (3, 28, 28)
VALUES = math.prod(SHAPE)


def _example(shape: tuple[int, ...] = SHAPE, seed: int = 0) -> torch.Tensor:
    return torch.rand((1, *shape), generator=torch.Generator().manual_seed(seed))


def _imprint(seed: int = 0) -> ImprintModel:
    return ImprintModel(build_model("small_cnn", SHAPE, seed=seed), record_shape=SHAPE, seed=seed)


def _rules(model: nn.Module, **options: float) -> dict[str, float]:
    return {finding.rule: finding.value for finding in check_architecture(model, _example(), **options)}


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("mlp", (30,)),
        ("small_cnn", (1, 28, 28)),
        ("small_cnn", (3, 28, 28)),
        ("resnet9", (3, 28, 28)),
        ("wrn40_4", (3, 16, 16)),
        ("small_unet", (1, 64, 64)),
    ],
)
def test_own_models_are_not_suspected(name: str, shape: tuple[int, ...]) -> None:
    for seed in range(1 if name == "wrn40_4" else 3):
        model = build_model(name, shape, seed=seed)
        assert check_architecture(model, _example(shape, seed), label=seed % 2, batch_size=64) == []


def test_imprint_layers_are_found_by_what_they_do() -> None:
    findings = check_architecture(_imprint(), _example(), batch_size=1)
    assert {f.rule for f in findings} == {"bottleneck", "repeated rows", "gradient share", "batch of one"}
    assert {f.layer for f in findings if f.rule == "repeated rows"} == {"to_bins", "to_values"}
    (bottleneck,) = (f for f in findings if f.rule == "bottleneck")
    assert (bottleneck.layer, bottleneck.value) == ("to_bins", 10)
    assert all(f.sentence.endswith(".") for f in findings)


def test_gradient_share_is_that_of_a_backward_pass() -> None:
    model = _imprint()
    nn.functional.cross_entropy(model(_example()), torch.tensor([1])).backward()
    squared = {name: float(p.grad.double().square().sum()) for name, p in model.named_parameters()}
    expected = (squared["to_bins.weight"] + squared["to_bins.bias"]) / sum(squared.values())
    found = {f.rule: f.value for f in check_architecture(model, _example(), label=1)}
    assert found["gradient share"] == pytest.approx(expected, rel=1e-6)


def test_thresholds_of_a_batch_attack_are_counted() -> None:
    model = _imprint()
    with torch.no_grad():
        model.to_bins.weight.fill_(1e-9 / VALUES)
        model.to_bins.bias.copy_(-1e-9 * torch.linspace(0.1, 0.9, 10))
    assert _rules(model)["thresholds"] == 10
    with torch.no_grad():
        model.to_bins.bias.fill_(1e-9)
    assert "thresholds" not in _rules(model)


def test_convolution_over_the_whole_picture_is_no_disguise() -> None:
    whole = nn.Conv2d(3, 10, 28)
    back = nn.ConvTranspose2d(10, 3, 28)
    model = nn.Sequential(whole, nn.ReLU(), back, build_model("small_cnn", SHAPE, seed=0))
    assert _rules(model)["bottleneck"] == 10


def test_layer_split_in_two_is_counted_together() -> None:
    class Split(Evasive):
        """Two layers side by side, each with about half of the share that is asked about."""

        def __init__(self) -> None:
            super().__init__(scale=30, units=1400)
            whole, self.to_bins = self.to_bins, nn.Identity()
            self.one, self.other = nn.Linear(VALUES, 700), nn.Linear(VALUES, 700)
            with torch.no_grad():
                for half, part in ((self.one, slice(700)), (self.other, slice(700, None))):
                    half.weight.copy_(whole.weight[part])
                    half.bias.copy_(whole.bias[part])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            units = torch.cat([self.one(x.flatten(1)), self.other(x.flatten(1))], dim=1)
            return self.network(x + self.to_values(units).view_as(x))

    (finding,) = check_architecture(Split(), _example())
    assert (finding.rule, finding.layer) == ("gradient share", "one, other")
    assert finding.value > 0.9


def test_model_is_left_as_it_was() -> None:
    model = _imprint().eval()
    before = {name: p.clone() for name, p in model.named_parameters()}
    check_architecture(model, _example())
    assert not model.training
    assert all(torch.equal(p, before[name]) and p.grad is None for name, p in model.named_parameters())
    assert not any(m._forward_hooks for m in model.modules())


class Evasive(nn.Module):
    """An imprint layer that knows the rules: wide, with random weights; `scale` sets its share of the gradient."""

    def __init__(self, *, scale: float, units: int = 400) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.to_bins, self.to_values = nn.Linear(VALUES, units), nn.Linear(units, VALUES)
        self.network = build_model("small_cnn", SHAPE, seed=0)
        with torch.no_grad():
            # Small outputs, so that hardly any of the gradient goes to the second layer.
            self.to_bins.weight.mul_(1e-4)
            self.to_bins.bias.mul_(1e-4)
            self.to_values.weight.mul_(scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x + self.to_values(self.to_bins(x.flatten(1))).view_as(x))


def _strength(model: Evasive) -> tuple[float, float]:
    """The planted layer's share of the squared gradient norm, and the correlation of record and noiseless reading."""
    record = _example()
    named = dict(model.named_parameters())
    loss = nn.functional.cross_entropy(model(record), torch.tensor([0]))
    gradient = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))
    squared = {name: float(g.double().square().sum()) for name, g in gradient.items()}
    share = (squared["to_bins.weight"] + squared["to_bins.bias"]) / sum(squared.values())
    rebuilt = gradient["to_bins.bias"] @ gradient["to_bins.weight"] / gradient["to_bins.bias"].square().sum()
    return share, float(torch.corrcoef(torch.stack([rebuilt, record.flatten()]))[0, 1])


def test_layer_that_knows_the_rules_is_missed_and_pays_little_for_it() -> None:
    """The check's limit, in figures: below the share in question the record is still read off exactly."""
    bold, careful = Evasive(scale=30), Evasive(scale=2)
    assert set(_rules(bold)) == {"gradient share"}
    assert _rules(careful) == {}
    (bold_share, bold_reading), (share, reading) = _strength(bold), _strength(careful)
    assert min(bold_reading, reading) > 0.999
    assert 0.80 < share < 0.90 < 0.99 < bold_share
    # What noise meets is √share of the clipping norm.
    assert 0.90 < math.sqrt(share / bold_share) < 0.95
    assert set(_rules(careful, largest_share=0.5)) == {"gradient share"}


@pytest.mark.parametrize("batch_size", [-1, 0, 1.5])
def test_bad_batch_size_is_one_sentence(batch_size: float) -> None:
    with pytest.raises(InvalidValue, match=r"^batch_size must be a whole number of at least 1, but is .+\.$"):
        check_architecture(_imprint(), _example(), batch_size=batch_size)  # type: ignore[arg-type]


def test_bad_example_is_one_sentence() -> None:
    with pytest.raises(InvalidValue, match=r"^example must hold one record"):
        check_architecture(_imprint(), torch.rand(2, *SHAPE))
    with pytest.raises(InvalidValue, match=r"^largest_share must be .+ below 1"):
        check_architecture(_imprint(), _example(), largest_share=1.0)
