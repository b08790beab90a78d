"""Many visitors at once: a workshop on one small server, beside an ordinary Streamlit page in the same run.

Visitors without a browser (`_visitors.py`) move the slider of the start page every four seconds or so. Measured are

- server time of a move, from the browser's message to the end of the script, for 30 and for 100 visitors, and the same
  for an ordinary page with the same content and Streamlit's defaults (`_plain_app.py`);
- the CPU time of a move, which other work on the machine changes least;
- memory of the server: at its start, before and after, and its slope in MB a minute over the second half;
- the same moves for 30 visitors alone and beside two trainings of the live lab;
- what forty visitors of the live lab cost who wait for their runs.

    python -m benchmarks load [--visitors 30 100] [--seconds 15] [--minutes 30] [--only moves|trainings|lab] [--json]

`--minutes` lets the largest crowd stay that long, to see whether memory stays flat. The visitors run on the same cores.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from benchmarks._crowd import EXPLORER, PLAIN, Page, move_about
from benchmarks._lab_crowd import beside_trainings, waiting_visitors
from benchmarks._servers import Server, Watch, running, running_plain

CORES = os.cpu_count() or 1
GOALS = {"p95_ms": 60.0, "memory_mb": 400.0, "beside_trainings": 1.5}
_WARM_UP_SECONDS = 6
_PARTS = ("moves", "trainings", "lab")


def crowds(server: Server, page: Page, sizes: list[int], seconds: float, last: float) -> dict[str, Any]:
    """Returns ms, CPU and memory for each crowd, the largest one staying for `last` seconds."""
    found: dict[str, Any] = {"memory_at_start": server.memory()}
    move_about(server, page, 4, _WARM_UP_SECONDS)
    for size in sizes:
        before = server.memory()
        with Watch(server=server) as watch:
            moves = move_about(server, page, size, last if size == sizes[-1] else seconds)
        memory = {"before": before, "after": server.memory(), "slope": watch.slope(), "most": watch.most()}
        found[str(size)] = {"moves": moves, "memory": memory}
    return found


def run(sizes: list[int], seconds: float, last: float, parts: list[str]) -> dict[str, Any]:
    """Returns all measurements, and the load of the machine before."""
    found: dict[str, Any] = {"load_per_core": os.getloadavg()[0] / CORES}
    if "moves" in parts:
        with running() as server:
            found["explorer"] = crowds(server, EXPLORER, sizes, seconds, last)
        with running_plain() as server:
            found["plain"] = crowds(server, PLAIN, sizes, seconds, seconds)
    if "trainings" in parts:
        found["trainings"] = beside_trainings(sizes[0], seconds)
    if "lab" in parts:
        found["lab"] = waiting_visitors(40, seconds)
    return found


def report(found: dict[str, Any]) -> None:
    """Prints the measurements for people."""
    for name in ("explorer", "plain"):
        if name in found:
            _report_crowds(name, found[name])
    if "plain" in found:
        for size in (size for size in found["explorer"] if size.isdigit()):
            ours, plain = found["explorer"][size]["moves"], found["plain"][size]["moves"]
            ratios = ", ".join(f"{plain[name] / ours[name]:.1f} × {name}" for name in ("median", "p95", "cpu_ms"))
            print(f"{size} visitors, the ordinary page over ours: {ratios}")
    if "trainings" in found:
        alone, beside = found["trainings"]["alone"], found["trainings"]["beside_two_trainings"]
        print(
            f"alone {alone['median']:.0f} / {alone['p95']:.0f} ms, beside two trainings {beside['median']:.0f} / "
            f"{beside['p95']:.0f} ms: {found['trainings']['median_ratio']:.2f} × (goal {GOALS['beside_trainings']:g})"
        )
    if "lab" in found:
        lab = found["lab"]
        print(
            f"{lab['visitors']} visitors wait in the live lab: {lab['looks_a_second']:.0f} looks a second, "
            f"{lab['median']:.0f} / {lab['p95']:.0f} ms each, {100 * lab['cpu_share']:.0f} % of a core"
        )
    print(f"waiting processes per core before: {found['load_per_core']:.2f}")
    print(f"goals: {GOALS['p95_ms']:g} ms at p95 with the largest crowd, {GOALS['memory_mb']:g} MB and flat")


def _report_crowds(name: str, found: dict[str, Any]) -> None:
    print(f"{name}: {found['memory_at_start']:.0f} MB at its start")
    head = ("visitors", "moves", "median ms", "p95 ms", "CPU ms", "kB", "core", "MB before", "MB after", "MB a minute")
    print("".join(f"{title:>12}" for title in head))
    for size, both in found.items():
        if size.isdigit():
            moves, memory = both["moves"], both["memory"]
            shown = [moves[name] for name in ("count", "median", "p95", "cpu_ms", "kb")]
            cells = [f"{value:.0f}" for value in shown] + [f"{100 * moves['cpu_share']:.0f} %"]
            cells += [f"{memory['before']:.0f}", f"{memory['after']:.0f}", f"{memory['slope']:.2f}"]
            print("".join(f"{cell:>12}" for cell in (size, *cells)))


def missed(found: dict[str, Any], sizes: list[int]) -> list[str]:
    """Returns the goals that the measurements miss."""
    named = []
    if "explorer" in found:
        most = found["explorer"][str(sizes[-1])]
        named += ["p95_ms"] if most["moves"]["p95"] > GOALS["p95_ms"] else []
        named += ["memory_mb"] if most["memory"]["most"] > GOALS["memory_mb"] else []
    if "trainings" in found and found["trainings"]["median_ratio"] > GOALS["beside_trainings"]:
        named.append("beside_trainings")
    return named


def main() -> None:
    """Prints the measurements; ends with 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, nargs="+", default=[30, 100])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--minutes", type=float, help="how long the largest crowd stays")
    parser.add_argument("--only", choices=_PARTS, nargs="+", default=list(_PARTS))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    last = 60 * options.minutes if options.minutes else options.seconds
    found = run(options.visitors, options.seconds, last, options.only)
    print(json.dumps(found, indent=1)) if options.json else report(found)
    sys.exit(bool(missed(found, options.visitors)))


if __name__ == "__main__":
    main()
