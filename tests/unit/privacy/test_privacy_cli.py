"""The commands calibrate and risk."""

from __future__ import annotations

import json
import math

import pytest
import typer
from typer.testing import CliRunner

from dpcore.cli import privacy as commands
from dpcore.privacy import DpSgdMechanism, get_risks_from_mechanism

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(commands.calibrate)
app.command()(commands.risk)

CALIBRATE = ["calibrate", "--epsilon", "8", "--delta", "8e-7", "--sample-rate", "0.25", "--steps", "300"]
RISK = ["risk", "--noise-multiplier", "1", "--sample-rate", "0.1", "--steps", "100", "--kappa", "0.01"]


def _run(arguments: list[str]) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), "a traceback reached the user"
    return result.exit_code, result.stdout, result.stderr


def _with(arguments: list[str], option: str, value: str) -> list[str]:
    changed = list(arguments)
    changed[changed.index(option) + 1] = value
    return changed


def test_calibrate_prints_json() -> None:
    code, out, _ = _run([*CALIBRATE, "--accountant", "rdp", "--json"])
    result = json.loads(out)
    assert code == 0
    assert result["noise_multiplier"] == pytest.approx(3.154848, rel=1e-6)
    assert 8 * (1 - 1e-6) < result["epsilon_rdp"] <= 8
    assert result["epsilon_tight"] == pytest.approx(7.480625, rel=1e-5)
    assert (result["sample_rate"], result["steps"], result["accountant"]) == (0.25, 300, "rdp")


def test_calibrate_tight() -> None:
    _, out, _ = _run([*CALIBRATE, "--accountant", "tight", "--json"])
    result = json.loads(out)
    assert 8 * (1 - 1e-6) < result["epsilon_tight"] <= 8 < result["epsilon_rdp"]
    assert result["noise_multiplier"] < 3.154848


def test_risk_prints_json_with_the_documented_keys() -> None:
    code, out, _ = _run([*RISK, "--json"])
    result = json.loads(out)
    risks = get_risks_from_mechanism(DpSgdMechanism(noise_multiplier=1.0, sample_rate=0.1, steps=100), kappa=0.01)
    assert code == 0
    for key in ("worst_case", "relaxed", "advantage", "auc", "tpr_at_fpr_0_01", "tpr_at_fpr_0_001", "error"):
        assert result[key] == getattr(risks, key)
    assert result["worst_case"] == pytest.approx(0.1460544, rel=1e-6)
    assert result["relaxed_persistent"] is None


def test_json_has_null_for_what_is_infinite() -> None:
    _, out, _ = _run([*_with(RISK, "--noise-multiplier", "0.01"), "--json"])
    result = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert result["epsilon_gdp_approximation"] is None
    assert math.isfinite(result["epsilon_tight"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(CALIBRATE, ["3.15485", "7.48063", "approximation"]), (RISK, ["14.7 %", "6.02 %", "43.9 %"])],
)
def test_tables_are_readable_and_limits_rounded_up(arguments: list[str], words: list[str]) -> None:
    code, out, _ = _run(arguments)
    assert code == 0
    for word in words:
        assert word in out


@pytest.mark.parametrize(
    ("arguments", "option", "value"),
    [
        (RISK, "--noise-multiplier", "0"),
        (RISK, "--noise-multiplier", "-1"),
        (RISK, "--noise-multiplier", "nan"),
        (RISK, "--noise-multiplier", "inf"),
        (RISK, "--sample-rate", "0"),
        (RISK, "--sample-rate", "1.5"),
        (RISK, "--steps", "0"),
        (RISK, "--kappa", "0"),
        (RISK, "--kappa", "1.1"),
        (RISK, "--kappa", "nan"),
        (RISK, "--kappa", "1e-9"),
        (CALIBRATE, "--epsilon", "0"),
        (CALIBRATE, "--epsilon", "inf"),
        (CALIBRATE, "--delta", "0"),
        (CALIBRATE, "--delta", "1"),
        (CALIBRATE, "--sample-rate", "nan"),
        (CALIBRATE, "--steps", "-5"),
    ],
)
def test_bad_values_give_one_sentence_and_exit_code_2(arguments: list[str], option: str, value: str) -> None:
    code, out, err = _run(_with(arguments, option, value))
    field = option.removeprefix("--").replace("-", "_")
    assert code == 2
    assert out == ""
    assert err.startswith(f"Error: {field} must be ")
    assert err.count("\n") == 1
    assert err.endswith(".\n")


@pytest.mark.parametrize(
    ("arguments", "option", "value"),
    [(RISK, "--steps", "1.5"), (RISK, "--kappa", "abc"), (CALIBRATE, "--epsilon", "eight")],
)
def test_text_and_fractions_are_refused_by_the_parser(arguments: list[str], option: str, value: str) -> None:
    code, out, err = _run(_with(arguments, option, value))
    assert code == 2
    assert out == ""
    assert option in err
    assert "Traceback" not in err


def test_unknown_accountant_is_one_sentence() -> None:
    code, _, err = _run([*CALIBRATE, "--accountant", "prv"])
    assert code == 2
    assert err == "Error: accountant must be one of rdp, tight, but is 'prv'.\n"
