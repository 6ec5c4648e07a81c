"""Elementwise operators: every operator, version and element type; broadcasting; special values."""

import numpy as np
from onnx import TensorProto as T

from draw import FLOATS, INTS, UINTS, allowed, np_type, one, opset_for

UNARY = """Abs Acos Acosh Asin Asinh Atan Atanh Ceil Cos Cosh Erf Exp Floor Identity IsInf IsNaN Log Neg Not Reciprocal Round
Sigmoid Sign Sin Sinh Sqrt Tan Tanh BitwiseNot Relu Softplus Softsign Mish HardSwish Elu Selu LeakyRelu HardSigmoid
ThresholdedRelu Celu Gelu Swish Shrink""".split()
BINARY = "Add Sub Mul Div Pow Mod And Or Xor Equal Less LessOrEqual Greater GreaterOrEqual BitwiseAnd BitwiseOr BitwiseXor PRelu".split()
VARIADIC = ["Max", "Min", "Sum", "Mean"]


def attributes(d, op):
    """Attributes of activations, each left out now and then."""
    v = lambda lo, hi: round(float(d.g.uniform(lo, hi)), 3)
    full = {
        "Elu": {"alpha": v(0, 2)}, "Selu": {"alpha": v(0.5, 2), "gamma": v(0.5, 2)}, "LeakyRelu": {"alpha": v(-0.5, 0.5)},
        "HardSigmoid": {"alpha": v(0, 1), "beta": v(0, 1)}, "ThresholdedRelu": {"alpha": v(-1, 2)}, "Celu": {"alpha": v(0.3, 2)},
        "Gelu": {"approximate": d.pick("none", "tanh")}, "Swish": {"alpha": v(0.5, 2)}, "Shrink": {"bias": v(-1, 1), "lambd": v(0, 2)},
        "IsInf": {"detect_negative": d.int(0, 1), "detect_positive": d.int(0, 1)},
    }.get(op, {})
    return {k: x for k, x in full.items() if d.chance(0.8)}


def unary(d, special=0.0):
    op = d.pick(UNARY)
    opset, since = opset_for(d, op, lowest=6)
    elem = d.pick(allowed(op, since))
    lo, hi = {"Acosh": (1, 5), "Acos": (-1, 1), "Asin": (-1, 1), "Atanh": (-0.9, 0.9), "Log": (0.1, 9), "Sqrt": (0, 9)}.get(op, (-4, 4))
    if elem not in FLOATS and d.chance(0.3):
        lo, hi = -1e18, 1e18
    x = d.array(elem, d.shape(0, 4), lo, hi, special or d.weird(0.1))
    return one(d, op, {"x": x}, opset, attrs=attributes(d, op))


def special_unary(d):
    return unary(d, 0.6)


def binary(d, special=0.0):
    op = d.pick(BINARY)
    opset, since = opset_for(d, op, lowest=7)
    elem = d.pick(allowed(op, since))
    second = elem
    if op == "Pow" and since >= 12:
        second = d.pick(allowed(op, since, 1))
    shape = d.shape(0, 4)
    a, b = d.broadcast(shape), d.broadcast(shape)
    if op == "PRelu":
        a = shape
    elif d.chance(0.5):
        a, b = d.pick([(shape, shape), (shape, b), (a, shape)])
    lo, hi = (-4, 4) if d.chance(0.7) or op == "Pow" else (-1e18, 1e18)
    x, y = d.array(elem, a, lo, hi, special or d.weird(0.1)), d.array(second, b, lo, hi, special or d.weird(0.1))
    attrs = {}
    if op == "Mod":
        attrs = {"fmod": 1} if elem in FLOATS or d.chance(0.3) else {}
    if op in ("Div", "Mod") and elem not in FLOATS:
        y = np.where(y == 0, 1, y).astype(y.dtype)
        if elem in INTS:
            y = np.where(y == -1, 3, y).astype(y.dtype)
    if op == "Pow" and second not in FLOATS:
        y = np.abs(y.astype(np.float64)).clip(0, 4).astype(y.dtype)
    return one(d, op, {"x": x, "w": y}, opset, attrs=attrs)


