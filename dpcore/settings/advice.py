"""What the sources advise where DP "did not work", in numbers, before a training starts.

Nothing here looks at data: every number follows from the settings, the privacy mechanism and published knowledge.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Literal

from dpcore import _validate
from dpcore.errors import InvalidValue
from dpcore.privacy import Accountant, DpSgdMechanism, NonPrivate, PrivacyTarget, calibrate, get_epsilon_from_mechanism
from dpcore.settings.config import TrainingConfig

Severity = Literal["note", "warning"]

#: From here on the noise on a step's gradient is larger than the gradient can be.
_LOUD = 1.0
#: Views of each picture in Ziller et al. (2024) on RadImageNet.
_VIEWS = 4
#: How many times rarer a class must be than the other for even weights to deserve a warning.
_IMBALANCED = 2.0


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One sentence for the person who starts a training, and the number it rests on."""

    name: str
    severity: Severity
    text: str
    #: What it means is said with each name in `get_advice`.
    value: float


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A planned training with DP; asks what other settings would need at the same ε."""

    config: TrainingConfig
    num_train: int
    num_parameters: int
    mechanism: DpSgdMechanism
    target: PrivacyTarget

    @property
    def ratio(self) -> float:
        return self.ratio_with(self.config.expected_batch_size)

    def steps_with(self, batch: int) -> int:
        return dataclasses.replace(self.config, expected_batch_size=batch).steps(self.num_train)

    def ratio_with(self, batch: int) -> float:
        """Noise to signal at that batch, the same epochs and the same ε."""
        changed = batch != self.config.expected_batch_size
        noise = self.noise_with(batch=batch, steps=self.steps_with(batch)) if changed else self.mechanism
        return get_noise_to_signal(noise, num_parameters=self.num_parameters, expected_batch_size=batch)

    def noise_with(self, *, batch: int, steps: int) -> DpSgdMechanism:
        return calibrate(self.target, sample_rate=batch / self.num_train, steps=steps)

    def larger_batches(self) -> tuple[int, ...]:
        """Twice, four times, … the batch, as long as there are records for it."""
        batch = self.config.expected_batch_size
        return tuple(batch * 2**k for k in range(1, (self.num_train // batch).bit_length()))

    def better_batch(self) -> int | None:
        """The first larger batch whose noise is below its signal, else the one with the least; None if none helps."""
        ratios = {batch: self.ratio_with(batch) for batch in self.larger_batches()}
        quiet = [batch for batch, ratio in ratios.items() if ratio < _LOUD]
        best = quiet[0] if quiet else min(ratios, key=ratios.__getitem__, default=None)
        return best if best and ratios[best] < self.ratio else None


def get_noise_to_signal(mechanism: DpSgdMechanism, *, num_parameters: int, expected_batch_size: int) -> float:
    """Returns σ·√d / B: how many times the largest possible mean gradient the noise on it measures, in L2 norm.

    The noise on a parameter has standard deviation σ·C / B, so its root-mean-square norm over d parameters is
    σ·C·√d / B; a mean of B gradients clipped to C has norm C at most, and C cancels (Abadi et al. 2016, Algorithm 1).
    Over T steps that pull the same way it averages out to 1/√T of that.

    Raises InvalidValue unless both numbers are whole and at least 1.
    """
    _validate.whole(num_parameters=num_parameters)
    _validate.whole(expected_batch_size=expected_batch_size)
    return mechanism.noise_multiplier * math.sqrt(num_parameters) / expected_batch_size


def get_advice(
    config: TrainingConfig,
    *,
    num_train: int,
    mechanism: DpSgdMechanism | NonPrivate,
    num_parameters: int,
    delta: float,
    accountant: Accountant = "rdp",
    prevalence: float | None = None,
    pictures: bool = True,
) -> tuple[Advice, ...]:
    """Returns what the sources would say about a planned training, warnings first.

    By name, with the meaning of `value`: "noise" (noise to signal in each step), "large_batch" (the same at twice the
    batch), "learning_rate" (square-root rule for a larger batch), "multiplicity" (views a record), "epochs" (σ for
    twice the epochs relative to σ), "delta" (δ·N), "imbalance" (the weight that balances the classes).

    Args:
        config: the planned settings.
        num_train: training records, N.
        mechanism: of the configuration on that many records.
        num_parameters: trained numbers of the model, d.
        delta: of the budget; ε is what the mechanism spends at it.
        accountant: counts ε, for this and every other setting.
        prevalence: published share of positive records (or outlined pixels); None = unknown.
        pictures: whether records are pictures, which may be mirrored.

    Raises:
        InvalidValue: if a number breaks its rule or the mechanism belongs to another configuration.
    """
    _validate.whole(num_train=num_train)
    _validate.whole(num_parameters=num_parameters)
    advice = list(_imbalance(config, prevalence))
    if isinstance(mechanism, DpSgdMechanism):
        _check_mechanism(config, mechanism, num_train)
        epsilon = get_epsilon_from_mechanism(mechanism, delta=delta, accountant=accountant)
        target = PrivacyTarget(epsilon=epsilon, delta=delta, accountant=accountant)
        case = _Case(
            config=config,
            num_train=num_train,
            num_parameters=num_parameters,
            mechanism=mechanism,
            target=target,
        )
        advice += [*_noise(case), _learning_rate(case), _epochs(case), *_delta(case)]
        advice += _multiplicity(config) if pictures else ()
    return tuple(sorted(advice, key=lambda a: a.severity != "warning"))


def _check_mechanism(config: TrainingConfig, mechanism: DpSgdMechanism, num_train: int) -> None:
    planned = (config.sample_rate(num_train), config.steps(num_train))
    if (mechanism.sample_rate, mechanism.steps) != planned:
        raise InvalidValue(
            f"mechanism must have the configuration's sample_rate and steps {planned}, "
            f"but has {(mechanism.sample_rate, mechanism.steps)}."
        )


def _noise(case: _Case) -> tuple[Advice, ...]:
    batch, ratio = case.config.expected_batch_size, case.ratio
    start = f"Batch {batch} at ε = {_short(case.target.epsilon)}: in each step the noise is at least {_short(ratio)}"
    if ratio < _LOUD:
        quiet = Advice(name="noise", severity="note", text=f"{start} times the signal.", value=ratio)
        return (quiet, *_large_batch(case))
    better = case.better_batch()
    if better is None:
        rest = "no larger batch would lessen it, only a smaller model, more records or a larger ε"
    else:
        rest = f"batch {better} would make it {_short(case.ratio_with(better))} times, {_in_steps(case, better)}"
        if case.ratio_with(better) >= _LOUD:
            rest += "; below 1 come only a smaller model, more records or a larger ε"
    return (Advice(name="noise", severity="warning", text=f"{start} times the signal; {rest}.", value=ratio),)


def _large_batch(case: _Case) -> tuple[Advice, ...]:
    if not case.larger_batches():
        return ()
    batch = case.larger_batches()[0]
    ratio = case.ratio_with(batch)
    text = (
        f"Batch {batch} at the same ε and epochs would make the noise {_short(ratio)} times the signal, "
        f"{_in_steps(case, batch)}; large batches are the first remedy of De et al. (2022), and take no more memory "
        "in chunks."
    )
    return (Advice(name="large_batch", severity="note", text=text, value=ratio),)


def _in_steps(case: _Case, batch: int) -> str:
    """Fewer steps average less noise away: without this, large batches would look better than they are."""
    steps, now = case.steps_with(batch), case.mechanism.steps
    summed, summed_now = case.ratio_with(batch) / math.sqrt(steps), case.ratio / math.sqrt(now)
    return (
        f"in {steps} steps instead of {now} (summed over all steps the noise is then {_short(summed)} instead of "
        f"{_short(summed_now)} times the signal)"
    )


def _learning_rate(case: _Case) -> Advice:
    rate, batch = case.config.learning_rate, case.config.expected_batch_size
    larger = (case.better_batch() if case.ratio >= _LOUD else None) or next(iter(case.larger_batches()), None)
    text = (
        "NAdam divides the gradient's scale out again: while it clips nearly every record, the clipping norm does not "
        "change the size of a step, so learning rate and clipping norm can be tuned apart"
    )
    if larger is None:
        return Advice(name="learning_rate", severity="note", text=f"{text}.", value=rate)
    scaled = rate * math.sqrt(larger / batch)
    text += (
        f"; at batch {larger} try {_short(scaled, 3)} instead of {_short(rate, 3)}, the square-root rule of Malladi et "
        "al. (2022) for Adam."
    )
    return Advice(name="learning_rate", severity="note", text=text, value=scaled)


def _epochs(case: _Case) -> Advice:
    batch, steps = case.config.expected_batch_size, case.mechanism.steps
    half, double = (
        case.noise_with(batch=batch, steps=n).noise_multiplier for n in (max(1, round(steps / 2)), 2 * steps)
    )
    now = case.mechanism.noise_multiplier
    text = (
        f"At ε = {_short(case.target.epsilon)} half of the {case.config.epochs} epochs would need "
        f"σ = {_short(half, 3)} instead of {_short(now, 3)}, and twice as many {_short(double, 3)}: "
        "epochs after which the loss hardly falls cost more than they bring."
    )
    return Advice(name="epochs", severity="note", text=text, value=double / now)


def _delta(case: _Case) -> tuple[Advice, ...]:
    expected = case.target.delta * case.num_train
    if expected < 0.1:
        return ()
    text = (
        f"δ = {_short(case.target.delta)} is not well below 1/N = {_short(1 / case.num_train)}: a program that "
        f"publishes each record whole with that chance, {_short(expected)} of them in expectation, keeps within it."
    )
    return (Advice(name="delta", severity="warning" if expected >= 1 else "note", text=text, value=expected),)


def _multiplicity(config: TrainingConfig) -> tuple[Advice, ...]:
    if config.multiplicity > 1:
        return ()
    text = (
        f"{_VIEWS} mirrored views of each record, whose gradients are averaged before clipping "
        f"(multiplicity = {_VIEWS} with flips; De et al. 2022, section 3.2), leave ε as it is and take about {_VIEWS} "
        "times as long; only for pictures that stay right when mirrored."
    )
    return (Advice(name="multiplicity", severity="note", text=text, value=float(_VIEWS)),)


def _imbalance(config: TrainingConfig, prevalence: float | None) -> tuple[Advice, ...]:
    if prevalence is None:
        return ()
    balancing = (1 - _validate.open_unit(prevalence=prevalence)) / prevalence
    if config.positive_weight != 1 or max(balancing, 1 / balancing) < _IMBALANCED:
        return ()
    text = (
        f"{_short(100 * prevalence, 3)} % of the records are positive and all weigh the same: noise drowns the "
        f"rarer class first, and a model that never names it looks good; positive_weight = {_short(balancing)} would "
        "balance them."
    )
    return (Advice(name="imbalance", severity="warning", text=text, value=balancing),)


def _short(number: float, digits: int = 2) -> str:
    """So many significant digits, as 120 and 1e9 rather than 1.2e+02 and 1e+09."""
    mantissa, _, exponent = f"{float(f'{number:.{digits}g}'):g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa
