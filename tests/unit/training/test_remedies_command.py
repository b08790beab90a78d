"""The commands advise and profile."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from dpcore import datasets
from dpcore.cli import remedies as commands
from dpcore.models import build_model
from dpcore.privacy import PrivacyTarget, calibrate
from dpcore.settings.advice import get_advice
from dpcore.settings.config import TrainingConfig
from dpcore.training.profile import UNPAID

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(commands.advise)
app.command()(commands.profile)

ADVISE = ["advise", "--dataset", "ham10000", "--num-train", "7512"]
PROFILE = ["profile", "--dataset", "breast_cancer", "--on-private-data"]


def _run(arguments: list[str]) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), "a traceback reached the user"
    return result.exit_code, result.stdout, result.stderr


def test_advise_prints_json() -> None:
    code, out, _ = _run([*ADVISE, "--epsilon", "1", "--batch", "32", "--epochs", "10", "--json"])
    result = json.loads(out)
    assert code == 0
    assert (result["model"], result["expected_batch_size"], result["epochs"]) == ("small_cnn", 32, 10)
    assert result["steps"] == round(10 * 7512 / 32)
    assert result["num_parameters"] == 15_330
    mechanism = calibrate(PrivacyTarget(epsilon=1.0, delta=8e-7), sample_rate=32 / 7512, steps=result["steps"])
    assert result["noise_multiplier"] == mechanism.noise_multiplier
    advice = {a["name"]: a for a in result["advice"]}
    assert advice["noise"]["severity"] == "warning"
    assert advice["noise"]["value"] == pytest.approx(mechanism.noise_multiplier * math.sqrt(15_330) / 32)
    fields = TrainingConfig.__dataclass_fields__
    config = TrainingConfig(**{name: value for name, value in result.items() if name in fields})
    same = get_advice(config, num_train=7512, mechanism=mechanism, num_parameters=15_330, delta=8e-7)
    assert result["advice"] == [vars(a) for a in same]


def test_advise_counts_the_records_of_the_data() -> None:
    _, out, _ = _run(["advise", "--dataset", "breast_cancer", "--json"])
    result = json.loads(out)
    assert result["num_train"] == len(datasets.load("breast_cancer").split.train)
    assert "multiplicity" not in {a["name"] for a in result["advice"]}  # A table has nothing to mirror.


def test_advise_prints_text() -> None:
    code, out, _ = _run([*ADVISE, "--epsilon", "8", "--delta", "1e-3"])
    assert code == 0
    assert "ham10000, small_cnn with 15,330 weights: 7,512 records, batch 1024, 40 epochs, 293 steps" in out
    words = " ".join(out.split())
    assert "warning δ = 0.001 is not well below" in words
    assert "note Batch 1024 at ε = 8" in words


def test_another_model_than_the_plan_s_may_be_asked_about() -> None:
    _, out, _ = _run([*ADVISE, "--model", "resnet9_group_norm", "--json"])
    weights = sum(p.numel() for p in build_model("resnet9_group_norm", (3, 28, 28), seed=0).parameters())
    assert json.loads(out)["num_parameters"] == weights


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epsilon", "0"], "epsilon must be"),
        (["--epsilon", "nan"], "epsilon must be"),
        (["--delta", "1"], "delta must be"),
        (["--accountant", "prv"], "accountant must be one of"),
        (["--batch", "0"], "expected_batch_size must be"),
        (["--batch", "7513"], "expected_batch_size must be at most the 7512 training records"),
        (["--epochs", "0"], "epochs must be"),
        (["--num-train", "0"], "num_train must be"),
        (["--prevalence", "1"], "prevalence must be"),
        (["--dataset", "chest"], "dataset must be one of"),
        (["--plan", "nowhere"], "plan must be one of"),
        (["--model", "vgg"], "model must be one of small_cnn, .* for ham10000"),
        (["--model", "unet"], "model must be one of small_cnn, .* for ham10000"),
    ],
)
def test_bad_values_give_one_sentence_and_exit_code_2(options: list[str], words: str) -> None:
    code, out, err = _run([*ADVISE, *options])
    assert code == 2
    assert out == ""
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert re.search(words, err)


def test_profile_prints_json_with_its_warning() -> None:
    code, out, _ = _run([*PROFILE, "--epochs", "2", "--records", "50", "--json"])
    result = json.loads(out)
    assert code == 0
    assert result["warning"] == UNPAID
    assert (result["trained"]["epochs"], result["trained"]["records"]) == (2, 50)
    assert sum(result["initial"]["counts"]) == 50


def test_profile_prints_text_with_its_warning() -> None:
    code, out, _ = _run([*PROFILE, "--records", "50"])
    assert code == 0
    assert UNPAID in out
    assert "freshly initialised, 50 records: 80th percentile" in out
    assert "after 1 epoch without DP, 50 records" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--dataset", "ham10000", "--data", "nowhere"], "Error: on_private_data must be set to look at gradients of"),
        (["--dataset", "breast_cancer"], "Error: on_private_data must be set"),
        (["--dataset", "skin_phantom", "--epochs", "0"], "Error: epochs must be"),
        (["--dataset", "chest"], "Error: dataset must be one of"),
        (["--dataset", "ham10000", "--data", "nowhere", "--on-private-data"], "Error: "),
    ],
)
def test_profile_refuses_in_one_sentence(arguments: list[str], words: str) -> None:
    code, out, err = _run(["profile", *arguments])
    assert code == 2
    assert out == ""
    assert err.startswith(words)
    assert err.count("\n") == 1


def test_help_needs_no_torch() -> None:
    code = "import sys\nfrom dpcore.__main__ import app\nprint([m for m in ('torch', 'opacus') if m in sys.modules])"
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