def special_binary(d):
    return binary(d, 0.5)


def variadic(d):
    op = d.pick(VARIADIC)
    opset, since = opset_for(d, op, lowest=8)
    elem = d.pick(allowed(op, since))
    shape = d.shape(0, 3)
    feeds = {f"x{i}": d.array(elem, d.broadcast(shape), -9, 9, d.weird(0.2)) for i in range(d.int(1, 4))}
    return one(d, op, feeds, opset)


def clip(d):
    opset, since = opset_for(d, "Clip", lowest=6)
    elem = d.pick(allowed("Clip", since))
    x = d.array(elem, d.shape(0, 3), -9, 9, d.weird())
    lo, hi = sorted(float(v) for v in d.g.uniform(-6, 6, 2))
    if d.chance(0.1):
        lo, hi = hi, lo
    if since < 11:
        return one(d, "Clip", {"x": x}, opset, attrs={k: v for k, v in (("min", lo), ("max", hi)) if d.chance(0.7)})
    limit = lambda v: np.asarray(v).astype(np_type(elem)) if elem not in UINTS else np.asarray(abs(v)).astype(np_type(elem))
    return one(d, "Clip", {"x": x, "lo": limit(lo) if d.chance(0.7) else None, "hi": limit(hi) if d.chance(0.7) else None}, opset)


def where(d):
    opset, since = opset_for(d, "Where")
    elem = d.pick(allowed("Where", since, 1))
    shape = d.shape(0, 4)
    c, a, b = (d.broadcast(shape) if d.chance(0.6) else shape for _ in range(3))
    return one(d, "Where", {"c": d.array(T.BOOL, c), "a": d.array(elem, a), "b": d.array(elem, b)}, opset)


def shift(d):
    opset, since = opset_for(d, "BitShift", highest=27)
    elem = d.pick(allowed("BitShift", since))
    bits = np_type(elem).itemsize * 8
    shape = d.shape(0, 3)
    x = d.array(elem, shape, -1e18, 1e18)
    y = d.array(elem, d.broadcast(shape), 0, bits - 1)
    return one(d, "BitShift", {"x": x, "w": y}, opset, attrs={"direction": d.pick("LEFT", "RIGHT")})


def wide_shift(d):
    """Shifts of version 28, signed types and counts beyond the width too."""
    elem = d.pick(allowed("BitShift", 28))
    bits = np_type(elem).itemsize * 8
    shape = d.shape(0, 3)
    y = d.array(elem, d.broadcast(shape), 0, min(2 * bits, 120))
    return one(d, "BitShift", {"x": d.array(elem, shape, -1e18, 1e18), "w": y}, 28, attrs={"direction": d.pick("LEFT", "RIGHT")})


def integer_edges(d):
    """Division, remainder and powers of integers: signs, wrapping, extremes."""
    op = d.pick("Add", "Sub", "Mul", "Div", "Mod", "Pow", "Abs", "Neg", "Sign", "Max", "Min")
    opset, since = opset_for(d, op, lowest=14 if op in ("Add", "Sub", "Mul", "Div") else 13)
    elem = d.pick([t for t in allowed(op, since) if t in INTS + UINTS])
    shape = d.shape(1, 2, 9, 0)
    x = d.array(elem, shape, -300, 300, 0.3)
    if op in ("Abs", "Neg", "Sign"):
        return one(d, op, {"x": x}, opset)
    y = d.array(elem, shape, -9, 9, 0.1)
    if op in ("Div", "Mod"):
        y = np.where((y == 0) | (y == np.array(-1).astype(y.dtype)), 7, y).astype(y.dtype)
    if op == "Pow":
        y = d.array(elem, shape, 0, 5)
    return one(d, op, {"x": x, "w": y}, opset, attrs={"fmod": d.int(0, 1)} if op == "Mod" else {})


FAMILIES = {
    "unary": unary, "special_unary": special_unary, "binary": binary, "special_binary": special_binary, "variadic": variadic,
    "clip": clip, "where": where, "shift": shift, "wide_shift": wide_shift, "integer_edges": integer_edges,
}
