"""Views of records (augmentation multiplicity), early stopping, and training on outlines."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from dpcore.datasets import spec
from dpcore.datasets.spec import Dataset, Split
from dpcore.errors import InvalidValue
from dpcore.models import build_model
from dpcore.privacy import DpSgdMechanism, NonPrivate
from dpcore.training import (
    ClippedSum,
    Objective,
    PerSampleGradients,
    Training,
    TrainingConfig,
    make_objective,
    train,
)
from dpcore.training.augmentation import make_views

RECORDS, VIEWS, SIDE = 5, 3, 16
MODELS = {"small_cnn": False, "resnet9": False, "small_unet": True, "unet": True}


@pytest.fixture
def double_precision() -> Iterator[None]:
    """In single precision another order of summation can flip the winner of a max-pool, and the gradient jumps."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def _objective(outlines: bool) -> Objective:
    return make_objective(num_classes=2, is_segmentation=outlines, positive_weight=3.0)


def _mirrored(outlines: bool, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """(RECORDS · VIEWS, 1, SIDE, SIDE) mirrored pictures and their labels or outlines."""
    generator = torch.Generator().manual_seed(seed)
    records = torch.randn(RECORDS, 1, SIDE, SIDE, generator=generator)
    of_labels = (RECORDS, SIDE, SIDE) if outlines else (RECORDS,)
    labels = torch.randint(0, 2, of_labels, generator=generator)
    return make_views(records, labels, multiplicity=VIEWS, flips=True, generator=generator)


def _mean_gradients(model: nn.Module, objective: Objective, views: Tensor, labels: Tensor) -> Tensor:
    """(records, parameters), each the mean of its views' gradients, a view at a time by ordinary autograd."""
    of_views = []
    for view, label in zip(views, labels, strict=True):
        loss = objective.losses(model(view[None]), label[None]).sum()
        of_views.append(torch.cat([g.flatten() for g in torch.autograd.grad(loss, list(model.parameters()))]))
    return torch.stack(of_views).unflatten(0, (-1, VIEWS)).mean(dim=1)


def _flat(clipped: ClippedSum) -> Tensor:
    return torch.cat([g.flatten() for g in clipped.gradient.values()])


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("way", ["layer by layer", "generally"])
@pytest.mark.parametrize(("name", "outlines"), MODELS.items())
@pytest.mark.parametrize("chunk_size", [2, 7, 128])
def test_a_record_s_gradient_is_the_mean_over_its_views_before_clipping(
    name: str, outlines: bool, way: str, chunk_size: int
) -> None:
    model, objective = build_model(name, (1, SIDE, SIDE), seed=1), _objective(outlines)
    views, labels = _mirrored(outlines)
    means = _mean_gradients(model, objective, views, labels)
    clip = float(means.norm(dim=1).median())  # Shortens some records and leaves others.
    factor = (clip / means.norm(dim=1)).clamp_max(1.0) * objective.record_weights(labels[::VIEWS])
    gradients = PerSampleGradients(model, objective, chunk_size=chunk_size)
    gradients.is_layerwise = False if way == "generally" else None
    clipped = gradients.clipped_sum(views, labels, max_grad_norm=clip, views=VIEWS)
    assert gradients.is_layerwise is (way == "layer by layer")
    torch.testing.assert_close(clipped.norms, means.norm(dim=1), rtol=1e-8, atol=0.0)
    torch.testing.assert_close(_flat(clipped), factor @ means, rtol=1e-7, atol=1e-10)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", ["small_cnn", "small_unet"])
def test_clipping_each_view_would_be_something_else(name: str) -> None:
    """Otherwise the test above could not tell the two apart."""
    model, objective = build_model(name, (1, SIDE, SIDE), seed=1), _objective(MODELS[name])
    views, labels = _mirrored(MODELS[name])
    gradients = PerSampleGradients(model, objective)
    together = _flat(gradients.clipped_sum(views, labels, max_grad_norm=0.01, views=VIEWS))
    each = _flat(gradients.clipped_sum(views, labels, max_grad_norm=0.01)) / VIEWS
    assert float((together - each).norm()) > 1e-3 * float(together.norm())


@pytest.mark.parametrize("name", ["small_cnn", "small_unet"])
@pytest.mark.parametrize("max_grad_norm", [1e-3, 0.05])
def test_one_record_with_all_its_views_moves_the_sum_by_at_most_the_clipping_norm(
    name: str, max_grad_norm: float
) -> None:
    outlines = MODELS[name]
    gradients = PerSampleGradients(build_model(name, (1, SIDE, SIDE), seed=1), _objective(outlines))
    views, labels = _mirrored(outlines)
    views = 10 * views
    everyone = _flat(gradients.clipped_sum(views, labels, max_grad_norm=max_grad_norm, views=VIEWS))
    moved = []
    for left_out in range(RECORDS):
        others = torch.arange(RECORDS * VIEWS) // VIEWS != left_out
        rest = gradients.clipped_sum(views[others], labels[others], max_grad_norm=max_grad_norm, views=VIEWS)
        moved.append(float((everyone - _flat(rest)).norm()))
    assert max(moved) <= max_grad_norm * (1 + 1e-4)
    assert max(moved) > 0.9 * max_grad_norm  # The bound is reached: views do not waste the noise.


def test_outlines_are_mirrored_with_their_pictures() -> None:
    """The outline is drawn into the picture, so it must be found there in every view."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (40, 6, 8), generator=generator)
    views, of_views = make_views(labels[:, None].float(), labels, multiplicity=4, flips=True, generator=generator)
    assert torch.equal(views[:, 0], of_views.float())
    seen = [0, 0, 0, 0]
    for view, record in zip(of_views, labels.repeat_interleave(4, dim=0), strict=True):
        mirrored = [record, record.flip(0), record.flip(1), record.flip((0, 1))]
        (which,) = [i for i, m in enumerate(mirrored) if torch.equal(m, view)]
        seen[which] += 1
    assert min(seen) > 20  # Expected 40 each; false alarm in at most 1 of 2,000 seeds, and this one is fixed.


def test_labels_of_a_picture_are_repeated_side_by_side() -> None:
    labels = torch.arange(4)
    views, of_views = make_views(
        torch.arange(4.0)[:, None, None, None].expand(4, 1, 2, 2),
        labels,
        multiplicity=3,
        flips=True,
        generator=torch.Generator().manual_seed(0),
    )
    assert of_views.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert torch.equal(views[:, 0, 0, 0], of_views.float())


@pytest.mark.parametrize(("records", "flips"), [(torch.randn(4, 30), True), (torch.randn(4, 1, 3, 3), False)])
def test_tables_and_unflipped_pictures_stay_and_draw_nothing(records: Tensor, flips: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    views, _ = make_views(records, torch.zeros(4), multiplicity=1, flips=flips, generator=generator)
    assert torch.equal(views, records)
    assert torch.equal(generator.get_state(), before)


def test_an_empty_batch_has_no_views() -> None:
    views, labels = make_views(
        torch.empty(0, 1, 4, 4), torch.empty(0), multiplicity=3, flips=True, generator=torch.Generator()
    )
    assert (len(views), len(labels)) == (0, 0)


@pytest.fixture(scope="module")
def outlined() -> Dataset:
    """120 noisy 16 × 16 pictures of one bright rectangle each, outlined; invented."""
    rng = np.random.default_rng(0)
    labels = np.zeros((120, SIDE, SIDE), dtype=np.int64)
    for label in labels:
        top, left = rng.integers(0, 8, 2)
        height, width = rng.integers(4, 8, 2)
        label[top : top + height, left : left + width] = 1
    features = (labels[:, None] + 0.3 * rng.normal(size=(120, 1, SIDE, SIDE))).astype(np.float32)
    described = dataclasses.replace(
        spec("liver_phantom"), name="rectangles", record_shape=(1, SIDE, SIDE), structures=("rectangle",)
    )
    split = Split(train=np.arange(80), validation=np.arange(80, 100), test=np.arange(100, 120))
    return Dataset(spec=described, features=features, labels=labels, groups=np.arange(120), split=split)


OUTLINING = TrainingConfig(
    model="small_unet", epochs=12, expected_batch_size=16, max_grad_norm=1.0, learning_rate=1e-2, seed=2
)


def _mechanism(config: TrainingConfig, *, noise_multiplier: float) -> DpSgdMechanism:
    return DpSgdMechanism(noise_multiplier=noise_multiplier, sample_rate=config.sample_rate(80), steps=config.steps(80))


@pytest.mark.parametrize("noise_multiplier", [None, 0.05], ids=["no DP", "hardly any noise"])
def test_a_unet_learns_to_outline_and_dice_is_that_of_scikit_learn(
    outlined: Dataset, noise_multiplier: float | None
) -> None:
    privacy = _mechanism(OUTLINING, noise_multiplier=noise_multiplier) if noise_multiplier else NonPrivate()
    config = dataclasses.replace(OUTLINING, multiplicity=2, flips=True)
    run = train(outlined, config, privacy)
    assert run.utility > 0.9
    test = outlined.split.test
    with torch.no_grad():
        found = run.model.cpu()(torch.from_numpy(outlined.features[test])).argmax(dim=1).numpy()
    assert list(run.scores) == ["dice_rectangle"]
    assert run.utility == pytest.approx(f1_score(outlined.labels[test].ravel(), found.ravel()), rel=1e-12)


def test_a_unet_does_not_learn_under_crushing_noise(outlined: Dataset) -> None:
    assert train(outlined, OUTLINING, _mechanism(OUTLINING, noise_multiplier=1e3)).utility < 0.7


def _batches_and_noise(outlined: Dataset, config: TrainingConfig) -> tuple[list[list[int]], Tensor]:
    """Which records the first steps sample, and the noise that the next step would draw."""
    dataset = dataclasses.replace(outlined, features=np.ones_like(outlined.features))
    # A number in the corner, and its mirror images, says which record it is.
    for corner in itertools.product((0, -1), (0, -1)):
        dataset.features[:, 0, corner[0], corner[1]] = np.arange(120)
    training = Training(dataset, config, _mechanism(config, noise_multiplier=1.0))
    batches = [sorted({int(r[0, 0, 0]) for r in training._sample_batch()[0]}) for _ in range(4)]
    return batches, torch.randn(5, generator=training._generator)


@pytest.mark.parametrize("multiplicity", [1, 4])
def test_views_change_neither_the_batches_nor_the_noise(outlined: Dataset, multiplicity: int) -> None:
    plain = _batches_and_noise(outlined, OUTLINING)
    viewed = _batches_and_noise(outlined, dataclasses.replace(OUTLINING, multiplicity=multiplicity, flips=True))
    assert viewed[0] == plain[0]
    assert torch.equal(viewed[1], plain[1])
    assert sum(map(len, plain[0])) > 30


def test_views_do_change_the_training(outlined: Dataset) -> None:
    def first_loss(**changes: object) -> float:
        config = dataclasses.replace(OUTLINING, **changes)
        return next(iter(Training(outlined, config, _mechanism(config, noise_multiplier=1.0)))).loss

    assert first_loss() != first_loss(flips=True) != first_loss(flips=True, multiplicity=2)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"multiplicity": 2}, "multiplicity"),
        ({"multiplicity": 0, "flips": True}, "multiplicity"),
        ({"multiplicity": 1.5, "flips": True}, "multiplicity"),
        ({"flips": 1}, "flips"),
        ({"patience": -1}, "patience"),
        ({"patience": 1.5}, "patience"),
    ],
)
def test_bad_settings_are_named(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidValue, match=f"^{field} must be .*, but is"):
        dataclasses.replace(OUTLINING, **changes)


def test_early_stopping_is_refused_with_dp(outlined: Dataset) -> None:
    config = dataclasses.replace(OUTLINING, patience=2)
    with pytest.raises(InvalidValue, match=r"patience must be 0 with DP, but is 2: .* not paid for"):
        Training(outlined, config, _mechanism(config, noise_multiplier=1.0))


def _with_scores(training: Training, scores: list[float]) -> list[Tensor]:
    """Lets validation give these scores, and returns the weights at each look, as they come."""
    looks, given = [], iter(scores)

    def validate() -> float:
        looks.append(nn.utils.parameters_to_vector(training.model.parameters()).detach().clone())
        return next(given)

    training._patience._validate = validate
    return looks


@pytest.mark.parametrize(
    ("scores", "best"),
    [([0.1, 0.5, 0.3, 0.4], 1), ([0.2, 0.1, 0.1], 0), ([0.1, 0.3, 0.2, 0.4, 0.4, 0.3], 3)],
)
def test_without_dp_early_stopping_ends_the_training_and_keeps_the_best(
    outlined: Dataset, scores: list[float], best: int
) -> None:
    config = dataclasses.replace(OUTLINING, patience=2)
    training = Training(outlined, config, NonPrivate())
    looks = _with_scores(training, scores)
    for _ in training:
        pass
    assert len(looks) == len(scores) == best + 1 + 2
    run = training.finish()
    assert len(run.losses) == 5 * len(scores)  # 80 records in batches of 16
    assert torch.equal(nn.utils.parameters_to_vector(run.model.parameters()), looks[best])
    assert run.scores == training.scores(outlined.split.test)


@pytest.mark.parametrize(
    "scores", [lambda epoch: float(epoch), lambda epoch: float(epoch // 2)], ids=["always better", "in time"]
)
def test_a_training_that_gets_better_runs_to_its_end(outlined: Dataset, scores: Callable[[int], float]) -> None:
    training = Training(outlined, dataclasses.replace(OUTLINING, patience=2), NonPrivate())
    looks = _with_scores(training, [scores(epoch) for epoch in range(12)])
    for _ in training:
        pass
    assert len(looks) == 12
    assert len(training.finish().losses) == training.steps
