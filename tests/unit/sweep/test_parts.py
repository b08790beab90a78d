"""The parts of a sweep: what runs, what the plan may say, and real cells of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dpcore.errors import InvalidValue
from dpcore.results.exposure import proven_roc, rebuilt
from dpcore.results.intervals import clopper_pearson
from dpcore.results.schema import AUDITS, MEMBERSHIP, RECONSTRUCTIONS
from dpcore.sweep import read_plan
from dpcore.sweep.attack_plan import ReconstructionPlan
from dpcore.sweep.cells import Cell, run_cell
from dpcore.sweep.membership_table import membership_table
from dpcore.sweep.parts import check_parts, plan_cells
from dpcore.sweep.plan import plan_from_settings

PLAN = """
name = "tiny"
epsilons = [1e12]
seeds = 2
delta = 1e-5
tost_margin = 0.05
watts_per_core = 10.0
curve_points = 10

[[dataset]]
name = "breast_cancer"
model = "mlp"
epochs = 3
expected_batch_size = 64
max_grad_norm = 1.0
shadows = 6

[[dataset]]
name = "skin_phantom"
model = "small_cnn"
epochs = 1
expected_batch_size = 200
max_grad_norm = 1.0

[reconstruction]
records = 6
sides = [28]
batch_sizes = [3]
num_bins = [10]
looks = []
denoisers = ["wavelet"]
optimised_records = 1
optimised_epsilons = []

[membership]
epsilons = [8]
shadows = 4

[audit]
epsilons = [8]
canaries = 100
kinds = ["gradient", "mislabelled record"]
"""


@pytest.fixture(scope="module")
def plan_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("plan") / "tiny.toml"
    file.write_text(PLAN)
    return file


def test_a_plan_survives_the_manifest(plan_file: Path) -> None:
    plan = read_plan(str(plan_file))
    assert plan_from_settings(json.loads(json.dumps(plan.settings()))) == plan


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("shadows = 4", "shadows = 3", r"\[membership\] shadows must be a whole number of at least 4"),
        ("canaries = 100", "", r"\[audit\] must set epsilons, canaries, kinds and nothing else"),
        ('"gradient", ', '"budgie", ', r"\[audit\] kinds must be among .*'budgie'"),
        ('["wavelet"]', '["soap"]', r"\[reconstruction\] denoisers must be among .*'soap'"),
        ("sides = [28]", "sides = 28", r"\[reconstruction\] sides must be a list"),
        ("records = 6", "records = 0", r"\[reconstruction\] records must be a whole number"),
        ("shadows = 6", "shadows = 1", r"breast_cancer: shadows must be a whole number of at least 4"),
    ],
)
def test_bad_plans_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "bad.toml").write_text(PLAN.replace(old, new, 1))
    with pytest.raises(InvalidValue, match=message):
        read_plan(str(tmp_path / "bad.toml"))


def test_cells_of_the_parts(plan_file: Path) -> None:
    plan = read_plan(str(plan_file))
    counts = {
        part: len(plan_cells(plan, list(plan.datasets), None, check_parts([part])))
        for part in ("training", "reconstruction", "membership", "audit")
    }
    # Two datasets × (one budget and no DP): × 2 seeds; attacks, and variations of pictures only; shadows; canaries.
    assert counts == {"training": 8, "reconstruction": 4 + 2, "membership": 2 * (6 + 4), "audit": 4}
    with pytest.raises(InvalidValue, match=r"part must be one of training, .*'everything'"):
        check_parts(["everything"])


def test_one_thing_is_varied_at_a_time() -> None:
    plan = ReconstructionPlan(
        records=5,
        sides=(28, 224, 512),
        batch_sizes=(8,),
        num_bins=(10, 64),
        looks=(5, 99),
        denoisers=("wavelet",),
        optimised_records=1,
        optimised_epsilons=(),
    )
    made = plan.variations(side=128, epochs=40)
    usual = {"side": 128, "batch_size": 1, "denoiser": "none"}
    for setting in made:
        assert sum(getattr(setting, name) != value for name, value in usual.items()) <= 1
    assert {s.side for s in made} == {28, 128, 224}  # 512 would be enlarged more than twofold.
    assert {s.looks for s in made} == {1, 5, 40}
    assert len(set(made)) == len(made)


def _cells(plan_file: Path, part: str, dataset: str) -> list[Cell]:
    plan = read_plan(str(plan_file))
    return plan_cells(plan, [d for d in plan.datasets if d.name == dataset], None, check_parts([part]))


def test_shadow_models_become_rows_below_their_limit(plan_file: Path) -> None:
    cells = [c for c in _cells(plan_file, "membership", "breast_cancer") if c.target_epsilon == 8.0]
    table = membership_table({cell: run_cell(cell) for cell in cells}, None)
    assert list(table.columns) == list(MEMBERSHIP)
    assert set(table["attack"]) == {"loss threshold", "LiRA"}
    everyone = table[table["partition"] == "all"]
    assert (everyone["members"] + everyone["non_members"] == 6 * 426).all()
    for row in everyone.to_dict("records"):
        least, _ = clopper_pearson(row["true_at_001"], row["members"], confidence=0.999)
        assert least <= proven_roc(row, [0.01])[0]


def test_audits_lie_below_ceilings_and_caps(plan_file: Path) -> None:
    rows = [row for cell in _cells(plan_file, "audit", "breast_cancer") for row in run_cell(cell)]
    assert {row["canary"] for row in rows} == {"gradient", "mislabelled record"}
    for row in rows:
        assert set(row) == set(AUDITS)
        assert 0 <= row["floor"] <= row["cap"]
        assert row["epsilon_tight"] <= row["epsilon_rdp"] * (1 + 1e-6)


def test_variations_without_dp(plan_file: Path) -> None:
    cells = [c for c in _cells(plan_file, "reconstruction", "skin_phantom") if c.kind == "reconstruction"]
    rows = run_cell(next(c for c in cells if c.target_epsilon is None))
    assert all(set(row) == set(RECONSTRUCTIONS) for row in rows)
    shares = {(r["side"], r["batch_size"], r["denoiser"]): rebuilt(r["errors"]).value for r in rows}
    assert shares[128, 1, "none"] == shares[128, 1, "wavelet"] == shares[28, 1, "none"] == 1
    assert shares[28, 200, "none"] < 0.1  # ten bins for two hundred records
