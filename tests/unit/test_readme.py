"""The README's commands run, its map names what exists, and its results table is what the command prints."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dpcore.__main__ import app
from dpcore.results.store import PrecomputedStore

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(
    r"^\.venv/bin/python (-m dpcore (?:verify|results|calibrate|risk|claims|attacks|advise|profile|run)[^#\n]*)",
    README,
    re.MULTILINE,
)


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "ignore", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


def test_the_readme_shows_the_commands() -> None:
    assert len(COMMANDS) >= 4


@pytest.mark.parametrize("command", COMMANDS)
def test_a_shown_command_runs(command: str) -> None:
    result = _run(shlex.split(command))
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout


def test_the_map_names_what_exists() -> None:
    tree = README.split("## For developers")[1].split("```")[1]
    parent = Path()
    for line in tree.strip().splitlines():
        name = line.split()[0]
        parent = Path(name) if not line.startswith(" ") else parent
        path = ROOT / (name if not line.startswith(" ") else parent / name)
        assert path.exists(), name


def _shown_tables() -> list[tuple[str, str, str]]:
    """Dataset, model and table; the main model goes without a name."""
    text = README + (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    return re.findall(r"<!-- results (\w+) ?(\w*) -->(.*?)<!-- end -->", text, re.DOTALL)


def test_every_dataset_and_model_has_its_table() -> None:
    store = PrecomputedStore()
    names = dict.fromkeys(store.table("points")["dataset"])
    trained = {(name, model if place else "") for name in names for place, model in enumerate(store.models(name))}
    assert {(name, model) for name, model, _ in _shown_tables()} == trained


@pytest.mark.parametrize(("dataset", "model", "shown"), _shown_tables())
def test_a_results_table_is_what_the_command_prints(dataset: str, model: str, shown: str) -> None:
    which = ["--dataset", dataset, *(["--model", model] if model else [])]
    printed = CliRunner().invoke(app, ["results", *which, "--markdown"]).stdout
    assert shown.strip() == printed.strip()


def test_the_pictures_exist() -> None:
    for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README):
        assert (ROOT / picture).is_file(), picture
