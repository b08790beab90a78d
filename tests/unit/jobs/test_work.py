"""What a worker does with a training or a look at gradients: real trainings, against the parts they are made of."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from dpcore import datasets
from dpcore.attacks import ImprintAttack
from dpcore.attacks.shown import shown_pictures
from dpcore.errors import DataUnavailable, InvalidValue
from dpcore.jobs import ProfileTask, RunSettings
from dpcore.jobs.attacked import get_errors
from dpcore.jobs.chunks import in_chunks
from dpcore.jobs.loading import load
from dpcore.jobs.outcomes import RunOutcome, TaskProgress, run_outcome_from_json
from dpcore.jobs.work import perform_task
from dpcore.privacy import DpSgdMechanism, NonPrivate, get_epsilon_from_mechanism
from dpcore.results.schema import ETA
from dpcore.training import TrainedRun, Training, TrainingConfig, get_clip_norm_profile, train
from dpcore.training.metrics import area_under_roc

TRAINING = TrainingConfig(
    model="mlp", epochs=10, expected_batch_size=64, max_grad_norm=2.0, positive_weight=1.7, seed=3
)
SETTINGS = RunSettings(dataset="breast_cancer", training=TRAINING, epsilon=8.0)


class Stopped(Exception):
    """What a test's `check` raises."""


def _ignore(*_: object) -> None:
    return


def _perform(task: Any, check: Callable[[], None] = _ignore) -> tuple[dict[str, Any], list[TaskProgress]]:
    reports: list[TaskProgress] = []
    return perform_task(task, report=reports.append, check=check), reports


def _outcome(settings: RunSettings) -> tuple[RunOutcome, list[TaskProgress]]:
    """As it comes back from the database."""
    plain, reports = _perform(settings)
    return run_outcome_from_json(json.loads(json.dumps(plain, allow_nan=False))), reports


@pytest.fixture(scope="module")
def performed() -> tuple[RunOutcome, list[TaskProgress]]:
    """The settings above, performed once."""
    return _outcome(SETTINGS)


@pytest.fixture(scope="module")
def trained() -> TrainedRun:
    """The same training without the lab."""
    dataset = datasets.load("breast_cancer")
    return train(dataset, TRAINING, SETTINGS.mechanism(len(dataset.split.train)))


def test_numbers_are_those_of_the_training(
    performed: tuple[RunOutcome, list[TaskProgress]], trained: TrainedRun
) -> None:
    outcome, _ = performed
    mechanism = trained.privacy
    assert isinstance(mechanism, DpSgdMechanism)
    assert (outcome.metric, outcome.utility, outcome.scores) == ("mcc", trained.utility, trained.scores)
    assert outcome.noise_multiplier == mechanism.noise_multiplier
    assert (outcome.sample_rate, outcome.steps) == (mechanism.sample_rate, mechanism.steps) == (64 / 426, 67)
    assert (outcome.num_train, outcome.num_test) == (426, 86)
    assert outcome.progress.losses == tuple(enumerate(trained.losses, start=1))
    for name in ("rdp", "tight"):
        epsilon = get_epsilon_from_mechanism(mechanism, delta=8e-7, accountant=name)
        assert getattr(outcome, f"epsilon_{name}") == epsilon
    assert outcome.versions["torch"] == torch.__version__
    assert set(outcome.versions) == {"torch", "numpy", "opacus", "dpcore"}


def test_the_same_settings_give_the_same_outcome(performed: tuple[RunOutcome, list[TaskProgress]]) -> None:
    again, _ = _outcome(SETTINGS)
    assert dataclasses.replace(again, seconds=0.0) == dataclasses.replace(performed[0], seconds=0.0)


