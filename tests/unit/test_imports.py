"""Imports run one way, app → pages → ui → dpcore, and only science that trains or attacks needs torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TORCH_FREE = (
    "dpcore.attacks",
    "dpcore.checker",
    "dpcore.claims",
    "dpcore.cluster",
    "dpcore.datasets",
    "dpcore.jobs",
    "dpcore.planner",
    "dpcore.privacy",
    "dpcore.results",
    "dpcore.settings",
    "dpcore.sweep",
    "dpcore.cli",
    "dpcore.__main__",
    "ui",
)
#: The parts of torch-free packages that need torch.
NEEDS_TORCH = (
    "dpcore.attacks.networks",
    *(f"dpcore.jobs.{name}" for name in ("work", "attacked", "chunks", "probe", "watching")),
    *(f"dpcore.sweep.{name}" for name in ("training_cells", "membership_cells")),
)
#: What each layer may not import.
FORBIDDEN = {
    "dpcore": ("streamlit", "plotly", "ui", "pages", "app"),
    "ui": ("pages", "app", "torch", "opacus", "dpcore.training", *NEEDS_TORCH, "dpcore.sweep", "dpcore.models"),
    "pages": ("app", "torch", "opacus", "dpcore.training", *NEEDS_TORCH, "dpcore.sweep", "dpcore.models", "pages"),
}


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("layer", FORBIDDEN)
def test_no_layer_imports_upwards(layer: str) -> None:
    files = sorted((ROOT / layer).rglob("*.py"))
    assert files
    for path in files:
        for name in _imported(path):
            for forbidden in FORBIDDEN[layer]:
                assert not f"{name}.".startswith(f"{forbidden}."), f"{path.name} imports {name}"


def _modules() -> list[str]:
    files = [p.relative_to(ROOT) for layer in ("dpcore", "ui") for p in (ROOT / layer).rglob("*.py")]
    names = [".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in files]
    return [name for name in names if name.startswith(TORCH_FREE) and not name.startswith(NEEDS_TORCH)]


def test_what_the_app_may_import_never_brings_torch() -> None:
    """Imports every torch-free module in a fresh interpreter and looks at what came along."""
    code = "import sys, importlib\n" + "".join(f"importlib.import_module({name!r})\n" for name in _modules())
    code += "print([m for m in ('torch', 'opacus') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip().splitlines()[-1] == "[]"
