"""The command `run`, and the command line that repeats a run of the live lab."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from dpcore.__main__ import app
from dpcore.jobs import RunSettings, TaskProgress, work
from dpcore.jobs.repeat import command_line
from dpcore.settings import TrainingConfig

TABLE = TrainingConfig(model="mlp", epochs=4, expected_batch_size=64, max_grad_norm=2.0)
PICTURES = TrainingConfig(
    model="resnet9",
    epochs=7,
    expected_batch_size=1024,
    max_grad_norm=0.1,
    learning_rate=1 / 3,
    positive_weight=4.5,
    multiplicity=3,
    flips=True,
    seed=11,
)
WAYS = [
    RunSettings(dataset="breast_cancer", training=TABLE, epsilon=8.0),
    RunSettings(dataset="breast_cancer", training=TABLE, epsilon=8.0).without_dp(),
    RunSettings(dataset="skin_phantom", training=PICTURES, epsilon=1e9, delta=1e-5, accountant="tight"),
    RunSettings(dataset="skin_phantom", training=PICTURES, noise_multiplier=0.1 + 0.2),
    RunSettings(dataset="ham10000", training=PICTURES, delta=1 / 7000),
]


def _run(arguments: list[str]) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), "a traceback reached the user"
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize("settings", WAYS)
def test_the_command_line_gives_the_same_settings(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    performed: list[Any] = []

    def note(task: Any, **_: Any) -> dict[str, Any]:
        performed.append(task)
        return {"pictures": None}

    monkeypatch.setattr(work, "perform_task", note)
    words = shlex.split(command_line(settings))
    assert words[:4] == ["python", "-m", "dpcore", "run"]
    code, out, err = _run([*words[3:], "--json"])
    assert code == 0, err
    if not settings.is_private and settings.training.max_grad_norm != 1.0:
        assert "--max-grad-norm" in words
    assert performed == [settings]
    assert json.loads(out)["settings"] == settings.to_json()


def test_only_what_differs_from_a_default_is_written() -> None:
    assert command_line(WAYS[0]) == (
        "python -m dpcore run --dataset breast_cancer --model mlp --epochs 4 --batch 64 --max-grad-norm 2 --epsilon 8"
    )


def test_the_command_prints_what_the_lab_shows() -> None:
    words = shlex.split(command_line(WAYS[0]))[3:]
    outcome = work.perform_task(WAYS[0], report=lambda _: None, check=lambda: None)
    code, out, err = _run([*words, "--json"])
    assert code == 0
    printed = json.loads(out)["outcome"]
    assert "pictures" not in printed
    expected = json.loads(json.dumps(outcome))
    for result in (printed, expected):
        result.pop("seconds")
        result.pop("pictures", None)
    assert printed == expected
    assert "loading the records" in err
    assert "attacking" in err

    code, out, _ = _run(words)
    flat = " ".join(out.split())
    assert code == 0
    assert f"mcc {outcome['utility']:.3f}" in flat
    assert f"{outcome['noise_multiplier']:.6g}" in flat
    assert f"{outcome['epsilon_tight']:.6g}" in flat
    assert f"{outcome['attack']['looks'][1]['matched']} matched" in flat
    assert f"AUC {outcome['membership']['auc']:.3f}" in flat


def test_without_dp_the_command_says_so() -> None:
    code, out, _ = _run(shlex.split(command_line(WAYS[1]))[3:])
    assert code == 0
    assert "no ε is finite" in " ".join(out.split())


BASIC = ["run", "--dataset", "breast_cancer", "--model", "mlp", "--epochs", "2", "--batch", "64"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "Exactly one of epsilon, noise_multiplier, no_dp must be given, but given are: none."),
        (["--epsilon", "8", "--no-dp"], "must be given, but given are: epsilon, no_dp."),
        (["--epsilon", "8"], "max_grad_norm must be given with DP, but is not."),
        (["--epsilon", "-1", "--max-grad-norm", "1"], "epsilon must be a finite number above 0, but is -1.0."),
        (["--no-dp", "--accountant", "prv"], "accountant must be one of rdp, tight, but is 'prv'."),
        (["--no-dp", "--multiplicity", "2", "--flips"], "multiplicity must be 1 for table rows"),
        (["--no-dp", "--batch", "1000"], "expected_batch_size must be at most the 426 training records, but is 1000."),
    ],
)
def test_bad_input_is_one_sentence(options: list[str], sentence: str) -> None:
    code, out, err = _run([*BASIC, *options])
    assert (code, out) == (2, "")
    assert sentence in err


def test_the_command_line_and_the_script_need_no_torch() -> None:
    code = "import sys, dpcore.jobs.repeat, dpcore.jobs.opacus_script, dpcore.__main__\n"
    code += "print([m for m in ('torch', 'opacus') if m in sys.modules])"
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_progress_of_one_training_comes_as_lines(capsys: pytest.CaptureFixture[str]) -> None:
    from dpcore.cli._progress import step_report

    with step_report() as show:
        show(TaskProgress(phase="loading the records"))
        for step in range(1, 4):
            show(TaskProgress(phase="training", step=step, steps=1000))
    assert capsys.readouterr().err.splitlines() == ["loading the records", "training: step 1 of 1,000"]
