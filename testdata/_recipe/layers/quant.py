"""Quantisation, and products of quantised matrices."""

import ml_dtypes
import numpy as np
from onnx import helper

from .draw import F16, F32, Node, family
from .product import broadcast_pair

I8, U8, I16, U16, I32 = (np.dtype(t) for t in ("int8", "uint8", "int16", "uint16", "int32"))
I4, U4 = np.dtype(ml_dtypes.int4), np.dtype(ml_dtypes.uint4)
I2, U2 = np.dtype(ml_dtypes.int2), np.dtype(ml_dtypes.uint2)
F8 = [np.dtype(getattr(ml_dtypes, n)) for n in ("float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz")]
F4 = np.dtype(ml_dtypes.float4_e2m1fn)
BY_VERSION = {10: [I8, U8], 13: [I8, U8], 19: [I8, U8, *F8], 21: [I8, U8, I16, U16, I4, U4, *F8], 23: [I8, U8, I4, U4, F4], 25: [I2, U2, I8, U8]}


def granularity(d, opset, shape):
    """Shape of the scale, axis and block size."""
    form = d.pick("tensor", "axis", "block") if opset >= 21 else "tensor" if opset == 10 else d.pick("tensor", "axis")
    if form == "tensor" or not shape:
        return d.pick([], [], [1]) if opset < 13 or d.chance(0.1) else [], {}
    axis = d.int(-len(shape), len(shape) - 1)
    attrs = {"axis": axis} if axis != 1 or d.chance(0.6) else {}
    if form == "axis":
        return [shape[axis]], attrs
    block = d.int(1, shape[axis])
    scale = list(shape)
    scale[axis] = -(-shape[axis] // block)
    return scale, {**attrs, "block_size": block}


def zero_points(d, shape, t):
    if t in F8 or t == F4:
        return np.zeros(shape, t)
    return d.codes(shape, t)


def scales(d, shape, dtype=F32):
    s = d.g.uniform(0.02, 0.6, shape)
    if d.chance(0.3):
        s = 2.0 ** np.round(np.log2(s))  # products that fall half way between two codes
    return np.asarray(s, dtype)


@family
def quantize(d):
    opset = d.pick(10, 13, 19, 21, 21, 21, 23, 25)
    t = d.pick(BY_VERSION[opset])
    shape = d.ints(d.int(0, 4), 1, 6)
    per, attrs = granularity(d, opset, shape)
    xt = F32 if opset < 19 or d.chance(0.8) else F16
    s = scales(d, per, xt)
    x = d.odd(d.floats(shape, xt, d.pick(1, 5, 40)), 0.06)
    if d.chance(0.3):
        x = np.round(x * 4) / 4
    z = zero_points(d, per, t)
    if d.chance(0.15):
        z, t = None, U8
        if opset >= 21 and d.chance(0.6):
            t = d.pick(BY_VERSION[opset])
            attrs["output_dtype"] = helper.np_dtype_to_tensor_dtype(t)
    elif opset >= 19 and t in F8 and d.chance(0.5):
        attrs["saturate"] = 0
    return Node("QuantizeLinear", opset, [x.astype(xt), s, z], attrs, [t])


@family
def dequantize(d):
    opset = d.pick(10, 13, 19, 21, 21, 21, 23, 25)
    t = d.pick(BY_VERSION[opset] + ([I32] if opset != 25 else []))
    shape = d.ints(d.int(0, 4), 1, 6)
    per, attrs = granularity(d, opset, shape)
    st = F32 if opset < 19 or d.chance(0.8) else F16
    s = scales(d, per, st)
    if t in F8 or t == F4:
        x, z = d.floats(shape, F32, 3).astype(t), np.zeros(per, t)
    elif t == I32:
        x, z = d.codes(shape, t, -5000, 5000), np.zeros(per, t)
    else:
        x, z = d.codes(shape, t), d.codes(per, t)
    return Node("DequantizeLinear", opset, [x, s, z if d.chance(0.7) else None], attrs, [st])


@family
def dynamicquantize(d):
    x = d.floats(d.ints(d.int(0, 4), 1, 6), scale=d.pick(0.1, 1, 30), shift=d.pick(0, 0, 5, -5))
    if d.chance(0.1):
        x = np.asarray(x * 0 + d.pick(0, 2), F32)
    return Node("DynamicQuantizeLinear", 11, [x], outputs=[U8, F32, U8])


@family
def matmulinteger(d):
    at, bt = d.pick((U8, U8), (U8, I8), (I8, I8), (I8, U8))
    m, k, n = d.ints(3, 1, 8) if d.chance(0.7) else d.ints(3, 1, 70)
    a, b = broadcast_pair(d, [m, k], [k, n])
    az = d.codes([], at) if d.chance(0.6) else None
    bz = d.codes(d.pick([], [n]), bt) if d.chance(0.6) else None
    return Node("MatMulInteger", 10, [d.codes(a, at), d.codes(b, bt), az, bz], outputs=[I32])


@family
def qlinearmatmul(d):
    opset = d.pick(10, 21)
    at, bt, yt = d.pick((U8, U8, U8), (U8, I8, U8), (I8, I8, I8))
    m, k, n = d.ints(3, 1, 8) if d.chance(0.7) else d.ints(3, 1, 60)
    a, b = broadcast_pair(d, [m, k], [k, n])
    per = d.pick([], [], [n])
    ins = [d.codes(a, at), scales(d, []), d.codes([], at), d.codes(b, bt), scales(d, per), d.codes(per, bt), scales(d, []) * 50, d.codes([], yt)]
    ins[6] = np.asarray(ins[6], F32)
    return Node("QLinearMatMul", opset, ins, outputs=[yt], atol=1.0)
