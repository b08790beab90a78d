"""What a server reads off the gradient it received before it optimises anything."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dpcore.errors import InvalidValue


def flat_gradient(network: nn.Module, gradient: dict[str, Tensor]) -> Tensor:
    """Returns (p,): the gradient as one vector, in the order of the network's parameters.

    Raises:
        InvalidValue: if a parameter is missing or has another shape.
    """
    return torch.cat([part.flatten() for part in _checked_gradient(network, gradient).values()]).detach()


def infer_label(network: nn.Module, gradient: dict[str, Tensor]) -> Tensor:
    """Returns (1,): one record's label, the least entry of the last bias' gradient (Zhao et al. 2020, section 3.1).

    That gradient is softmax − one-hot, negative at the true label only; noise may hide that.

    Raises:
        InvalidValue: if the last trained parameter is not a bias.
    """
    gradient = _checked_gradient(network, gradient)
    name, bias = list(gradient.items())[-1]
    if bias.ndim != 1:
        raise InvalidValue(f"label must be given for a network whose last parameter is no bias, but is None at {name}.")
    return bias.argmin().reshape(1)


def _checked_gradient(network: nn.Module, gradient: dict[str, Tensor]) -> dict[str, Tensor]:
    """In the network's order."""
    wanted = {name: p.shape for name, p in network.named_parameters() if p.requires_grad}
    for name, shape in wanted.items():
        if name not in gradient or gradient[name].shape != shape:
            found = tuple(gradient[name].shape) if name in gradient else "missing"
            raise InvalidValue(f"gradient must hold {name} of shape {tuple(shape)}, but it is {found}.")
    return {name: gradient[name] for name in wanted}
