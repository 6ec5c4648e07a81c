"""Cast, CastLike and BitCast over all pairs of element types."""

import ml_dtypes
import numpy as np
from onnx import TensorProto as T

from draw import FLOAT8, FLOATS, allowed, np_type, one, opset_for

TINY = FLOAT8 + [T.FLOAT8E8M0, T.FLOAT4E2M1, T.FLOAT6E2M3, T.FLOAT6E3M2]


def source(d, elem):
    """Values that show rounding, saturation and special numbers of a type."""
    shape = d.pick([(), (7,), (2, 5), (0, 3), (3, 1, 4), (33,)])
    if elem == T.STRING:
        return d.strings(shape, ("1", "-2", "3.5", "0", "1e3", "-0.25", "127", "NaN", "INF", "-INF", "7", "1E-2"))
    spread = d.pick(1, 3, 10, 300, 1e5)
    special = 0.25 if elem in FLOATS and d.chance() else 0.0
    return d.array(elem, shape, -spread, spread, special)


def cast(d, only=None):
    opset, since = opset_for(d, "Cast", lowest=6)
    kinds = allowed("Cast", since)
    src, to = d.pick(kinds), d.pick(kinds)
    if only and not (src in only or to in only):
        to = d.pick([k for k in only if k in kinds] or [to])
    x = source(d, src)
    attrs = {"to": to if since >= 6 else T.DataType.Name(to)}
    if since >= 19 and d.chance(0.4):
        attrs["saturate"] = d.int(0, 1)
    if since >= 24 and to == T.FLOAT8E8M0 and d.chance(0.7):
        attrs["round_mode"] = d.pick("up", "down", "nearest")
    if src in FLOATS + TINY and to not in FLOATS + TINY + [T.STRING, T.BOOL]:
        x = in_range(x, to)
    if to == T.STRING and src in FLOATS:
        x = np.round(x.astype(np.float64), 1).astype(x.dtype)
    if src == T.STRING and to not in FLOATS:
        x = d.strings(x.shape, ("1", "-2", "0", "127", "7", "44", "-128"))
    return one(d, "Cast", {"x": x}, opset, attrs=attrs)


def in_range(x, to):
    """Floats that the integer type can hold: what happens beyond is not defined."""
    info = ml_dtypes.iinfo(np_type(to))
    lo, hi = max(float(info.min), -2.0**31), min(float(info.max), 2.0**31)
    whole = np.nan_to_num(x.astype(np.float64), nan=1.0, posinf=2.0, neginf=0.0)
    return np.trunc(np.clip(whole, lo, hi - (hi > 2**24) * 256)).astype(x.dtype)


def cast_tiny(d):
    return cast(d, TINY)


def cast_packed(d):
    return cast(d, [T.INT4, T.UINT4, T.INT2, T.UINT2])


def cast_string(d):
    return cast(d, [T.STRING])


def cast_like(d):
    opset, since = opset_for(d, "CastLike")
    kinds = allowed("CastLike", since)
    src, to = d.pick(kinds), d.pick(kinds)
    x = source(d, src)
    if src in FLOATS + TINY and to not in FLOATS + TINY + [T.STRING, T.BOOL]:
        x = in_range(x, to)
    if to == T.STRING and src in FLOATS:
        x = np.round(x.astype(np.float64), 1).astype(x.dtype)
    if src == T.STRING and to not in FLOATS:
        x = d.strings(x.shape, ("1", "-2", "0", "127"))
    attrs = {"saturate": d.int(0, 1)} if since >= 19 and d.chance(0.4) else {}
    return one(d, "CastLike", {"x": x, "like": d.array(to, d.shape(0, 2))}, opset, attrs=attrs)


def bit_cast(d):
    kinds = allowed("BitCast", 26)
    src = d.pick(kinds)
    bits = lambda e: {T.INT4: 4, T.UINT4: 4, T.FLOAT4E2M1: 4, T.INT2: 2, T.UINT2: 2}.get(e, np_type(e).itemsize * 8)
    to = d.pick([k for k in kinds if bits(k) == bits(src)])
    return one(d, "BitCast", {"x": d.array(src, d.shape(0, 3), -100, 100)}, d.int(26, 28), attrs={"to": to})


FAMILIES = {
    "cast": cast, "cast_tiny": cast_tiny, "cast_packed": cast_packed, "cast_string": cast_string, "cast_like": cast_like,
    "bit_cast": bit_cast,
}
