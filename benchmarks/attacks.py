"""CPU seconds and success of attacks on one picture's gradient, side by side in one run on one thread.

    python -m benchmarks attacks [--pictures 3] [--json]

The imprint attack (a malicious server, one look) beside both optimisation attacks (an honest server), then the noise
at which the latter break, and what they reach on the project's own small CNN. Painted pictures only. The goal: no
optimisation attack takes more than 5 s a picture of 28 pixels. Seconds differ between machines, ratios hardly.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray

from dpcore.attacks.networks.imprint import ImprintModel, clipped_imprint_gradient, combine_bins
from dpcore.attacks.networks.inversion import ATTACKS, OptimisationAttack
from dpcore.attacks.networks.optimisation import FRIENDLY, OptimisationScores, attack_by_optimisation
from dpcore.datasets import skin_phantom
from dpcore.models import build_model

NOISE_MULTIPLIERS = (1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 1.0)
GOAL_S = 5.0
#: CPU seconds: no search is cut short, so that what is timed is the whole attack.
_AMPLE_S = 60.0


def _paint(count: int, *, side: int, channels: int = 3) -> NDArray[np.uint8]:
    pictures = skin_phantom.paint(np.arange(count), size=side)
    return pictures if channels == 3 else pictures[..., :1]


def _cpu_seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _imprint_seconds(pictures: NDArray[np.uint8]) -> list[float]:
    """One look at each picture: gradient of the whole network and reading; planting the layers is not counted."""
    records = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    shape = tuple(records.shape[1:])
    model = ImprintModel(build_model("small_cnn", shape, seed=0), record_shape=shape)

    def attack(record: torch.Tensor) -> None:
        gradient = clipped_imprint_gradient(model, record, 0, max_grad_norm=1.0)
        read = combine_bins(gradient.weights, gradient.biases)
        np.clip(read[:-1] / read[-1], 0, 1)

    attack(records[0])  # The first pass of a network pays for the library's start.
    return [_cpu_seconds(lambda record=record: attack(record)) for record in records]  # type: ignore[misc]


def _scores(
    pictures: NDArray[np.uint8], attack: OptimisationAttack, *, noise_multiplier: float, model: str = FRIENDLY
) -> OptimisationScores:
    return attack_by_optimisation(
        pictures, attack=attack, noise_multiplier=noise_multiplier, looks=1, seed=0, model=model, time_limit=_AMPLE_S
    )


def seconds_per_picture(count: int) -> dict[str, Any]:
    """Every attack once on every picture, without noise."""
    times = {f"imprint, {side} px, RGB": _imprint_seconds(_paint(count, side=side)) for side in (28, 128)}
    for channels, kind in ((3, "RGB"), (1, "grey")):
        for attack in ATTACKS:
            scores = _scores(_paint(count, side=28, channels=channels), attack, noise_multiplier=0)
            times[f"{attack}, 28 px, {kind}"] = scores.seconds.tolist()
    reference = statistics.median(times["dlg, 28 px, RGB"])
    rows = [
        {
            "attack": name,
            "median_s": statistics.median(t),
            "max_s": max(t),
            "over_dlg": statistics.median(t) / reference,
        }
        for name, t in times.items()
    ]
    return {"rows": rows, "goal_s": GOAL_S, "met": max(map(max, times.values())) <= GOAL_S}


def where_noise_breaks_them(count: int) -> dict[str, Any]:
    """One look at each RGB picture of 28 pixels, from no noise to as much as the clipping norm."""
    pictures = _paint(count, side=28)
    return {
        "rows": [
            _row(_scores(pictures, attack, noise_multiplier=noise))
            for attack in ATTACKS
            for noise in (0.0, *NOISE_MULTIPLIERS)
        ]
    }


def against_the_own_network(count: int) -> dict[str, Any]:
    """Without noise, a network with GroupNorm, ReLU and a global maximum."""
    pictures = _paint(count, side=28)
    return {"rows": [_row(_scores(pictures, attack, noise_multiplier=0, model="small_cnn")) for attack in ATTACKS]}


def _row(scores: OptimisationScores) -> dict[str, Any]:
    return {
        "attack": scores.attack,
        "model": scores.model,
        "noise_multiplier": scores.noise_multiplier,
        "ssim_error": float(np.median(scores.error)),
        "psnr_db": float(np.median(scores.psnr)),
        "correlation": float(np.median(scores.correlation)),
        "median_s": float(np.median(scores.seconds)),
    }


BENCHMARKS = {
    "CPU seconds a picture": seconds_per_picture,
    "where noise breaks optimisation attacks (medians)": where_noise_breaks_them,
    "against the project's own small CNN, no noise (medians)": against_the_own_network,
}


def main() -> int:
    """Prints what was measured; returns 0 if the goal was met."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks attacks")
    parser.add_argument("--pictures", type=int, default=3, help="painted pictures to attack (default 3)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {}
    for name, benchmark in BENCHMARKS.items():
        results[name] = benchmark(options.pictures)
        if not options.json:
            print(f"\n{name}", flush=True)
            for row in results[name]["rows"]:
                print("  " + ", ".join(f"{k} {f'{v:.3g}' if isinstance(v, float) else v}" for k, v in row.items()))
    if options.json:
        print(json.dumps(results, indent=1))
    return 0 if all(r.get("met", True) for r in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
