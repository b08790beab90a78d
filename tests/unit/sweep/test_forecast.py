"""--dry-run: cells by dataset and model, what is done, and expected time and energy from measured seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from dpcore.errors import InvalidValue
from dpcore.results.schema import RUNS
from dpcore.results.store import write_manifest, write_table
from dpcore.sweep import Forecast, Workers, forecast_sweep, read_plan, run_sweep
from dpcore.sweep.parts import plan_cells
from dpcore.sweep.plan import SweepPlan
from dpcore.sweep.work import Finished, WorkFolder

ROOT = Path(__file__).resolve().parents[3]
PLAN = """
name = "tiny"
epsilons = [8, 1e9]
seeds = 2
delta = 1e-5
tost_margin = 0.05
watts_per_core = 36.0
curve_points = 10

[[dataset]]
name = "breast_cancer"
model = "mlp"
epochs = 30
expected_batch_size = 64
max_grad_norm = 1.0

[[dataset]]
name = "skin_phantom"
model = "small_cnn"
epochs = 3
expected_batch_size = 64
max_grad_norm = 1.0
epsilons = [1.0]
seeds = 3

[[dataset]]
name = "skin_phantom"
model = "resnet9"
epochs = 3
expected_batch_size = 64
max_grad_norm = 1.0
"""


@pytest.fixture
def plan(tmp_path: Path) -> SweepPlan:
    (tmp_path / "tiny.toml").write_text(PLAN)
    return read_plan(str(tmp_path / "tiny.toml"))


def _forecast(plan: SweepPlan, folder: Path) -> Forecast:
    return forecast_sweep(
        plan, data_path=None, out=folder / "out", work=folder / "work", workers=Workers(count=2), only=None
    )


def test_cells_are_counted_by_dataset_and_model(plan: SweepPlan, tmp_path: Path) -> None:
    forecast = _forecast(plan, tmp_path)
    # Budgets, no DP among them, × seeds; a dataset's records are attacked once.
    assert {(r.dataset, r.model, r.kind): r.cells for r in forecast.rows} == {
        ("breast_cancer", "mlp", "attack"): 3,
        ("breast_cancer", "mlp", "run"): 3 * 2,
        ("skin_phantom", "small_cnn", "attack"): 2,
        ("skin_phantom", "small_cnn", "run"): 2 * 3,
        ("skin_phantom", "resnet9", "run"): 3 * 2,
    }
    assert {r.seconds for r in forecast.rows} == {None}
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"models": ["unet"]}, "model must be one of mlp, small_cnn, resnet9, but is 'unet'"),
        (
            {"models": ["resnet9"], "parts": ["audit"]},
            "part must be one that the plan has for skin_phantom with resnet9, but is audit",
        ),
    ],
)
def test_what_the_plan_has_not_is_refused(
    plan: SweepPlan, tmp_path: Path, wanted: dict[str, list[str]], sentence: str
) -> None:
    out, work = tmp_path / "out", tmp_path / "work"
    with pytest.raises(InvalidValue, match=sentence):
        run_sweep(plan, data_path=None, out=out, work=work, workers=Workers(count=1), **wanted)  # type: ignore[arg-type]
    assert not out.exists()


def test_finished_cells_give_the_time_of_cells_like_them(plan: SweepPlan, tmp_path: Path) -> None:
    cells = [c for c in plan_cells(plan, list(plan.datasets), None) if c.dataset.model == "mlp" and c.kind == "run"]
    private = [c for c in cells if c.target_epsilon is not None]
    work = WorkFolder(folder=tmp_path / "work")
    work.write(private[0], Finished(rows=[{}], seconds=10.0))
    work.write(private[1], Finished(rows=[{}], seconds=20.0))
    row = next(r for r in _forecast(plan, tmp_path).rows if (r.model, r.kind) == ("mlp", "run"))
    assert (row.done, row.seconds) == (2, None)  # Nothing is known of trainings without DP.
    work.write(next(c for c in cells if c.target_epsilon is None), Finished(rows=[{}], seconds=4.0))
    row = next(r for r in _forecast(plan, tmp_path).rows if (r.model, r.kind) == ("mlp", "run"))
    assert (row.done, row.seconds) == (3, 2 * 15.0 + 1 * 4.0)


def test_earlier_results_give_the_time_scaled_by_epochs(plan: SweepPlan, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    common = {**dict.fromkeys(RUNS, 0), "dataset": "breast_cancer", "model": "mlp", "epochs": 10, "device": "cpu"}
    rows = [{**common, "target_epsilon": 8.0, "seconds": 7.0}, {**common, "target_epsilon": None, "seconds": 1.0}]
    write_table(out, "runs", pd.DataFrame(rows))
    write_manifest(out, {})
    row = next(r for r in _forecast(plan, tmp_path).rows if (r.model, r.kind) == ("mlp", "run"))
    assert row.seconds == pytest.approx(3 * (4 * 7.0 + 2 * 1.0))  # 30 epochs now, 10 then.


def test_the_command_prints_it_and_trains_nothing(plan: SweepPlan, tmp_path: Path) -> None:
    cell = next(c for c in plan_cells(plan, list(plan.datasets), None) if c.kind == "attack")
    WorkFolder(folder=tmp_path / "work" / "sweep-tiny").write(cell, Finished(rows=[{}], seconds=100.0))
    words = ["--plan", str(tmp_path / "tiny.toml"), "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    command = [sys.executable, "-W", "ignore", "-m", "dpcore", "sweep", "--dry-run", "--workers", "2", *words]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)
    assert result.returncode == 0, result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["breast_cancer", "mlp", "trainings", "6", "0", "unknown", "unknown"] in lines
    assert "23 cells, 1 done" in result.stdout
    assert "cells whose time is unknown" in result.stdout
    assert not (tmp_path / "out").exists()
    assert len(list((tmp_path / "work").rglob("*"))) == 2