def test_the_attack_is_the_imprint_attack_at_that_noise(performed: tuple[RunOutcome, list[TaskProgress]]) -> None:
    outcome, _ = performed
    attack = ImprintAttack(datasets.load_attack_records("breast_cancer").records, seed=0)
    assert (outcome.attack.records, outcome.attack.attacked) == ("breast_cancer", 300)
    assert [look.looks for look in outcome.attack.looks] == [1, 10]
    for look in outcome.attack.looks:
        scores = attack.scores(noise_multiplier=outcome.noise_multiplier, looks=look.looks)
        assert look.matched == scores.matched.sum()
        assert look.rebuilt == (scores.error < ETA).sum()
        assert look.median_error == np.median(scores.error)
    assert outcome.pictures is None


def test_membership_is_told_from_the_losses_of_this_model(
    performed: tuple[RunOutcome, list[TaskProgress]], trained: TrainedRun
) -> None:
    dataset, found = datasets.load("breast_cancer"), performed[0].membership
    index = np.concatenate([dataset.split.train, dataset.split.test])
    with torch.no_grad():
        outputs = trained.model(torch.from_numpy(dataset.features[index])).double()
    losses = F.cross_entropy(outputs, torch.from_numpy(dataset.labels[index]), reduction="none").numpy()
    is_member = np.arange(len(index)) < 426
    assert (found.members, found.non_members) == (426, 86)
    assert found.auc == pytest.approx(area_under_roc(is_member, -losses))
    assert found.at_001 == (int((losses[is_member] < losses[~is_member].min()).sum()), 0)  # 1 % of 86 is nobody.
    assert len(found.fpr) == len(found.tpr) <= 200
    assert (found.fpr[0], found.tpr[0], found.fpr[-1], found.tpr[-1]) == (0, 0, 1, 1)


def test_progress_tells_phases_budget_and_utility(
    performed: tuple[RunOutcome, list[TaskProgress]], trained: TrainedRun
) -> None:
    outcome, reports = performed
    phases = [r.phase for r in reports]
    assert list(dict.fromkeys(phases)) == ["loading the records", "training", "attacking"]
    started, first = (r for r in reports if r.phase == "training" and r.step < 2)
    assert (started.step, started.steps, started.epochs, started.epsilon, started.losses) == (0, 67, 10, 0.0, ())
    assert isinstance(trained.privacy, DpSgdMechanism)
    one_step = dataclasses.replace(trained.privacy, steps=1)
    assert first.epsilon == get_epsilon_from_mechanism(one_step, delta=8e-7, accountant="rdp")
    assert reports[-1].epsilon == outcome.progress.epsilon == outcome.epsilon_rdp
    assert [epoch for epoch, _ in outcome.progress.track] == list(range(11))
    assert started.track == outcome.progress.track[:1]
    dataset = datasets.load("breast_cancer")
    training = Training(dataset, TRAINING, trained.privacy)
    assert outcome.progress.track[0][1] == training.scores(dataset.split.validation)["mcc"]
    training.model = trained.model
    assert outcome.progress.track[-1][1] == training.scores(dataset.split.validation)["mcc"]


def test_where_counting_is_slow_the_budget_still_only_grows_and_ends_at_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dpcore.jobs.watching._SLOW_EPSILON", 0.0)  # The first count, of one step, is slow already.
    monkeypatch.setattr("dpcore.jobs.watching._SECONDS_BETWEEN_REPORTS", 0.0)
    outcome, reports = _outcome(SETTINGS)
    spent = [report.epsilon or 0.0 for report in reports]
    assert spent == sorted(spent)
    assert len(set(spent)) == 12  # Nothing, one step, ten whole epochs.
    assert spent[-1] == outcome.epsilon_rdp


def test_long_trainings_are_thinned_evenly() -> None:
    training = dataclasses.replace(TRAINING, epochs=40, expected_batch_size=32)
    outcome, _ = _outcome(RunSettings(dataset="breast_cancer", training=training, epsilon=8.0, accountant="tight"))
    steps = [step for step, _ in outcome.progress.losses]
    assert outcome.steps == 532
    assert steps == list(range(1, 533, 3))
    epochs = np.array([epoch for epoch, _ in outcome.progress.track])
    assert (len(epochs), epochs[0], epochs[-1]) == (13, 0, 40)
    assert set(np.diff(epochs)) == {3, 4}
    assert outcome.progress.epsilon == outcome.epsilon_tight


