"""`python -m benchmarks` runs every benchmark; `python -m benchmarks NAME …` one, with its own options."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if not p.stem.startswith("_"))


def main() -> int:
    """Returns the exit code: 0 if every benchmark that ran met its goal."""
    name, *options = sys.argv[1:] or ["all"]
    if name not in ("all", *NAMES):
        print(f"Name a benchmark: {', '.join(NAMES)}; none runs all.", file=sys.stderr)
        return 2
    codes = []
    for each in NAMES if name == "all" else [name]:
        print(f"== {each}", file=sys.stderr, flush=True)
        codes.append(subprocess.run([sys.executable, "-m", f"benchmarks.{each}", *options], check=False).returncode)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
