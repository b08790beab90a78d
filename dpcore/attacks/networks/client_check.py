"""What a client can look for in a model it was sent, before any gradient leaves: traces of a planted imprint layer.

Layers are judged by what they do to one record of the client's own, never by their names. An empty list is *not* a
proof of an honest server. Not seen are:

- weights used outside a module, such as a bare parameter in `forward`;
- a first layer that keeps more than an eighth of the values, has ordinary random weights, and is only scaled so that
  it stays just below the share of the gradient that is asked about: it passes every rule at a small loss of strength,
  for what stands against the noise is √share of the clipping norm. The unit test's layer keeps a share of 0.86, thus
  93 % of its strength; a client that asks for at most 0.5 leaves 71 %;
- weights sent in a later round, and code that acts differently on other records;
- whatever needs no planted layer at all: optimisation attacks and membership inference.

Only noise with an accounted budget bounds what all of these can get. And some honest models are named too, for example
an autoencoder whose first layer is a narrow one. Shapes: d values of a record.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore._validate import open_unit, whole
from dpcore.errors import InvalidValue

Rule = Literal["bottleneck", "repeated rows", "thresholds", "gradient share", "batch of one"]

#: A first layer is narrow if it leaves fewer than one in so many of the record's values.
_NARROWING = 8
#: Rows count as the same if the sine of their angle is smaller: far more than rounding, far less than chance.
_SAME_DIRECTION = 1e-3
#: Shorter rows may point the same way by chance.
_MIN_ROW_LENGTH = 8
_MIN_THRESHOLDS = 3
#: Keeps the comparison of all rows with all rows small in memory.
_ROWS_AT_ONCE = 256
LARGEST_SHARE = 0.9


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing about a model that a server planting an imprint layer would do."""

    rule: Rule
    #: Name of the module, "" for the training as a whole.
    layer: str
    #: What was counted or measured, in the unit that the sentence names.
    value: float
    #: For a reader who knows no machine learning.
    sentence: str


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """A layer with weights, as one record met it."""

    name: str
    module: nn.Module
    #: Values of the record on the way in and out.
    values_in: int
    values_out: int

    @property
    def rows(self) -> Tensor:
        """(units, values a unit looks at)."""
        return _weight(self.module).detach().flatten(1).double()


def _weight(module: nn.Module) -> Tensor:
    weight = getattr(module, "weight", None)
    return weight if isinstance(weight, Tensor) else torch.empty(0)


def check_architecture(
    model: nn.Module,
    example: Tensor,
    *,
    label: int = 0,
    batch_size: int | None = None,
    largest_share: float = LARGEST_SHARE,
) -> list[Finding]:
    """Returns what speaks for planted imprint layers; empty = none of the five rules applies, which proves nothing.

    - bottleneck: a layer squeezes the whole record into few values and the next blows it up again (Fowl et al. 2022).
    - repeated rows: units whose weights are 0, all equal, or those of another unit up to a factor.
    - thresholds: units that see the whole record and differ by their bias only, as a batch attack needs them.
    - gradient share: layers that see the whole record, or any one layer, own nearly all of a record's squared gradient
      norm, so that clipping leaves them whole.
    - batch of one: nothing hides the record among others (Boenisch et al. 2023).

    Args:
        model: as received; its weights and mode stay as they are.
        example: (1, *shape), one real record, or one like it.
        label: its class; for outlines that of every pixel.
        batch_size: asked for by the server, if known.
        largest_share: of the squared gradient norm that is still no finding, above 0 and below 1.

    Raises:
        InvalidValue: if an argument breaks its rule.
    """
    largest_share = open_unit(largest_share=largest_share)
    if example.ndim < 2 or len(example) != 1:
        raise InvalidValue(f"example must hold one record, shape (1, …), but has shape {tuple(example.shape)}.")
    layers = _layers(model, example)
    shares = _gradient_shares(model, example, whole(0, label=label))
    findings = [*_bottlenecks(layers, example[0].numel()), *_repeated(layers), *_thresholds(layers, example[0].numel())]
    findings += _dominant(layers, shares, values=example[0].numel(), largest_share=largest_share)
    if batch_size is not None and whole(batch_size=batch_size) == 1:
        sentence = "The server asks for the gradient of one patient at a time, so nothing hides it among others."
        findings.append(Finding(rule="batch of one", layer="", value=1.0, sentence=sentence))
    return findings


