"""The script that trains with Opacus what the live lab trained: run for real, and clipped sum against ours."""

from __future__ import annotations

import ast
import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from opacus import GradSampleModule

from dpcore import datasets
from dpcore.datasets.spec import Dataset, Split
from dpcore.errors import InvalidValue
from dpcore.jobs import RunSettings
from dpcore.jobs.loading import load
from dpcore.jobs.opacus_script import opacus_script
from dpcore.models import build_model
from dpcore.privacy import get_epsilon_from_mechanism
from dpcore.settings import TrainingConfig, models_for
from dpcore.training import make_objective, train
from dpcore.training.per_sample import PerSampleGradients

ROOT = Path(__file__).resolve().parents[3]
NUM_TRAIN = {"breast_cancer": 426, "skin_phantom": 6000, "liver_phantom": 418}


def _settings(dataset: str, *, epsilon: float | None = 8.0, **training: Any) -> RunSettings:
    about = {"model": models_for(datasets.spec(dataset))[0], "epochs": 20, "expected_batch_size": 64}
    config = TrainingConfig(**{**about, "max_grad_norm": 2.0, **training})
    return RunSettings(dataset=dataset, training=config, epsilon=epsilon)


#: Runs the script on another dataset than the one it names.
_ON_ANOTHER = "import pickle, runpy, sys; from dpcore import datasets; "
_ON_ANOTHER += "datasets.load = lambda _: pickle.load(open(sys.argv[2], 'rb')); runpy.run_path(sys.argv[1])"


def _run(settings: RunSettings, folder: Path, tiny: Dataset | None = None) -> dict[str, float]:
    """Names and numbers that the script prints."""
    script, pickled = folder / "script.py", folder / "tiny.pickle"
    num_train = len(tiny.split.train) if tiny else NUM_TRAIN[settings.dataset]
    script.write_text(opacus_script(settings, num_train), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", str(script)]
    if tiny:
        pickled.write_bytes(pickle.dumps(tiny))
        command = [*command[:-1], "-c", _ON_ANOTHER, str(script), str(pickled)]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return {name: float(number) for name, number in map(str.split, result.stdout.splitlines())}


def _epsilon(settings: RunSettings, num_train: int) -> float:
    mechanism = settings.mechanism(num_train)
    return get_epsilon_from_mechanism(mechanism, delta=settings.delta, accountant="rdp")


def test_a_table_trains_as_with_us(tmp_path: Path) -> None:
    settings = _settings("breast_cancer", positive_weight=1.7)
    printed = _run(settings, tmp_path)
    assert printed["epsilon"] == pytest.approx(_epsilon(settings, 426), rel=1e-3)
    ours = train(datasets.load("breast_cancer"), settings.training, settings.mechanism(426))
    # Over 20 seeds our MCC is 0.743 ± 0.033, so two seeds differ by 0.047 on average; an untrained model has about 0.
    assert printed["mcc"] == pytest.approx(ours.utility, abs=0.16)


def test_without_dp_it_is_plain_pytorch(tmp_path: Path) -> None:
    settings = _settings("breast_cancer", epsilon=None, positive_weight=1.7)
    assert "opacus" not in opacus_script(settings, 426).lower()
    printed = _run(settings, tmp_path)
    ours = train(datasets.load("breast_cancer"), settings.training, settings.mechanism(426))
    assert set(printed) == {"mcc", "balanced_accuracy", "auc"}
    assert printed["mcc"] == pytest.approx(ours.utility, abs=0.16)  # Seeds spread as with DP: ± 0.032.


def _tiny_phantom() -> Dataset:
    dataset = load("skin_phantom", None).dataset
    split = dataset.split
    few = Split(train=split.train[:600], validation=split.validation[:100], test=split.test)
    return dataclasses.replace(dataset, split=few)


def test_pictures_train_with_mirrored_views(tmp_path: Path) -> None:
    settings = _settings(
        "skin_phantom", epsilon=100.0, epochs=3, flips=True, multiplicity=2, positive_weight=4.0, max_grad_norm=8.0
    )
    tiny = _tiny_phantom()
    printed = _run(settings, tmp_path, tiny)
    assert printed["epsilon"] == pytest.approx(_epsilon(settings, 600), rel=1e-3)
    ours = train(tiny, settings.training, settings.mechanism(600))
    # Over six seeds our AUC is 0.740 ± 0.019; a model that learned nothing has 0.5.
    assert printed["auc"] == pytest.approx(ours.scores["auc"], abs=0.1)


def _optimizer_of(script: str) -> type:
    """The script's own optimizer class, with what it needs and nothing of the training."""
    wanted = (ast.Import, ast.ImportFrom, ast.Assign, ast.ClassDef)
    body = ast.parse(script).body
    last = next(place for place, node in enumerate(body) if isinstance(node, ast.ClassDef))
    namespace: dict[str, Any] = {}
    kept = [node for node in body[: last + 1] if isinstance(node, wanted)]
    exec(compile(ast.Module(body=kept, type_ignores=[]), "script", "exec"), namespace)
    return namespace["RecordOptimizer"]


@pytest.mark.parametrize(("weight", "views"), [(4.0, 2), (4.0, 1), (1.0, 2)])
def test_the_own_optimizer_gives_our_clipped_sum(weight: float, views: int) -> None:
    settings = _settings("skin_phantom", positive_weight=weight, multiplicity=views, flips=views > 1)
    optimizer_type = _optimizer_of(opacus_script(settings, 6000))
    records = torch.randn(6 * views, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 1, 0, 0, 1]).repeat_interleave(views)
    objective = make_objective(num_classes=2, is_segmentation=False, positive_weight=weight)
    network = build_model("small_cnn", (3, 28, 28), seed=1)
    gradients = PerSampleGradients(network, objective)
    norms = gradients.clipped_sum(records, labels, max_grad_norm=1.0, views=views).norms
    clipping = float(norms.median())  # Some are clipped and some are not.
    ours = gradients.clipped_sum(records, labels, max_grad_norm=clipping, views=views).gradient

    model = GradSampleModule(network)
    optimizer = optimizer_type(
        torch.optim.SGD(model.parameters(), lr=1.0),
        noise_multiplier=1.0,
        max_grad_norm=clipping,
        expected_batch_size=6,
    )
    with pytest.warns(UserWarning, match="Full backward hook"):
        objective.losses(model(records), labels).mean().backward()
    optimizer.record_weights = objective.record_weights(labels[::views])
    optimizer.clip_and_accumulate()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.summed_grad, ours[name], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dataset", NUM_TRAIN)