def test_empty_batches_have_no_loss() -> None:
    training = dataclasses.replace(TRAINING, epochs=1, expected_batch_size=1)
    outcome, _ = _outcome(RunSettings(dataset="breast_cancer", training=training, noise_multiplier=1.0))
    steps = {step for step, _ in outcome.progress.losses}
    thinned = set(range(1, 427, 3))
    assert steps < thinned
    assert 0.2 < 1 - len(steps) / len(thinned) < 0.55  # A batch is empty with probability (1 − 1/426)^426 = 37 %.
    assert outcome.noise_multiplier == 1.0


def test_without_dp_no_epsilon_and_nothing_is_safe() -> None:
    outcome, reports = _outcome(dataclasses.replace(SETTINGS, epsilon=None).without_dp())
    run = train(datasets.load("breast_cancer"), dataclasses.replace(TRAINING, max_grad_norm=1.0), NonPrivate())
    assert (outcome.epsilon_rdp, outcome.epsilon_tight, outcome.noise_multiplier) == (None, None, 0.0)
    assert {r.epsilon for r in reports} == {None}
    assert outcome.scores == run.scores
    for look in outcome.attack.looks:
        assert (look.rebuilt, look.matched) == (300, 300)


def test_one_epoch_has_one_look() -> None:
    outcome, _ = _outcome(dataclasses.replace(SETTINGS, training=dataclasses.replace(TRAINING, epochs=1)))
    assert [look.looks for look in outcome.attack.looks] == [1]
    assert [epoch for epoch, _ in outcome.progress.track] == [0, 1]


@pytest.mark.parametrize("private", [True, False])
def test_a_training_stops_between_two_chunks(private: bool) -> None:
    config = dataclasses.replace(TRAINING, expected_batch_size=426, chunk_size=32)
    dataset = datasets.load("breast_cancer")
    calls, most = 0, math.inf

    def check() -> bool:
        nonlocal calls
        calls += 1
        if calls > most:
            raise Stopped
        return True  # Nothing that the model would take for its input.

    def training() -> Training:
        privacy = DpSgdMechanism(noise_multiplier=1.0, sample_rate=1.0, steps=10) if private else NonPrivate()
        return Training(dataset, config, privacy, check=check)  # type: ignore[arg-type]

    whole = training()
    loss = next(iter(whole)).loss
    chunks = math.ceil(426 / 32)
    assert calls >= chunks
    stopped, most = training(), 2 * calls - 3
    with pytest.raises(Stopped):
        next(iter(stopped))
    assert calls == most + 1
    assert stopped.seconds == 0  # Before the first step was complete.
    unchecked = Training(dataset, config, whole.privacy)
    assert next(iter(unchecked)).loss == loss
    for ours, theirs in zip(whole.model.parameters(), unchecked.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize("phase", ["loading the records", "training", "attacking"])
def test_a_task_stops_in_every_phase(phase: str) -> None:
    reports: list[TaskProgress] = []
    since = 0

    def check() -> None:
        nonlocal since
        if reports and reports[-1].phase == phase:
            since += 1
            if since > 4 or phase == "loading the records":
                raise Stopped

    with pytest.raises(Stopped):
        perform_task(SETTINGS, report=reports.append, check=check)
    assert reports[-1].phase == phase


def test_scoring_of_the_attack_is_in_parts() -> None:
    attack, calls = load("breast_cancer", None).attack, 0

    def check() -> None:
        nonlocal calls
        calls += 1

    errors = get_errors(attack, noise_multiplier=0.01, looks=3, check=check)
    np.testing.assert_array_equal(errors, attack.scores(noise_multiplier=0.01, looks=3).error)
    assert calls == 6


def test_a_profile_is_that_of_the_training_package() -> None:
    plain, reports = _perform(ProfileTask(dataset="breast_cancer", training=TRAINING, on_private_data=True))
    found = get_clip_norm_profile(datasets.load("breast_cancer"), TRAINING, on_private_data=True)
    assert plain == dataclasses.asdict(found)
    assert [r.phase for r in reports] == ["loading the records", "looking at gradient norms"]


def test_a_profile_stops_while_it_trains() -> None:
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls == 8:  # Two are between phases, the third is before the first look.
            raise Stopped

    with pytest.raises(Stopped):
        _perform(ProfileTask(dataset="breast_cancer", training=TRAINING, on_private_data=True), check)


def test_a_profile_of_patients_is_refused_before_their_records_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DPCORE_DATA", raising=False)
    training = dataclasses.replace(TRAINING, model="small_cnn")
    with pytest.raises(InvalidValue, match="on_private_data must be set"):
        _perform(ProfileTask(dataset="ham10000", training=training))
    with pytest.raises(DataUnavailable):
        _perform(ProfileTask(dataset="ham10000", training=training, on_private_data=True))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"expected_batch_size": 427}, r"expected_batch_size must be at most the 426 training records, but is 427\."),
        ({"learning_rate": 1e38}, "the training diverged"),
    ],
)
def test_what_does_not_fit_is_said_in_a_sentence(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidValue, match=sentence):
        _perform(dataclasses.replace(SETTINGS, training=dataclasses.replace(TRAINING, **changed)))


