"""Plan files: the shipped one is sound and matches its tuning; broken ones are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from dpcore.errors import InvalidValue
from dpcore.results.schema import EPSILONS
from dpcore.results.store import PrecomputedStore
from dpcore.sweep import read_plan

GOOD = (Path(__file__).resolve().parents[3] / "dpcore/sweep/plans/default.toml").read_text(encoding="utf-8")


def test_the_default_plan_covers_the_sliders_budgets() -> None:
    plan = read_plan("default")
    assert plan.epsilons == EPSILONS
    assert plan.budgets()[-1] is None
    assert plan.seeds == 5


def test_the_plan_took_what_tuning_found_best() -> None:
    tuning = PrecomputedStore().table("tuning")
    for dataset in read_plan("default").datasets:
        tried = tuning[tuning["dataset"] == dataset.name]
        taken = tried[(tried["max_grad_norm"] == dataset.max_grad_norm) & (tried["epochs"] == dataset.epochs)]
        assert taken["mcc_mean"].tolist() == [tried["mcc_mean"].max()]


BROKEN = {
    "no TOML": ("= 3", "not readable TOML"),
    "negative ε": (GOOD.replace("0.1, 0.5,", "-1,"), "epsilon must be a finite number above 0, but is -1\\."),
    "one seed": (GOOD.replace("seeds = 5", "seeds = 1"), "seeds must be a whole number of at least 2, but is 1"),
    "δ of 1": (GOOD.replace("delta = 8e-7", "delta = 1.0"), "delta must be a number above 0 and below 1"),
    "typo": (GOOD.replace("seeds =", "seedz ="), "setting must be one of .*, but is 'seedz'"),
    "unknown dataset": (GOOD.replace('"breast_cancer"', '"moon"'), "dataset name must be one of .* but is 'moon'"),
    "no epochs": (GOOD.replace("\nepochs = ", "\nepochs = 0 # ", 1), "epochs must be a whole number of at least 1"),
    "text for ε": (GOOD.replace("0.1, 0.5,", '"many",'), "many"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plan_is_refused_in_one_sentence(tmp_path: Path, case: str) -> None:
    text, sentence = BROKEN[case]
    assert text != GOOD
    path = tmp_path / "plan.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidValue, match=sentence):
        read_plan(str(path))