@pytest.mark.parametrize("epsilon", [8.0, None])
def test_every_script_is_python_and_has_only_what_it_needs(dataset: str, epsilon: float | None) -> None:
    spec = datasets.spec(dataset)
    for model in models_for(spec):
        for flips in {False, spec.kind == "image"}:
            plain = opacus_script(_settings(dataset, epsilon=epsilon, model=model, flips=flips), NUM_TRAIN[dataset])
            weighted = _settings(dataset, epsilon=epsilon, model=model, flips=flips, positive_weight=4.0)
            script = opacus_script(weighted, NUM_TRAIN[dataset])
            compile(plain, "script", "exec")
            compile(script, "script", "exec")
            assert "RecordOptimizer" not in plain
            # Outlines are weighted by pixel inside the loss, which clipping leaves alone.
            assert ("RecordOptimizer" in script) == (epsilon is not None and not spec.is_segmentation)
            assert ("make_views" in script) == flips
            assert max(map(len, script.splitlines())) <= 120


def test_the_noise_is_written_down_to_the_last_digit() -> None:
    settings = _settings("breast_cancer")
    script = opacus_script(settings, 426)
    assert f"NOISE_MULTIPLIER = {settings.mechanism(426).noise_multiplier!r} " in script
    assert "STEPS = 133 " in script


def test_a_batch_above_the_records_is_refused() -> None:
    with pytest.raises(InvalidValue, match="expected_batch_size must be at most the 426 training records"):
        opacus_script(_settings("breast_cancer", expected_batch_size=500), 426)
