"""Whether a model of your own may be trained with DP, and what must be replaced first.

Opacus' ModuleValidator knows the layers that mix records or that it cannot follow; here its findings become sentences
with the layer's name, and its replacements are made on a copy. Beyond Opacus 1.6, which passes over layers without
trained parameters, BatchNorm without scale and shift, frozen or in a subclass is found too, and InstanceNorm really
forgets its running statistics.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from opacus.validators import ModuleValidator
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.parameter import UninitializedParameter

from dpcore.errors import InvalidValue

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
_OPACUS_COPIES = (nn.LSTM, nn.GRU, nn.MultiheadAttention)


@dataclass(frozen=True, kw_only=True)
class ModelReport:
    """What stands between a model and DP-SGD, and a copy without it."""

    #: One sentence each; empty if the model may be trained as it is.
    problems: tuple[str, ...]
    #: What was replaced in the copy, one sentence each.
    fixes: tuple[str, ...]
    #: The model's copy with the fixes, in training mode.
    fixed: nn.Module
    #: Layers of `fixed` without a rule for per-sample gradients, one sentence each.
    without_rule: tuple[str, ...]

    @property
    def is_layerwise(self) -> bool:
        """Whether one backward pass gives all gradients; else the general way, `torch.func`, is taken: slower.

        Foreseen from the layers; `PerSampleGradients` compares both ways on its first batch and has the last word.
        """
        return not self.without_rule

    @property
    def gradients(self) -> str:
        """One sentence on how per-sample gradients will be computed."""
        if self.is_layerwise:
            return "Per-sample gradients are computed layer by layer, in one backward pass."
        return "Per-sample gradients take the general, slower way, because not every layer has a rule."


def check_model(module: nn.Module) -> ModelReport:
    """Returns what Opacus and we find wrong with a model, and a fixed copy; the model itself is not changed.

    A model may still mix records in code of its own, such as a mean over the batch: no list of layers can show that.

    Raises:
        InvalidValue: for anything but a module, a module that cannot be copied or has no trained parameters, whose
            shapes are not known yet, or in which one layer to replace is used under several names.
    """
    _check_input(module)
    fixed = _copy(module)
    problems, fixes = [], []
    if not module.training:
        problems.append("The model is in evaluation mode, in which dropout and normalisation do not train.")
        fixes.append("Put into training mode.")
    for name, layer in list(fixed.named_modules()):
        problem = _problem(layer)
        if problem:
            problems.append(f"{_shown(name)} {problem}")
            replacement = _replacement(layer)
            fixed = _replace(fixed, name, replacement)
            fixes.append(f"{_brief(layer)} → {_brief(replacement)} at {_shown(name)}{_loss_of(layer)}.")
    fixed.train()
    # Whatever later versions of Opacus find.
    problems += [f"Opacus: {str(error).split('. ')[0].strip('.')}." for error in ModuleValidator.validate(fixed)]
    return ModelReport(
        problems=tuple(problems), fixes=tuple(fixes), fixed=fixed, without_rule=tuple(_without_rule(fixed))
    )


def _check_input(module: object) -> None:
    if not isinstance(module, nn.Module):
        raise InvalidValue(f"module must be a torch.nn.Module, but is {type(module).__name__}.")
    if any(isinstance(p, UninitializedParameter) for p in module.parameters()):
        raise InvalidValue("module must know its shapes, but has lazy layers: show it one record first.")
    if not any(p.requires_grad for p in module.parameters()):
        raise InvalidValue("module must have at least one parameter to train, but has none.")
    # A replacement would take only one of a shared layer's places.
    names: dict[int, str] = {}
    for name, layer in module.named_modules(remove_duplicate=False):
        if _problem(layer) and (first := names.setdefault(id(layer), name)) != name:
            kind = type(layer).__name__
            raise InvalidValue(f"module must use each {kind} once, but {_shown(first)} and {_shown(name)} are one.")


def _copy(module: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(module)
    except Exception as error:  # Whatever a user's own class raises.
        raise InvalidValue(f"module must be copyable, but copying it raises {type(error).__name__}.") from None


def _problem(layer: nn.Module) -> str:
    """What is wrong with a layer, to follow its name; empty if nothing is."""
    if isinstance(layer, _BatchNorm):
        return (
            f"({type(layer).__name__}) mixes records: it scales each by the mean and variance of its whole batch, so "
            "one record changes the gradients of all others, and clipping no longer bounds what it does."
        )
    if isinstance(layer, _InstanceNorm) and layer.track_running_stats:
        return (
            f"({type(layer).__name__}) keeps running statistics of the records it has seen, which go into the model "
            "without noise."
        )
    if isinstance(layer, _OPACUS_COPIES) and type(layer) in ModuleValidator.VALIDATORS:
        return (
            f"({type(layer).__name__}) computes several layers in one closed operation, which per-sample gradients "
            "cannot enter."
        )
    return ""


def _replacement(layer: nn.Module) -> nn.Module:
    if isinstance(layer, _InstanceNorm):
        # Opacus only resets the flag, and torch goes on updating statistics that are still there.
        new = copy.deepcopy(layer)
        new.track_running_stats, new.running_mean, new.running_var, new.num_batches_tracked = False, None, None, None
        return new
    kind = next(k for k in (*_BATCH_NORMS, *_OPACUS_COPIES, _BatchNorm) if isinstance(layer, k))
    fixer = ModuleValidator.FIXERS[kind if kind in ModuleValidator.FIXERS else nn.BatchNorm2d]
    # Opacus draws fresh weights before it copies the old ones: that must not move the caller's random numbers.
    with torch.random.fork_rng(devices=[]):
        new = fixer(layer)
    like = next(layer.parameters(), None)
    return new if like is None else new.to(device=like.device, dtype=like.dtype)


def _replace(root: nn.Module, name: str, new: nn.Module) -> nn.Module:
    if not name:
        return new
    parent, _, child = name.rpartition(".")
    setattr(root.get_submodule(parent), child, new)
    return root


def _without_rule(module: nn.Module) -> Iterator[str]:
    # By parameter: Opacus' recurrent layers also list those of their linear layers as their own.
    covered = {id(p) for layer in module.modules() if _has_rule(layer) for p in layer.parameters(recurse=False)}
    for name, layer in module.named_modules():
        if any(p.requires_grad and id(p) not in covered for p in layer.parameters(recurse=False)):
            yield f"{_shown(name)} ({type(layer).__name__}) has no rule."


def _has_rule(layer: nn.Module) -> bool:
    """Whether `layer_rules` covers it, if it computes what its class from torch computes."""
    kind = next((k for k in (nn.Linear, nn.Conv2d, nn.GroupNorm) if isinstance(layer, k)), None)
    if kind is None or type(layer).forward is not kind.forward:
        return False
    if isinstance(layer, nn.Conv2d):
        return layer.groups == 1 and not isinstance(layer.padding, str)
    return True


def _shown(name: str) -> str:
    return f"`{name}`" if name else "The model itself"


def _brief(layer: nn.Module) -> str:
    """Its type and sizes: BatchNorm2d(32), GroupNorm(32, 32)."""
    if isinstance(layer, nn.GroupNorm):
        sizes: tuple[int, ...] = (layer.num_groups, layer.num_channels)
    elif isinstance(layer, _BatchNorm | _InstanceNorm):
        sizes = (layer.num_features,)
    elif isinstance(layer, nn.LSTM | nn.GRU):
        sizes = (layer.input_size, layer.hidden_size)
    else:
        sizes = ()
    return f"{type(layer).__name__}({', '.join(map(str, sizes))})" if sizes else type(layer).__name__


def _loss_of(layer: nn.Module) -> str:
    """What the replacement does not take over."""
    if isinstance(layer, _BatchNorm):
        return "; its scale, shift and statistics start anew"
    return "; without running statistics" if isinstance(layer, _InstanceNorm) else "; with the same weights"
