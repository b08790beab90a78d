"""What DP-SGD costs: one training step without DP, with ours and in each Opacus mode, side by side in one run.

    python -m benchmarks training [--json] [--repeats 7] [--model small_cnn] [--device cuda]

CPU seconds of one thread, medians of interleaved repeats: in each repeat every mode takes one step. The ratio is ours
to the faster of two steps without DP, over the whole batch and in chunks. Goals: ≤ 1.1 (small_cnn, unet) and ≤ 1.3
(resnet9) times no DP, and ≥ 1.3 times faster than Opacus' best mode, with clipped gradients equal to 1e-5.

On a GPU: wall-clock seconds until it has finished, batches eight times as large, and the GPU's memory.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before torch starts: one thread, and memory that is kept rather than returned to the kernel after every chunk.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 31),
}

CASES: dict[str, dict[str, Any]] = {
    "small_cnn": {"record_shape": (3, 28, 28), "batch": 512, "chunk_size": 512},
    "unet": {"record_shape": (1, 64, 64), "batch": 32, "chunk_size": 32},
    "resnet9": {"record_shape": (3, 28, 28), "batch": 128, "chunk_size": 128},
}
GOALS = {"small_cnn": 1.1, "unet": 1.1, "resnet9": 1.3}
GOAL_OVER_OPACUS = 1.3
EQUAL = 1e-5
#: A GPU wants more at once.
_TIMES_ON_A_GPU = 8


def measure(name: str, repeats: int, device: str) -> dict[str, Any]:
    """Returns the medians, ratios, differences and peaks of one model."""
    from benchmarks._training_modes import MODES, OPACUS, largest_difference, make_step

    case = _case(name, device)
    steps = {mode: make_step(case, mode) for mode in MODES}
    spent: dict[str, list[float]] = {mode: [] for mode in MODES}
    for step in steps.values():
        step()  # What is done once, such as comparing both ways of taking gradients, is not part of a step.
    for _ in range(repeats):
        for mode, step in steps.items():
            spent[mode].append(_seconds(step, device))
    seconds = {mode: statistics.median(times) for mode, times in spent.items()}
    no_dp = min(seconds["no_dp"], seconds["no_dp_in_chunks"])
    best = min(OPACUS, key=lambda mode: seconds[mode])
    differences = {mode: largest_difference(case, mode) for mode in OPACUS}
    over_no_dp, faster = seconds["ours"] / no_dp, seconds[best] / seconds["ours"]
    return {
        "over_no_dp": over_no_dp,
        "opacus_best_over_ours": faster,
        "opacus_best": best,
        "opacus_best_over_no_dp": seconds[best] / no_dp,
        "ms_per_record": {mode: 1000 * s / case.batch for mode, s in seconds.items()},
        "difference_from_opacus": differences,
        "peak_mib": {
            mode: _peak_on_gpu(step) if device == "cuda" else _peak(name, mode) for mode, step in steps.items()
        },
        "device": _device_name(device),
        "batch": case.batch,
        "repeats": repeats,
        "goal_over_no_dp": GOALS[name],
        "met": over_no_dp <= GOALS[name] and faster >= GOAL_OVER_OPACUS and max(differences.values()) <= EQUAL,
    }


def _case(name: str, device: str) -> Any:
    from benchmarks._training_modes import Case

    times = _TIMES_ON_A_GPU if device == "cuda" else 1
    sizes = {key: CASES[name][key] * times for key in ("batch", "chunk_size")}
    return Case(model=name, record_shape=CASES[name]["record_shape"], device=device, **sizes)


def _device_name(device: str) -> str:
    import torch

    from dpcore.training.device import device_name

    return device_name(torch.device(device))


def _seconds(step: Callable[[], None], device: str) -> float:
    """CPU seconds of this process; with a GPU the wall-clock seconds until it has nothing left to do."""
    if device == "cpu":
        start = time.process_time()
        step()
        return time.process_time() - start
    import torch

    torch.cuda.synchronize()
    start = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def _peak_on_gpu(step: Callable[[], None]) -> float:
    """MiB of the GPU's memory that a step takes beside what models and records hold."""
    import torch

    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def _peak(name: str, mode: str) -> float:
    """MiB of a process that takes two steps, less what it had before the first."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.training", "--model", name, "--peak", mode]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _print_peak(name: str, mode: str) -> None:
    from benchmarks._training_modes import make_step

    step = make_step(_case(name, "cpu"), mode)
    before = _resident("VmRSS")
    step()
    step()
    print(_resident("VmHWM") - before)


def _resident(field: str) -> float:
    match = re.search(rf"{field}:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(match[1]) / 1024 if match else float("nan")


def main() -> int:
    """Prints what was measured; returns 0 if every goal was met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks training")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--model", choices=CASES, help="this one only")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if any(os.environ.get(key) != value for key, value in _ENVIRONMENT.items()):
        os.environ.update(_ENVIRONMENT)
        os.execv(sys.executable, [sys.executable, "-W", "ignore", "-m", "benchmarks.training", *sys.argv[1:]])
    import torch

    from dpcore.training.device import find_device

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if options.peak:
        _print_peak(options.model, options.peak)
        return 0
    if options.device == "cuda" and find_device().type != "cuda":
        parser.error("argument --device: must be cpu where there is no CUDA device, but is 'cuda'.")
    results = {
        name: measure(name, options.repeats, options.device) for name in ([options.model] if options.model else CASES)
    }
    print(json.dumps(results, indent=1) if options.json else _table(results))
    return 0 if all(result["met"] for result in results.values()) else 1


def _table(results: dict[str, dict[str, Any]]) -> str:
    """The table of benchmarks/README.md."""
    lines = [
        "| model | mode | ms a record | over no DP | peak MiB | differs from ours |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for name, result in results.items():
        milliseconds = result["ms_per_record"]
        no_dp = min(milliseconds["no_dp"], milliseconds["no_dp_in_chunks"])
        for mode, ms in milliseconds.items():
            difference = result["difference_from_opacus"].get(mode)
            words = f"{difference:.0e}" if difference is not None else "–"
            peak = result["peak_mib"][mode]
            lines.append(f"| {name} | {mode.replace('_', ' ')} | {ms:.3f} | {ms / no_dp:.2f} | {peak:.0f} | {words} |")
    for name, result in results.items():
        lines.append(
            f"\n{name}: ours costs {result['over_no_dp']:.2f} × no DP (goal {result['goal_over_no_dp']}), Opacus' best "
            f"mode ({result['opacus_best'].removeprefix('opacus_')}) takes {result['opacus_best_over_ours']:.2f} × as "
            f"long as ours (goal {GOAL_OVER_OPACUS})."
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
