"""What a sweep attacks beside the paper's own setting: other reconstructions, membership, audits."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from dpcore import _validate
from dpcore.errors import InvalidValue

DENOISERS = ("none", "non-local means", "wavelet")
OPTIMISATIONS: tuple[Literal["dlg", "inverting gradients"], ...] = ("dlg", "inverting gradients")
CANARIES = ("mislabelled record", "gradient")


@dataclass(frozen=True, kw_only=True)
class ImprintSetting:
    """One imprint attack, less the noise; the paper's is batch size 1, 10 bins, one look, no denoiser."""

    side: int
    batch_size: int = 1
    num_bins: int = 10
    looks: int = 1
    denoiser: str = "none"


@dataclass(frozen=True, kw_only=True)
class ReconstructionPlan:
    """Variations of the imprint attack, one thing changed at a time, and the attacks of an honest server."""

    #: Pictures attacked in each setting, at most.
    records: int
    #: Sides other than the pictures' own, pixels; pictures are enlarged to at most twice their side.
    sides: tuple[int, ...]
    batch_sizes: tuple[int, ...]
    #: Bins in batches.
    num_bins: tuple[int, ...]
    #: Looks other than one and all of a training.
    looks: tuple[int, ...]
    denoisers: tuple[str, ...]
    #: Pictures of 28 pixels attacked by optimisation, and at which budgets; none = not at all.
    optimised_records: int
    optimised_epsilons: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        _validate.whole(records=self.records)
        for name in ("sides", "batch_sizes", "num_bins", "looks"):
            for value in getattr(self, name):
                _validate.whole(**{name: value})
        for denoiser in self.denoisers:
            _one_of(DENOISERS, denoisers=denoiser)
        _validate.whole(optimised_records=self.optimised_records)
        for epsilon in self.optimised_epsilons:
            _validate.positive(optimised_epsilons=epsilon)

    def variations(self, *, side: int, epochs: int) -> tuple[ImprintSetting, ...]:
        """Returns the settings for pictures of that side in a training of so many epochs: one look, and all looks."""
        both = (1, epochs)
        sides = [s for s in (side, *self.sides) if s <= 2 * side]
        made = [ImprintSetting(side=s, looks=k) for s in sides for k in both]
        made += [ImprintSetting(side=side, looks=k) for k in self.looks if k < epochs]
        made += [ImprintSetting(side=side, looks=k, denoiser=d) for d in self.denoisers for k in both]
        made += [
            ImprintSetting(side=side, batch_size=b, num_bins=n, looks=k)
            for b in self.batch_sizes
            for n in self.num_bins
            for k in both
        ]
        return tuple(dict.fromkeys(made))

    def real_batch(self, *, side: int, batch_size: int, epochs: int) -> tuple[ImprintSetting, ...]:
        """Returns the settings for the batch of the training itself, at the side its model sees."""
        return tuple(
            ImprintSetting(side=side, batch_size=batch_size, num_bins=bins, looks=looks)
            for bins in self.num_bins
            for looks in (1, epochs)
        )


@dataclass(frozen=True, kw_only=True)
class MembershipPlan:
    """Shadow models, each trained on a random half of the training records."""

    epsilons: tuple[float, ...]
    shadows: int

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        for epsilon in self.epsilons:
            _validate.positive(epsilons=epsilon)
        _validate.whole(minimum=4, shadows=self.shadows)


@dataclass(frozen=True, kw_only=True)
class AuditPlan:
    """One audited training for each budget and kind of canary."""

    epsilons: tuple[float, ...]
    canaries: int
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises InvalidValue for the first field that breaks its rule."""
        for epsilon in self.epsilons:
            _validate.positive(epsilons=epsilon)
        _validate.whole(minimum=10, canaries=self.canaries)
        for kind in self.kinds:
            _one_of(CANARIES, kinds=kind)


Part = ReconstructionPlan | MembershipPlan | AuditPlan
_Plan = TypeVar("_Plan", ReconstructionPlan, MembershipPlan, AuditPlan)


def part_from_table(kind: type[_Plan], name: str, table: Any) -> _Plan | None:
    """Returns the plan of a TOML table such as [membership], None if there is none; raises InvalidValue."""
    if table is None:
        return None
    known = [f.name for f in dataclasses.fields(kind)]
    if not isinstance(table, dict) or sorted(table) != sorted(known):
        found = ", ".join(table) if isinstance(table, dict) else repr(table)
        raise InvalidValue(f"[{name}] must set {', '.join(known)} and nothing else, but sets {found}.")
    for f in dataclasses.fields(kind):
        is_list = str(f.type).startswith("tuple")
        if is_list != isinstance(table[f.name], list | tuple):
            rule = "a list" if is_list else "one value"
            raise InvalidValue(f"[{name}] {f.name} must be {rule}, but is {table[f.name]!r}.")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    try:
        return kind(**values)
    except InvalidValue as error:
        raise InvalidValue(f"[{name}] {error}") from None


def _one_of(known: tuple[str, ...], **named: Any) -> None:
    ((name, value),) = named.items()
    if value not in known:
        raise InvalidValue(f"{name} must be among {', '.join(known)}, but is {value!r}.")