def _layers(model: nn.Module, example: Tensor) -> list[_Layer]:
    """Layers with a weight matrix or kernel, in the order in which the record meets them."""
    met: list[_Layer] = []

    def look(name: str, module: nn.Module) -> torch.utils.hooks.RemovableHandle:
        def note(_module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            met.append(_Layer(name=name, module=module, values_in=inputs[0][0].numel(), values_out=output[0].numel()))

        return module.register_forward_hook(note)

    hooks = [look(n, m) for n, m in model.named_modules() if _weight(m).ndim >= 2]
    try:
        with torch.no_grad():
            model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return met


def _gradient_shares(model: nn.Module, example: Tensor, label: int) -> dict[str, float]:
    """Shares of the record's squared gradient norm by module name, adding up to 1."""
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    outputs = model(example)
    labels = torch.full((1, *outputs.shape[2:]), label)
    loss = F.cross_entropy(outputs, labels)
    gradient = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    squared: dict[str, float] = {}
    for name, part in zip(named, gradient, strict=True):
        owner = name.rpartition(".")[0]
        squared[owner] = squared.get(owner, 0.0) + (0.0 if part is None else float(part.double().square().sum()))
    total = sum(squared.values())
    return {name: value / total for name, value in squared.items()} if total > 0 else dict.fromkeys(squared, 0.0)


def _bottlenecks(layers: list[_Layer], values: int) -> list[Finding]:
    return [
        Finding(
            rule="bottleneck",
            layer=first.name,
            value=float(first.values_out),
            sentence=f"The layer {first.name} squeezes all {values} values of a record into {first.values_out}, and "
            f"the next makes {values} of them again: useless for a diagnosis, useful for copying the record.",
        )
        for first, second in pairwise(layers)
        if first.values_in == values == second.values_out and first.values_out * _NARROWING <= values
    ]


def _same_direction(rows: Tensor) -> Tensor:
    """(units,): whether a row is 0, constant, or parallel to another row."""
    directions = F.normalize(rows, dim=1, eps=1e-300)
    same = (directions - directions.mean(dim=1, keepdim=True)).norm(dim=1) < _SAME_DIRECTION  # 0 and constant
    others = (~same).nonzero().squeeze(1)
    for part in others.split(_ROWS_AT_ONCE):
        squared_cosines = (directions[part] @ directions[others].T).square()
        # Each row is parallel to itself.
        same[part] = (squared_cosines > 1 - _SAME_DIRECTION**2).sum(dim=1) > 1
    return same


def _repeated(layers: list[_Layer]) -> list[Finding]:
    findings = []
    for layer in layers:
        rows = layer.rows
        count = int(_same_direction(rows).sum()) if rows.shape[1] >= _MIN_ROW_LENGTH else 0
        if count > 1:
            sentence = (
                f"{count} of {len(rows)} units of the layer {layer.name} have weights that are zero, all equal or "
                "copied from another unit; training starts from random ones."
            )
            findings.append(Finding(rule="repeated rows", layer=layer.name, value=float(count), sentence=sentence))
    return findings


def _thresholds(layers: list[_Layer], values: int) -> list[Finding]:
    findings = []
    for layer in layers:
        bias = getattr(layer.module, "bias", None)
        if layer.values_in != values or layer.rows.shape[1] != values or not isinstance(bias, Tensor):
            continue
        sizes = layer.rows.norm(dim=1)
        chosen = _same_direction(layer.rows) & (sizes > 0)
        levels = (bias.detach().double()[chosen] / sizes[chosen]).float().unique()
        if len(levels) >= _MIN_THRESHOLDS:
            sentence = (
                f"Units of the layer {layer.name} look at a record in the same way and differ by {len(levels)} "
                "thresholds only, which sorts the patients of a batch apart."
            )
            findings.append(Finding(rule="thresholds", layer=layer.name, value=float(len(levels)), sentence=sentence))
    return findings


def _dominant(layers: list[_Layer], shares: dict[str, float], *, values: int, largest_share: float) -> list[Finding]:
    """One group for all layers of which every unit sees the whole record, so that splitting such a layer is no help."""
    whole_view = {layer.name for layer in layers if layer.values_in == values == layer.rows.shape[1]}
    groups = {", ".join(sorted(whole_view)): sum(shares.get(name, 0.0) for name in whole_view)} if whole_view else {}
    groups.update({name: share for name, share in shares.items() if name not in whole_view})
    return [
        Finding(
            rule="gradient share",
            layer=name,
            value=share,
            sentence=f"{share:.0%} of what one record would send (its squared gradient norm) lies in {name}, "
            f"above {largest_share:.0%}: clipping then hardly weakens that part.",
        )
        for name, share in groups.items()
        if share > largest_share
    ]
