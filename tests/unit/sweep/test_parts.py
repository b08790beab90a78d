"""The parts of a sweep: what runs, what the plan may say, and a tiny sweep of every part with real cells."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dpcore.errors import InvalidValue
from dpcore.results.exposure import audit_rows, membership_rows, reconstruction_rows, variation_rows
from dpcore.results.schema import TABLES
from dpcore.results.store import PrecomputedStore
from dpcore.sweep import read_plan
from dpcore.sweep.attack_plan import ReconstructionPlan
from dpcore.sweep.parts import check_parts, plan_cells
from dpcore.sweep.plan import plan_from_settings

ROOT = Path(__file__).resolve().parents[3]
PLAN = """
name = "tiny"
epsilons = [8, 1e12]
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


@pytest.fixture(scope="module")
def store(plan_file: Path) -> PrecomputedStore:
    """Every part of the tiny plan, run with real workers."""
    out = plan_file.parent / "out"
    _sweep(plan_file, out, "--workers", "2")
    return PrecomputedStore(folder=out)


def _sweep(plan_file: Path, out: Path, *options: str) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "dpcore", "sweep", "--plan", str(plan_file), *options]
    folders = ["--out", str(out), "--work", str(plan_file.parent / "work")]
    result = subprocess.run([*command, *folders], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stderr


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
    # Two datasets × (2 budgets and no DP): × 2 seeds; attacks, and variations of pictures only; shadows; canaries.
    assert counts == {"training": 12, "reconstruction": 6 + 3, "membership": 2 * (6 + 4), "audit": 4}
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


def test_every_table_is_filled(store: PrecomputedStore) -> None:
    for name in TABLES:
        if name != "tuning":
            assert len(store.table(name)), name
    assert store.damaged_files() == []
    assert set(store.table("gallery")["choice"]) == {"best", "middle"}


def test_without_noise_everything_comes_back_and_under_noise_nothing(store: PrecomputedStore) -> None:
    paper = {(r["target_epsilon"], r["looks"]): r for r in reconstruction_rows(store, "skin_phantom")}
    assert paper[8.0, 1]["rebuilt"].value == 0
    assert paper[1e12, 1]["rebuilt"].value == 1
    varied = {
        (r["side"], r["batch_size"], r["denoiser"], r["num_bins"]): r for r in variation_rows(store, "skin_phantom")
    }
    assert varied[128, 1, "none", 10]["rebuilt_from"] == 1e12
    assert varied[128, 1, "wavelet", 10]["rebuilt_from"] == 1e12
    assert varied[28, 1, "none", 10]["rebuilt_no_dp"].value == 1
    assert varied[28, 200, "none", 10]["rebuilt_no_dp"].value < 0.1  # ten bins for two hundred records


def test_membership_stays_below_its_limit(store: PrecomputedStore) -> None:
    for row in membership_rows(store, "breast_cancer"):
        assert row["shadows"] == 6
        assert row["members"] + row["non_members"] == 6 * 418
        for rate, share in row["tpr"].items():
            assert share.interval[0] <= row["limit"][rate]
    assert {r["group"] for r in membership_rows(store, "skin_phantom", partition="class")} >= {
        "malignant (invented)",
        "benign (invented)",
    }


def test_floors_are_below_ceilings_and_caps(store: PrecomputedStore) -> None:
    rows = audit_rows(store, "skin_phantom")
    assert {row["canary"] for row in rows} == {"gradient", "mislabelled record"}
    for row in rows:
        assert 0 <= row["floor"] <= row["cap"]
        assert row["epsilon_tight"] <= row["epsilon_rdp"] * (1 + 1e-6)


def test_a_part_alone_leaves_the_other_tables(store: PrecomputedStore, plan_file: Path) -> None:
    before = {name: store.table(name) for name in ("runs", "points", "attacks", "audits")}
    _sweep(plan_file, store.folder, "--part", "membership", "--dataset", "breast_cancer", "--workers", "1")
    for name, table in before.items():
        now = store.table(name)
        assert len(now) == len(table)
        np.testing.assert_array_equal(now["dataset"].to_numpy(), table["dataset"].to_numpy())
    assert len(membership_rows(store, "skin_phantom"))


@pytest.mark.parametrize("table", ["reconstruction", "variations", "membership", "audit"])
def test_the_command_prints_every_table(store: PrecomputedStore, table: str) -> None:
    command = ["attacks", "--dataset", "skin_phantom", "--table", table, "--out", str(store.folder)]
    for option in ([], ["--markdown"], ["--json"]):
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "dpcore", *command, *option],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        assert "nan" not in result.stdout.lower().replace("nance", "")
        if option == ["--json"]:
            assert json.loads(result.stdout)
