"""Per-sample gradients of a whole model from one ordinary backward pass over a chunk, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from dpcore.training.group_norm_rule import relu
from dpcore.training.layer_rules import RULES
from dpcore.training.recorder import FactoredGradient, Gradient, KeptGradient, Recorder, UnsupportedLayer


class _Recording(TorchFunctionMode):
    """While active, every operation on one of `parameters` follows its rule and records."""

    def __init__(self, recorder: Recorder, parameters: set[int]) -> None:
        super().__init__()
        self._recorder, self._parameters = recorder, parameters

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.relu:
            return relu(*args, **kwargs)
        if not any(id(value) in self._parameters for value in (*args, *kwargs.values())):
            return func(*args, **kwargs)
        rule = RULES.get(func)
        if rule is None:
            raise UnsupportedLayer
        renamed = {("x" if name == "input" else name): value for name, value in kwargs.items()}
        return rule(self._recorder, *args, **renamed)


def record_gradients(
    model: nn.Module, views: Tensor, losses: Callable[[Tensor], Tensor], *, records: int
) -> tuple[dict[str, Gradient], Tensor]:
    """Returns the gradients of each record by parameter name, and the losses of the views (m,).

    Args:
        model: whose layers all have a rule.
        views: (m, …), m = records · views of each, a record's views side by side. A record's loss is their mean.
        losses: maps the model's outputs to (m,), each from its own view only.
        records: n.

    Raises:
        UnsupportedLayer: if a parameter is used by an operation without a rule.
    """
    trained = {id(p): name for name, p in model.named_parameters() if p.requires_grad}
    recorder = Recorder(records=records, views=len(views) // records, found=[])
    with _Recording(recorder, set(trained)):
        outputs = model(views)
    of_views = losses(outputs)
    (of_views.sum() / recorder.views).backward()
    found: dict[str, Gradient] = {}
    for parameter, gradient in recorder.found:
        name = trained[id(parameter)]
        found[name] = _added(found[name], gradient) if name in found else gradient
    if len(found) < len(trained):
        raise UnsupportedLayer
    return found, of_views.detach()


def _added(first: Gradient, second: Gradient) -> KeptGradient:
    """For a parameter that is used more than once."""
    kept = (g.kept() if isinstance(g, FactoredGradient) else g for g in (first, second))
    one, other = (torch.vmap(g.arrange)(g.gradient.flatten(1)) for g in kept)
    return KeptGradient(gradient=one + other, arrange=lambda s: s.view(one.shape[1:]))
