"""Plan files: the shipped one is sound and matches its tuning; broken ones are named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from dpcore.errors import InvalidValue
from dpcore.results.schema import EPSILONS
from dpcore.results.store import PrecomputedStore
from dpcore.sweep import SweepPlan, read_plan
from dpcore.sweep.main import plan_from_manifest
from dpcore.sweep.parts import plan_cells
from dpcore.sweep.plan import plan_from_settings
from dpcore.sweep.work import Finished, WorkFolder

GOOD = (Path(__file__).resolve().parents[3] / "dpcore/sweep/plans/default.toml").read_text(encoding="utf-8")


def test_the_default_plan_covers_the_sliders_budgets() -> None:
    plan = read_plan("default")
    assert plan.epsilons == EPSILONS
    assert plan.budgets()[-1] is None
    assert plan.seeds == 5


def test_the_plan_took_what_tuning_found_best() -> None:
    tuning = PrecomputedStore().table("tuning")
    for dataset in read_plan("default").datasets:
        tried = tuning[(tuning["dataset"] == dataset.name) & (tuning["model"] == dataset.model)]
        taken = tried[(tried["max_grad_norm"] == dataset.max_grad_norm) & (tried["epochs"] == dataset.epochs)]
        assert taken["utility_mean"].tolist() == [tried["utility_mean"].max()]


BREAST = (
    '[[dataset]]\nname = "breast_cancer"\nmodel = "mlp"\nepochs = 1\nexpected_batch_size = 8\nmax_grad_norm = 1.0\n'
)


def _in_breast_cancer(line: str) -> str:
    return GOOD.replace('name = "breast_cancer"', f'name = "breast_cancer"\n{line}')


BROKEN = {
    "no TOML": ("= 3", "not readable TOML"),
    "negative ε": (GOOD.replace("0.1, 0.5,", "-1,"), "epsilon must be a finite number above 0, but is -1\\."),
    "ε not a number": (GOOD.replace("0.1, 0.5,", "nan,"), "epsilon must be a finite number above 0, but is nan"),
    "text for ε": (GOOD.replace("0.1, 0.5,", '"many",'), "epsilon must be a finite number above 0, but is 'many'"),
    "one ε, no list": (GOOD.replace("epsilons = [", "epsilons = 8 # "), "epsilons must be a list, but is 8"),
    "no ε": (GOOD.replace("epsilons = [", "epsilons = [] # "), "epsilons must be at least one budget"),
    "the same ε twice": (GOOD.replace("0.1, 0.5,", "1.0,"), "epsilons must differ, but 1.0 is there twice"),
    "one seed": (GOOD.replace("seeds = 5", "seeds = 1"), "seeds must be a whole number of at least 2, but is 1"),
    "half a seed": (GOOD.replace("seeds = 5", "seeds = 2.5"), "seeds must be a whole number of at least 2, but is 2.5"),
    "δ of 1": (GOOD.replace("delta = 8e-7", "delta = 1.0"), "delta must be a number above 0 and below 1"),
    "δ missing": (GOOD.replace("delta = 8e-7", ""), "delta must be set, but is missing"),
    "typo": (GOOD.replace("seeds =", "seedz ="), "setting must be one of .*, but is 'seedz'"),
    "a number for a name": (GOOD.replace('name = "default"', "name = 3"), "name must be a text, but is 3"),
    "unknown dataset": (GOOD.replace('"breast_cancer"', '"moon"'), "dataset name must be one of .* but is 'moon'"),
    "unknown model": (GOOD.replace('"mlp"', '"gpt"'), "breast_cancer: model must be one of .*, but is 'gpt'"),
    "a list for a model": (GOOD.replace('"mlp"', "[1]"), "breast_cancer: model must be a text, but is \\(1,\\)"),
    "no epochs": (GOOD.replace("\nepochs = ", "\nepochs = 0 # ", 1), "epochs must be a whole number of at least 1"),
    "epochs missing": (GOOD.replace("\nepochs = ", "\n# ", 1), "ham10000: epochs must be set, but is missing"),
    "typo in a dataset": (
        _in_breast_cancer("learning_rat = 1.0"),
        "setting must be one of .*'learning_rat'",
    ),
    "the seed of a run": (_in_breast_cancer("seed = 1"), "setting must be one of .*, but is 'seed'"),
    "own seeds": (_in_breast_cancer("seeds = true"), "breast_cancer: seeds must be a whole number .* but is True"),
    "own ε": (_in_breast_cancer("epsilons = [inf]"), "breast_cancer: epsilon must be a finite number .* but is inf"),
    "tuning": (
        _in_breast_cancer("").replace("tune_epochs = [20, 40, 80]", "tune_epochs = 20"),
        "tune_epochs must be a list",
    ),
    "a dataset without a table": ("dataset = 3\n" + GOOD.split("[[dataset]]")[0], "must be .*tables, but is 3"),
    "no dataset": (GOOD.split("[[dataset]]")[0], "dataset must be at least one"),
    "the same twice": (GOOD + BREAST, "tables must differ, but breast_cancer with mlp is there twice"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plan_is_refused_in_one_sentence(tmp_path: Path, case: str) -> None:
    text, sentence = BROKEN[case]
    assert text != GOOD
    with pytest.raises(InvalidValue, match=sentence) as caught:
        _read(tmp_path, text)
    assert str(caught.value).startswith(("In the plan plan.toml: ", "The plan plan.toml "))
    assert len(str(caught.value).splitlines()) == 1


def _read(folder: Path, text: str) -> SweepPlan:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return read_plan(str(path))


def test_a_dataset_may_come_with_several_models_budgets_seeds_and_training_settings(tmp_path: Path) -> None:
    second = BREAST.replace('"mlp"', '"small_cnn"') + "epsilons = [3]\nseeds = 2\nlearning_rate = 0.5\n"
    plan = _read(tmp_path, GOOD + second)
    own = plan.datasets[-1]
    assert (plan.budgets(own), plan.seeds_of(own)) == ((3.0, None), 2)
    assert (plan.budgets(plan.datasets[0]), plan.seeds_of(plan.datasets[0])) == ((*EPSILONS, None), 5)
    assert own.config(seed=7).learning_rate == 0.5
    assert own.config(seed=7).seed == 7
    own_cells = plan_cells(plan, [d for d in plan.datasets if d.name == "breast_cancer"], None)
    cells = [c for c in own_cells if c.kind in ("run", "attack")]
    assert len(cells) == 16 + 16 * 5 + 2 * 2
    assert {c.dataset.model for c in cells if c.kind == "attack"} == {"mlp"}


def test_a_plan_survives_the_manifest(tmp_path: Path) -> None:
    plan = _read(tmp_path, GOOD + BREAST.replace('"mlp"', '"small_cnn"') + "epsilons = [3]\nlearning_rate = 0.5\n")
    assert plan_from_settings(json.loads(json.dumps(plan.settings()))) == plan


def test_the_shipped_results_were_made_with_the_default_plan() -> None:
    assert plan_from_manifest(PrecomputedStore().manifest()) == read_plan("default")


def test_finished_cells_are_found_whatever_else_the_plan_says(tmp_path: Path) -> None:
    """The file name of a cell must not change: finished sweeps would run again."""
    plan = read_plan("default")
    work = WorkFolder(folder=tmp_path)
    cell = next(c for c in plan_cells(plan, list(plan.datasets), None) if c.kind == "run")
    work.write(cell, Finished(rows=[{"mcc": 0.5}], seconds=2.0))
    assert [p.name for p in tmp_path.iterdir()] == ["run-ham10000-74d7fe9d7244da74.json"]
    other = dataclasses.replace(cell, data_path="elsewhere", dataset=dataclasses.replace(cell.dataset, seeds=9))
    assert work.read(other) == Finished(rows=[{"mcc": 0.5}], seconds=2.0)
    assert work.read(dataclasses.replace(cell, seed=1)) is None
    next(tmp_path.iterdir()).write_text('[{"mcc": 0.5, "seconds": 3.0}]')  # As written by the first version.
    assert work.read(cell) == Finished(rows=[{"mcc": 0.5, "seconds": 3.0}], seconds=3.0)
    for damaged in ("", "\0\0", "3", "[]", '{"rows": []}'):
        next(tmp_path.iterdir()).write_text(damaged)
        assert work.read(cell) is None
