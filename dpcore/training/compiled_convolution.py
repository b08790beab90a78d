"""The gradient of a convolution's weights for every record, compiled for this CPU.

One record at a time is padded, multiplied and normed in the cache; nothing is unfolded. A library can only sum over the
batch or be called once a record, which costs small convolutions more than their multiplications.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from dpcore.training.compiling import Numbers, compiled

#: Output channels in one vector.
_LANES = 16
#: So many neighbouring weights are summed over all positions at once, in registers: 16 of AVX-512's 32 vectors, or 6
#: pairs or fours of a narrower CPU's. Tuples, so that the compiler knows their lengths.
_MANY = (0,) * (16 if llvmlite.binding.get_host_cpu_features().get("avx512f") else 6)
_FEW = (0,) * (len(_MANY) // 2)


def padded_shape(weights: int, run: int, channels: int) -> tuple[int, int]:
    """Returns the shape of a record's gradient: weights, of which `run` are neighbours, and output channels.

    With room for whole vectors and for what the last sums of a run find beyond its end.
    """
    left = run % len(_MANY)
    beyond = (0 if not left else len(_FEW) if left <= len(_FEW) else len(_MANY)) - left
    return weights + beyond, -(-channels // _LANES) * _LANES


def _sum_over_positions_code(
    typing_context: Any,  # noqa: ARG001
    x: Any,
    start: Any,
    offsets: Any,
    g: Any,
    channel: Any,
    total: Any,
    row: Any,
    valid: Any,
    tile: Any,
) -> Any:
    """total[row + t, channel:channel + lanes] = Σₗ x[start + offsets[l] + t] · g[l, channel:channel + lanes], t < tile.

    Returns the squared norm of the first `valid` rows. In the compiler's language, so that all sums stay in registers.
    """

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        x_type, _, offsets_type, g_type, _, total_type, *_ = signature.args
        arrays = {
            name: context.make_array(of_type)(context, builder, value)
            for name, of_type, value in (
                ("x", x_type, args[0]),
                ("offsets", offsets_type, args[2]),
                ("g", g_type, args[3]),
                ("total", total_type, args[5]),
            )
        }
        number = context.get_data_type(x_type.dtype)
        vector, index = ir.VectorType(number, _LANES), ir.IntType(32)
        multiply_add = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(vector, [vector] * 3),
            f"llvm.fmuladd.v{_LANES}{number.intrinsic_name}",
        )
        undefined = ir.Constant(vector, ir.Undefined)
        everywhere = ir.Constant(ir.VectorType(index, _LANES), [0] * _LANES)
        width = builder.extract_value(arrays["g"].shape, 1)
        inputs = builder.gep(arrays["x"].data, [args[1]])
        outputs = builder.gep(arrays["g"].data, [args[4]])
        positions = builder.extract_value(arrays["offsets"].shape, 0)

        def vector_at(pointer: Any) -> Any:
            return builder.bitcast(pointer, vector.as_pointer())

        before, loop = builder.block, builder.append_basic_block("position")
        after = builder.append_basic_block("summed")
        builder.branch(loop)
        builder.position_at_end(loop)
        position = builder.phi(positions.type)
        position.add_incoming(positions.type(0), before)
        sums = [builder.phi(vector) for _ in range(tile.count)]
        seen = builder.gep(inputs, [builder.load(builder.gep(arrays["offsets"].data, [position]))])
        of_outputs = builder.load(vector_at(builder.gep(outputs, [builder.mul(position, width)])), align=4)
        added = []
        for t, of_weight in enumerate(sums):
            scalar = builder.load(builder.gep(seen, [positions.type(t)]))
            spread = builder.shuffle_vector(builder.insert_element(undefined, scalar, index(0)), undefined, everywhere)
            added.append(builder.call(multiply_add, [spread, of_outputs, of_weight]))
            of_weight.add_incoming(vector([0.0] * _LANES), before)
            of_weight.add_incoming(added[t], loop)
        following = builder.add(position, positions.type(1))
        position.add_incoming(following, loop)
        builder.cbranch(builder.icmp_signed("<", following, positions), loop, after)
        builder.position_at_end(after)
        first = builder.gep(arrays["total"].data, [builder.add(builder.mul(args[6], width), args[4])])
        squares, nothing = vector([0.0] * _LANES), vector([0.0] * _LANES)
        for t, of_weight in enumerate(added):
            builder.store(of_weight, vector_at(builder.gep(first, [builder.mul(width, positions.type(t))])), align=4)
            counted = builder.select(builder.icmp_signed("<", args[7].type(t), args[7]), of_weight, nothing)
            squares = builder.call(multiply_add, [counted, counted, squares])
        add_up = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(number, [number, vector]),
            f"llvm.vector.reduce.fadd.v{_LANES}{number.intrinsic_name}",
        )
        return builder.call(add_up, [number(0.0), squares], fastmath=("reassoc",))

    return x.dtype(x, start, offsets, g, channel, total, row, valid, tile), generate


_sum_over_positions: Any = intrinsic(_sum_over_positions_code)


@compiled
def weight_gradients(
    x: Numbers,
    g: Numbers,
    of_weight: Numbers,
    squared: Numbers,
    of_bias: Numbers,
    runs: Numbers,
    offsets: Numbers,
    border: tuple[int, int],
    weights: int,
) -> None:
    """Fills in the gradients of n records.

    Args:
        x: inputs (n · views, h, w, channels), not padded.
        g: gradients of the outputs (n, L, C), L the positions of all of a record's views.
        of_weight: to be filled, (n, *`padded_shape`), weights in the order of (kernel h, kernel w, channels); what lies
            beyond K and C means nothing.
        squared: to be filled, the squared norms (n,).
        of_bias: to be filled, (n, C).
        runs: where in a padded record each run of neighbouring weights starts at the first position.
        offsets: how far each position (L,) is from the first.
        border: zeros above and left of x; as many lie below and right.
        weights: K, len(runs) runs of the same length.
    """
    n, positions, c = g.shape
    m, h, w, channels = x.shape
    views = m // n
    high, wide = h + 2 * border[0], (w + 2 * border[1]) * channels
    columns = of_weight.shape[2]
    length = weights // len(runs)
    padded = np.zeros(views * high * wide + len(_MANY), x.dtype)
    filled = np.zeros((positions, columns), x.dtype)
    sums = np.empty(c, x.dtype)
    for record in range(n):
        for view in range(views):
            for row in range(h):
                start = (view * high + row + border[0]) * wide + border[1] * channels
                inputs = x[record * views + view, row].reshape(w * channels)
                within = padded[start : start + w * channels]
                for i in range(len(within)):
                    within[i] = inputs[i]
        outputs = g[record]
        sums[:] = 0
        for position in range(positions):
            for k in range(c):
                sums[k] += outputs[position, k]
        for k in range(c):
            of_bias[record, k] = sums[k]
        if columns > c:
            for position in range(positions):
                for k in range(c):
                    filled[position, k] = outputs[position, k]
            outputs = filled
        total = of_weight[record]
        square = x.dtype.type(0)
        for channel in range(0, columns, _LANES):
            for run in range(len(runs)):
                start, row, left = runs[run], run * length, length
                while left > len(_FEW):
                    square += _sum_over_positions(padded, start, offsets, outputs, channel, total, row, left, _MANY)
                    start, row, left = start + len(_MANY), row + len(_MANY), left - len(_MANY)
                if left > 0:
                    square += _sum_over_positions(padded, start, offsets, outputs, channel, total, row, left, _FEW)
        squared[record] = square
