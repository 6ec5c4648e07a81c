"""Versions before operator set 8: broadcasting by attribute, types by name, equal shapes only."""

import numpy as np
from onnx import TensorProto as T

from draw import FLOATS, allowed, np_type, one, opset_for, versions
from families_elementwise import UNARY, attributes

RULES = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide, "Pow": np.power, "And": np.logical_and, "Or": np.logical_or,
    "Xor": np.logical_xor, "Equal": np.equal, "Less": np.less, "Greater": np.greater,
}


def before(d, op, limit):
    """A version below the limit and an operator set that means it."""
    vs = [v for v in versions(op) if v < limit]
    i = d.int(0, len(vs) - 1)
    end = vs[i + 1] - 1 if i + 1 < len(vs) else min(limit - 1, max(vs[i], limit - 1))
    return d.int(vs[i], end), vs[i]


def binary(d):
    """The second operand broadcasts over axes that an attribute names, or not at all."""
    op = d.pick(list(RULES))
    opset, since = before(d, op, 7)
    elem = d.pick(allowed(op, since))
    shape = d.shape(1, 4, 4, 0)
    rank = len(shape)
    attrs, other, aligned = {}, shape, shape
    if d.chance(0.7):
        attrs["broadcast"] = 1
        n = d.int(0, rank)
        if d.chance() and n:
            start = d.int(0, rank - n)
            attrs["axis"] = start - rank if d.chance(0.2) else start
        else:
            start = rank - n
        other = tuple(shape[start:start + n])
        aligned = (1,) * start + other + (1,) * (rank - start - n)
    if since == 1 and op in ("Add", "Sub", "Mul", "Div") and d.chance(0.3):
        attrs["consumed_inputs"] = [0, 0]
    lo, hi = (1, 4) if op in ("Div", "Pow") else (-4, 4)
    x, y = d.array(elem, shape, lo, hi), d.array(elem, other, lo, hi)
    with np.errstate(all="ignore"):
        if op == "Div" and elem not in FLOATS:
            z = (x // y.reshape(aligned)).astype(x.dtype)
        else:
            z = RULES[op](x.astype(np.float64) if elem in FLOATS else x, y.reshape(aligned).astype(np.float64) if elem in FLOATS else y.reshape(aligned))
            z = z.astype(x.dtype if op in ("Add", "Sub", "Mul", "Div", "Pow") else bool)
    return one(d, op, {"x": x, "w": y}, opset, attrs=attrs, only="ort", own={"numpy": [z]})


def unary(d):
    op = d.pick([o for o in UNARY if versions(o)[0] < 6])
    opset, since = before(d, op, 6)
    lo, hi = {"Log": (0.1, 9), "Sqrt": (0, 9)}.get(op, (-4, 4))
    attrs = attributes(d, op)
    if since == 1 and d.chance(0.2) and op not in ("Not", "Identity", "Softplus", "Softsign"):
        attrs["consumed_inputs"] = [0]
    return one(d, op, {"x": d.array(d.pick(allowed(op, since)), d.shape(1, 3), lo, hi)}, opset, attrs=attrs)


def variadic(d):
    op = d.pick("Max", "Min", "Sum", "Mean")
    opset, since = before(d, op, 8)
    elem, shape = d.pick(allowed(op, since)), d.shape(1, 3)
    feeds = {f"x{i}": d.array(elem, shape, -9, 9) for i in range(d.int(1, 4))}
    return one(d, op, feeds, opset)


def cast(d):
    names = ["FLOAT", "DOUBLE", "FLOAT16", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "BOOL"]
    to = d.pick(names)
    x = d.array(d.pick([getattr(T, n) for n in names]), d.shape(1, 3), 0, 9)
    return one(d, "Cast", {"x": x}, d.int(1, 5), attrs={"to": to}, own={"numpy": [x.astype(np_type(getattr(T, to)))]}, only="ort")


def clip(d):
    x = d.array(d.pick(T.FLOAT, T.DOUBLE, T.FLOAT16), d.shape(1, 3), -9, 9)
    attrs = {k: v for k, v in (("min", -2.5), ("max", 3.25)) if d.chance(0.7)}
    z = np.clip(x.astype(np.float64), attrs.get("min", -np.inf), attrs.get("max", np.inf)).astype(x.dtype)
    return one(d, "Clip", {"x": x}, d.int(1, 5), attrs=attrs, own={"numpy": [z]})


def prelu(d):
    opset, since = before(d, "PRelu", 7)
    x = d.array(d.pick(T.FLOAT, T.DOUBLE), d.shape(2, 4, 4, 0))
    slope = d.array(T.FLOAT if x.dtype == np.float32 else T.DOUBLE, (x.shape[1],) if d.chance() else (1,))
    z = np.where(x < 0, x * slope.reshape(-1, *(1,) * (x.ndim - 2)), x)
    return one(d, "PRelu", {"x": x, "w": slope}, opset, own={"numpy": [z]}, only="ort")


def dropout(d):
    """In inference all versions hand the data through."""
    opset = d.pick(1, 5, 6, 7, 9, 10, 11, 12, 13, 21, 22)
    attrs = {"ratio": 0.3} if d.chance() and opset < 12 else {}
    if opset < 7:
        attrs["is_test"] = 1
    x = d.array(d.pick(T.FLOAT, T.DOUBLE), d.shape(1, 3))
    return one(d, "Dropout", {"x": x}, opset, attrs=attrs, own={"numpy": [x]}, only="ort")


FAMILIES = {"old_binary": binary, "old_unary": unary, "old_variadic": variadic, "old_cast": cast, "old_clip": clip, "old_prelu": prelu, "old_dropout": dropout}
