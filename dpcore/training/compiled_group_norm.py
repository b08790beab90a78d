"""GroupNorm and its gradients for every record, compiled for this CPU: each record is read and written in the cache.

Images lie channels last, so a view is L positions of c channels.
"""

from __future__ import annotations

import numpy as np

from dpcore.training.compiling import Numbers, compiled


@compiled
def normalise(
    x: Numbers, y: Numbers, mean: Numbers, scale: Numbers, weight: Numbers, bias: Numbers, eps: float
) -> None:
    """Fills in y (m, L, c) from x (m, L, c), and of each group (m, groups) the mean and 1 / √(variance + eps)."""
    m, positions, c = x.shape
    groups = mean.shape[1]
    size = c // groups
    count = x.dtype.type(positions * size)
    centre, sums = np.empty(c, x.dtype), np.empty(c, x.dtype)
    slope, offset = np.empty(c, x.dtype), np.empty(c, x.dtype)
    for view in range(m):
        seen, out = x[view], y[view]
        sums[:] = 0
        for position in range(positions):
            for k in range(c):
                sums[k] += seen[position, k]
        for group in range(groups):
            of_group = sums[group * size : (group + 1) * size]
            mean[view, group] = of_group.sum() / count
            for k in range(group * size, (group + 1) * size):
                centre[k] = mean[view, group]
        sums[:] = 0
        for position in range(positions):
            for k in range(c):
                deviation = seen[position, k] - centre[k]
                sums[k] += deviation * deviation
        for group in range(groups):
            variance = sums[group * size : (group + 1) * size].sum() / count
            scale[view, group] = 1 / np.sqrt(variance + eps)
            for k in range(group * size, (group + 1) * size):
                slope[k] = scale[view, group] * weight[k]
                offset[k] = bias[k] - centre[k] * slope[k]
        for position in range(positions):
            for k in range(c):
                out[position, k] = seen[position, k] * slope[k] + offset[k]


@compiled
def gradients(
    x: Numbers,
    g: Numbers,
    mean: Numbers,
    scale: Numbers,
    of_input: Numbers,
    of_weight: Numbers,
    of_bias: Numbers,
    weight: Numbers,
    bias: Numbers,
    lowest: float,
) -> None:
    """Fills in the gradients of the input (m, L, c), the scale and the bias (m, c) from that of the output, g.

    Outputs up to `lowest` have none: 0 if a ReLU follows whose output's gradient g is, else -∞.
    """
    m, positions, c = x.shape
    groups = mean.shape[1]
    size = c // groups
    count, nothing = x.dtype.type(positions * size), x.dtype.type(0)
    centre, sums, products = np.empty(c, x.dtype), np.empty(c, x.dtype), np.empty(c, x.dtype)
    slope, offset = np.empty(c, x.dtype), np.empty(c, x.dtype)
    of_seen, constant = np.empty(c, x.dtype), np.empty(c, x.dtype)
    for view in range(m):
        seen, outputs, inputs = x[view], g[view], of_input[view]
        for k in range(c):
            centre[k] = mean[view, k // size]
            slope[k] = scale[view, k // size] * weight[k]
            offset[k] = bias[k] - centre[k] * slope[k]
        sums[:] = 0
        products[:] = 0
        for position in range(positions):
            for k in range(c):
                number = seen[position, k]
                passed = nothing if number * slope[k] + offset[k] <= lowest else outputs[position, k]
                sums[k] += passed
                products[k] += passed * (number - centre[k])
        for group in range(groups):
            inverse = scale[view, group]
            of_mean, of_variance = nothing, nothing
            for k in range(group * size, (group + 1) * size):
                of_bias[view, k] = sums[k]
                of_weight[view, k] = products[k] * inverse
                of_mean += sums[k] * slope[k] / count
                of_variance += products[k] * slope[k] * inverse * inverse / count
            for k in range(group * size, (group + 1) * size):
                of_seen[k] = of_variance
                constant[k] = of_variance * centre[k] - of_mean
        for position in range(positions):
            for k in range(c):
                number = seen[position, k]
                passed = nothing if number * slope[k] + offset[k] <= lowest else outputs[position, k]
                inputs[position, k] = passed * slope[k] - number * of_seen[k] + constant[k]
