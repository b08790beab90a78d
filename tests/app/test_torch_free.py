"""A page of precomputed results opens without torch; a typed budget, calibrated live, still does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_VISIT = """
import sys
from streamlit.testing.v1 import AppTest

app = AppTest.from_file("app.py", default_timeout=60).run()
app.switch_page("pages/tradeoff.py").run()
assert not app.exception and not app.error
first = sorted(name for name in ("torch", "opacus", "sklearn", "skimage", "scipy", "pandas") if name in sys.modules)
app.text_input(key="bar_typed").set_value("12.5").run()
app.segmented_control(key="bar_counted").set_value("tight").run()
assert not app.exception and not app.error and not app.warning, app.warning
later = sorted(name for name in ("torch", "opacus") if name in sys.modules)
print("FOUND", first, later)
"""


def test_the_web_process_imports_no_torch() -> None:
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _VISIT.replace('"app.py"', repr(str(ROOT / "app.py")))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert "FOUND [] []" in result.stdout
