"""`python -m dpcore check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dpcore.__main__ import app
from dpcore.checker import LARGEST_FILE

FOLDER = Path(__file__).parent / "configurations"


def _run(*arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", *arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), "a traceback reached the user"
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(
    ("name", "code", "first"),
    [
        ("opacus_sound.json", 0, "SOUND"),
        ("opacus_shuffled.yaml", 1, "WEAK"),
        ("tf_microbatches.yaml", 1, "VOID"),
        ("generic_incomplete.yaml", 1, "INCOMPLETE"),
    ],
)
def test_exit_code_and_first_word(name: str, code: int, first: str) -> None:
    exit_code, out, _ = _run(str(FOLDER / name))
    assert exit_code == code
    assert out.startswith(f"{first}:")


def test_the_report_names_fields_and_numbers() -> None:
    _, out, _ = _run(str(FOLDER / "opacus_shuffled.yaml"))
    assert "Claimed: ε = 3." in out
    assert "ε = 19.4 (tight), 20.6 (RDP) at δ = 1e-6" in out
    assert "weak  poisson_sampling:" in out


def test_json() -> None:
    code, out, _ = _run(str(FOLDER / "opacus_tuned.json"), "--json")
    result = json.loads(out)
    assert code == 1
    assert result["outcome"] == "weak"
    assert [s["name"] for s in result["statements"]] == ["training", "all_trainings", "patient"]
    assert result["epsilon"] == result["statements"][0]["epsilon_tight"]
    assert result["epsilon_is_infinite"] is False


def test_infinity_is_null_in_json() -> None:
    _, out, _ = _run(str(FOLDER / "opacus_script.toml"), "--json")
    result = json.loads(out, parse_constant=lambda constant: pytest.fail(constant))
    assert result["epsilon"] is None
    assert result["epsilon_is_infinite"] is True


def test_standard_input() -> None:
    code, out, _ = _run("-", stdin=(FOLDER / "generic_sound.toml").read_bytes())
    assert (code, out.split(":")[0]) == (0, "SOUND")


@pytest.mark.parametrize("file", ["", ".", "missing.json", "a\x00b.json", "/dev/zero", "x" * 5000])
def test_what_cannot_be_read_is_one_sentence(file: str) -> None:
    code, out, error = _run(file)
    assert (code, out) == (2, "")
    assert error.startswith("Error: FILE must be")
    assert error.count("\n") == 1


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as handle:
        handle.truncate(LARGEST_FILE * 100_000)
    code, _, error = _run(str(path))
    assert code == 2
    assert "at most 64 kB" in error
