"""`python -m dpcore results` for one model or another, and for outlined structures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from dpcore.__main__ import app
from dpcore.results.schema import POINTS, RUNS
from dpcore.results.store import write_manifest, write_table


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two models of one dataset, and a dataset with liver and tumour outlined."""
    both = dict.fromkeys(POINTS, 0.5) | {"target_epsilon": 8.0, "seeds": 5, "device": "cpu"}
    points = [
        both
        | {"dataset": "ham10000", "model": model, "metric": "mcc", "utility_mean": mean, "dice_tumour_mean": np.nan}
        for model, mean in (("small_cnn", 0.25), ("resnet9", 0.75))
    ]
    points.append(both | {"dataset": "toy_liver", "model": "unet", "metric": "dice_liver", "auc_mean": np.nan})
    runs = [dict.fromkeys(RUNS, 0.5) | {k: point[k] for k in ("dataset", "model", "metric")} for point in points]
    write_table(tmp_path, "points", pd.DataFrame(points))
    write_table(tmp_path, "runs", pd.DataFrame(runs))
    write_manifest(tmp_path, {})
    return tmp_path


def _print(folder: Path, *words: str) -> str:
    result = CliRunner().invoke(app, ["results", "--out", str(folder), *words])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_main_model_is_shown_and_the_others_are_named(folder: Path) -> None:
    printed = _print(folder, "--dataset", "ham10000")
    assert "0.250 ± 0.500" in printed
    assert "0.750" not in printed
    assert "Other models trained on it: resnet9. See --model." in printed


def test_another_model_is_shown_when_named(folder: Path) -> None:
    assert "0.750 ± 0.500" in _print(folder, "--dataset", "ham10000", "--model", "resnet9")
    (row,) = json.loads(_print(folder, "--dataset", "ham10000", "--model", "resnet9", "--json"))
    assert row["model"] == "resnet9"


def test_outlines_are_scored_by_dice(folder: Path) -> None:
    head = _print(folder, "--dataset", "toy_liver", "--markdown").splitlines()[0]
    assert "| Dice | Dice, tumour |" in head
    assert "MCC" not in head
