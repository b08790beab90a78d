"""A whole sweep in real processes: verified, tampering found, shown and tuned. Interruptions have their own file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from dpcore.results.schema import TABLES
from dpcore.results.store import PrecomputedStore, write_manifest

ROOT = Path(__file__).resolve().parents[3]
PLAN = """
name = "tiny"
epsilons = [8, 1e9]
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
positive_weight = 1.7
tune_epochs = [1]
tune_max_grad_norm = [1.0, 2.0]

[[dataset]]
name = "ham10000"
model = "small_cnn"
epochs = 1
expected_batch_size = 64
max_grad_norm = 1.0
positive_weight = 1.0
"""


def _command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "-m", "dpcore", *words, "--out", str(folder / "out")]


def _sweep(folder: Path) -> list[str]:
    plan, work = str(folder / "tiny.toml"), str(folder / "work")
    return _command(folder, "sweep", "--plan", plan, "--work", work, "--workers", "2", "--data", str(folder / "none"))


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny sweep."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "tiny.toml").write_text(PLAN)
    result = _run(_sweep(folder))
    assert result.returncode == 0, result.stderr
    assert "Left as it was: HAM10000" in result.stderr
    return folder


def _mcc(folder: Path) -> pd.DataFrame:
    runs = PrecomputedStore(folder=folder / "out").table("runs", "breast_cancer")
    return runs.drop(columns=["seconds", "watt_hours"])


def test_a_sweep_writes_every_table_and_a_manifest(swept: Path) -> None:
    store = PrecomputedStore(folder=swept / "out")
    assert store.damaged_files() == []
    assert {f"{name}.parquet" for name in TABLES} <= set(store.manifest()["files"])
    runs, points = store.table("runs"), store.table("points")
    assert sorted(runs["target_epsilon"].dropna().unique()) == [8, 1e9]
    assert len(runs) == 6
    assert points["target_epsilon"].isna().sum() == 1
    calibrated = points[points["target_epsilon"].notna()]
    assert (calibrated["epsilon_rdp"] <= calibrated["target_epsilon"]).all()
    assert (calibrated["epsilon_rdp"] > 0.999 * calibrated["target_epsilon"]).all()
    assert points[points["target_epsilon"].isna()]["worst_case"].item() == 1.0
    assert (points["worst_case"] >= points["kappa"]).all()
    attacks = store.table("attacks")
    assert set(attacks["looks"]) == {1, 3}
    assert set(attacks["records"]) == {"breast_cancer"}
    facts = store.manifest()["datasets"]["breast_cancer"]
    assert facts["licence"]
    assert facts["versions"]["torch"]
    assert facts["seeds"] == [0, 1]


def test_verify_recomputes_a_row_and_finds_tampering(swept: Path, tmp_path: Path) -> None:
    sound = _run([*_command(swept, "verify"), "--json"])
    assert sound.returncode == 0, sound.stderr
    assert all(check["holds"] for check in json.loads(sound.stdout))

    shutil.copytree(swept / "out", tmp_path / "out")
    runs = pd.read_parquet(tmp_path / "out" / "runs.parquet")
    runs["mcc"] = runs["mcc"] + 0.3
    runs.to_parquet(tmp_path / "out" / "runs.parquet")
    tampered = _run([*_command(tmp_path, "verify"), "--json"])
    assert tampered.returncode == 1
    assert [c["holds"] for c in json.loads(tampered.stdout)] == [False]

    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    write_manifest(tmp_path / "out", {k: v for k, v in manifest.items() if k not in ("files", "schema_version")})
    forged = _run([*_command(tmp_path, "verify"), "--json"])
    assert forged.returncode == 1
    assert [c["holds"] for c in json.loads(forged.stdout)] == [True, True, False]


def test_results_prints_rows_with_null_for_no_dp(swept: Path) -> None:
    result = _run([*_command(swept, "results"), "--dataset", "breast_cancer", "--json"])
    rows = json.loads(result.stdout)
    assert {row["target_epsilon"] for row in rows} == {8.0, 1e9, None}
    assert {"seed", "mcc", "auc", "noise_multiplier"} <= rows[0].keys()
    assert all(row["metric"] == "mcc" and row["utility"] == row["mcc"] for row in rows)
    assert {row["dice_liver"] for row in rows} == {None}
    stored = _mcc(swept)["noise_multiplier"]
    assert [row["noise_multiplier"] for row in rows] == pytest.approx(list(stored), rel=1e-9)
    assert "no DP" in _run([*_command(swept, "results"), "--dataset", "breast_cancer"]).stdout


def test_tuning_keeps_a_table_in_a_valid_store(swept: Path, tmp_path: Path) -> None:
    shutil.copytree(swept / "out", tmp_path / "out")
    plan = str(swept / "tiny.toml")
    result = _run([*_command(tmp_path, "tune"), "--dataset", "breast_cancer", "--plan", plan, "--workers", "2"])
    assert result.returncode == 0, result.stderr
    store = PrecomputedStore(folder=tmp_path / "out")
    assert store.damaged_files() == []
    table = store.table("tuning", "breast_cancer")
    assert sorted(table["max_grad_norm"]) == [1.0, 2.0]
    assert table["utility_mean"].is_monotonic_decreasing


BAD_CALLS = {
    "an unknown plan": (["sweep", "--plan", "nope"], "plan must be one of default"),
    "an unknown dataset": (["results", "--dataset", "nope"], "no rows for “nope”"),
    "an unknown model": (["results", "--dataset", "breast_cancer", "--model", "unet"], "with the model “unet”"),
    "a dataset without choices": (["tune", "--dataset", "nope"], "dataset must be one with tuning choices"),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_bad_calls_get_one_sentence_and_no_traceback(swept: Path, case: str) -> None:
    words, sentence = BAD_CALLS[case]
    result = _run(_command(swept, *words))
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
