"""QuantizeLinear and DequantizeLinear over all element types and granularities, and the integer products."""

import numpy as np
from onnx import TensorProto as T

from draw import FLOAT8, allowed, np_type, one, opset_for

SMALL = [T.FLOAT4E2M1] + [getattr(T, n) for n in ("FLOAT6E2M3", "FLOAT6E3M2") if hasattr(T, n)]


def granularity(d, since):
    """Draws (shape of x, axis or None, block size, shape of the scale)."""
    shape = d.shape(1, 4, 7, empty=0.03)
    kind = d.pick(["tensor", "axis", "axis"] + (["block"] * 2 if since >= 21 else []))
    if since < 13 and kind == "axis":
        kind = "tensor"
    if kind == "tensor":
        return d.pick(shape, ()), None, 0, d.pick((), (), (1,))
    axis = d.axis(len(shape))
    if kind == "axis":
        return shape, axis, 0, (shape[axis],)
    block = d.int(1, 4)
    scale = list(shape)
    scale[axis] = -(-shape[axis] // block)
    return shape, axis, block, tuple(scale)


def codes(d, elem, shape):
    if elem in SMALL:
        return np.asarray(d.g.uniform(-8, 8, shape)).astype(np.float32).astype(np_type(elem))
    return d.array(elem, shape, -300, 300)


def scale_of(d, elem, shape):
    if elem == T.FLOAT8E8M0:
        return np.asarray(2.0 ** d.g.integers(-4, 3, shape)).astype(np_type(elem))
    if elem == T.INT32:
        return np.asarray(d.g.integers(1, 9, shape)).astype(np.int32)
    return np.asarray(d.g.uniform(0.02, 0.8, shape)).astype(np_type(elem))


def zero_of(d, elem, shape):
    if elem in FLOAT8 + SMALL:
        return np.zeros(shape, np.float32).astype(np_type(elem))
    if elem == T.INT32:
        return np.zeros(shape, np.int32)
    return d.array(elem, shape, -20, 40)


def quantize(d):
    opset, since = opset_for(d, "QuantizeLinear", lowest=10)
    shape, axis, block, scale_shape = granularity(d, since)
    elem = d.pick([T.FLOAT] * 2 + allowed("QuantizeLinear", since))
    kinds = allowed("QuantizeLinear", since, 1)
    scale_elem = elem if since < 23 or elem in kinds and d.chance(0.7) else d.pick(kinds)
    if elem == T.INT32:
        scale_elem = T.FLOAT if since < 19 or since >= 23 and d.chance(0.6) else scale_elem
    to = d.pick(allowed("QuantizeLinear", since, 0, output=True))
    attrs = {} if axis is None and d.chance(0.7) or since < 13 else {"axis": axis if axis is not None else 0}
    if block:
        attrs["block_size"] = block
    zero = zero_of(d, to, scale_shape) if d.chance(0.7) or (to != T.UINT8 and since < 21) else None
    if zero is None and to != T.UINT8 or since >= 21 and d.chance(0.2):
        attrs["output_dtype"] = to
    if since >= 19 and d.chance(0.4):
        attrs["saturate"] = d.int(0, 1)
    if since >= 23 and (scale_elem != elem or d.chance(0.3)):  # the reference divides in the wider type otherwise
        attrs["precision"] = d.pick(T.FLOAT, T.FLOAT16, T.BFLOAT16)
    spread = d.pick(2, 20, 200)
    x = d.array(elem, shape, -spread, spread)
    return one(d, "QuantizeLinear", {"x": x, "scale": scale_of(d, scale_elem, scale_shape), "zero": zero}, opset, attrs=attrs)


def dequantize(d):
    opset, since = opset_for(d, "DequantizeLinear", lowest=10)
    shape, axis, block, scale_shape = granularity(d, since)
    elem = d.pick(allowed("DequantizeLinear", since))
    scale_elem = d.pick(allowed("DequantizeLinear", since, 1))
    attrs = {} if axis is None and d.chance(0.7) or since < 13 else {"axis": axis if axis is not None else 0}
    if block:
        attrs["block_size"] = block
    zero = zero_of(d, elem, scale_shape) if d.chance(0.7) and elem != T.INT32 else None
    if since >= 23 and (scale_elem == T.FLOAT8E8M0 or d.chance(0.4)):
        attrs["output_dtype"] = d.pick(T.FLOAT, T.FLOAT16, T.BFLOAT16)
    return one(d, "DequantizeLinear", {"x": codes(d, elem, shape), "scale": scale_of(d, scale_elem, scale_shape), "zero": zero}, opset, attrs=attrs)


def matrices(d):
    m, k, n = d.int(1, 6), d.int(1, 40), d.int(1, 9)
    batch = d.shape(0, 2, 3, empty=0)
    other = d.pick(batch, d.broadcast(batch), ())
    kind = d.int(0, 9)
    if kind == 0:
        return (k,), (k, n)
    if kind == 1:
        return (*batch, m, k), (k,)
    return (*batch, m, k), (*other, k, n)


def matmul_integer(d):
    opset, _ = opset_for(d, "MatMulInteger")
    sa, sb = matrices(d)
    ta, tb = d.pick(T.UINT8, T.INT8), d.pick(T.UINT8, T.INT8)
    za = d.array(ta, (), -100, 200) if d.chance(0.7) else None
    zb = d.array(tb, d.pick((), (), (sb[-1],)) if len(sb) > 1 else (), -100, 200) if d.chance(0.7) else None
    return one(d, "MatMulInteger", {"a": d.array(ta, sa, -300, 300), "b": d.array(tb, sb, -300, 300), "za": za, "zb": zb}, opset)


def qlinear_matmul(d):
    opset, _ = opset_for(d, "QLinearMatMul", highest=28)
    sa, sb = matrices(d)
    ta, tb, ty = d.pick(T.UINT8, T.INT8), d.pick(T.UINT8, T.INT8), d.pick(T.UINT8, T.INT8)
    column = (sb[-1],) if len(sb) > 1 and d.chance(0.4) else ()
    f = lambda shape, lo=0.01, hi=0.06: np.asarray(d.g.uniform(lo, hi, shape), np.float32)
    return one(d, "QLinearMatMul", {
        "a": d.array(ta, sa, -300, 300), "sa": f(()), "za": d.array(ta, (), -100, 200), "b": d.array(tb, sb, -300, 300), "sb": f(column),
        "zb": d.array(tb, column, -100, 200), "sy": f((), 0.2, 2), "zy": d.array(ty, (), -100, 200)}, opset)


def dynamic_quantize(d):
    opset, _ = opset_for(d, "DynamicQuantizeLinear")
    lo, hi = d.pick((-3, 3), (0, 9), (-5, 0), (2, 4), (-100, 1))
    return one(d, "DynamicQuantizeLinear", {"x": d.array(T.FLOAT, d.shape(0, 4, 6, empty=0), lo, hi)}, opset, outputs=("y", "s", "z"))


FAMILIES = {"quantize": quantize, "dequantize": dequantize, "matmul_integer": matmul_integer, "qlinear_matmul": qlinear_matmul,
            "dynamic_quantize": dynamic_quantize}