def test_pictures_of_a_phantom_are_the_attacked_ones() -> None:
    training = TrainingConfig(model="small_cnn", epochs=1, expected_batch_size=2048, max_grad_norm=8.0)
    outcome, _ = _outcome(RunSettings(dataset="skin_phantom", training=training, epsilon=1e9))
    pictures, loaded = outcome.pictures, load("skin_phantom", None)
    assert pictures is not None and loaded.shown is not None  # noqa: PT018 - for the type checker
    assert loaded.shown.attack is loaded.attack
    assert (pictures.synthetic, pictures.stand_in, outcome.attack.records) == (True, False, "skin_phantom_128")
    for strip in (pictures.originals, pictures.one_look, pictures.all_looks):
        assert Image.open(io.BytesIO(base64.b64decode(strip))).size == (640, 128)
    scores = loaded.attack.scores(noise_multiplier=outcome.noise_multiplier, looks=1)
    assert pictures.errors_one_look == tuple(np.sort(scores.error)[:5])
    (look,) = outcome.attack.looks
    assert (look.matched, look.median_error) == (scores.matched.sum(), np.median(scores.error))
    assert (outcome.membership.members, outcome.membership.non_members) == (6000, 1200)


@pytest.mark.realdata
def test_pictures_beside_patients_are_stand_ins(real_data: Path) -> None:
    loaded = load("ham10000", str(real_data))
    shown = shown_pictures("ham10000")
    assert loaded.shown is not None
    assert loaded.shown.pictures.stand_in
    np.testing.assert_array_equal(loaded.shown.attack.records, shown.records)
    assert loaded.attack.records.shape != shown.records.shape


@pytest.mark.parametrize(
    ("dataset", "model", "chunk"),
    [
        ("breast_cancer", "mlp", 128),
        ("skin_phantom", "small_cnn", 128),
        ("skin_phantom", "wrn40_4", 7),  # 7 times 8.9 million gradients are 250 MB.
        ("liver_phantom", "unet", 64),
    ],
)
def test_chunks_are_short_where_a_view_is_slow_or_large(dataset: str, model: str, chunk: int) -> None:
    config = TrainingConfig(model=model, epochs=1, expected_batch_size=4, max_grad_norm=1.0)
    assert in_chunks(config, datasets.spec(dataset)) == dataclasses.replace(config, chunk_size=chunk)
