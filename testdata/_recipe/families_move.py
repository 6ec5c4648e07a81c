"""Operators that move elements: shapes, slices, padding, concatenation, in all versions."""

import numpy as np
from onnx import TensorProto as T
from onnx import helper

from draw import FLOAT8, NUMBERS, PACKED, allowed, build, np_type, one, opset_for


def i64(values):
    return np.array(values, np.int64)


def data(d, op, since, shape, param=0):
    return d.array(d.pick(allowed(op, since, param)), shape)


def transpose(d):
    opset, since = opset_for(d, "Transpose")
    shape = d.shape(0, 5)
    attrs = {"perm": d.shuffled(range(len(shape)))} if d.chance(0.8) and shape else {}
    return one(d, "Transpose", {"x": data(d, "Transpose", since, shape)}, opset, attrs=attrs)


def factors(d, n, count):
    """Splits n into count factors."""
    out = [1] * count
    for p in (2, 3, 5, 7):
        while n % p == 0 and n:
            out[d.int(0, count - 1)] *= p
            n //= p
    return out


def reshape(d):
    opset, since = opset_for(d, "Reshape")
    shape = d.shape(0, 4, 6, 0.05)
    x = data(d, "Reshape", since, shape)
    attrs = {}
    if x.size == 0:
        target = list(shape)
        if since >= 14 and d.chance():
            attrs["allowzero"] = 1
            target = d.shuffled(target)
        elif d.chance():
            target = [0 if i < len(shape) and d.chance() else n for i, n in enumerate(target)]
    else:
        target = factors(d, x.size, d.int(1, 4)) if x.ndim or d.chance() else []
        for i, n in enumerate(target):
            if i < len(shape) and shape[i] == n and d.chance(0.4):
                target[i] = 0
        if target and d.chance(0.5):
            target[d.int(0, len(target) - 1)] = -1
        if since >= 14 and d.chance(0.3) and 0 not in target:
            attrs["allowzero"] = d.int(0, 1)
    if since < 5:
        return one(d, "Reshape", {"x": x}, opset, attrs={"shape": target or [1]} if x.size else {"shape": list(shape)})
    return one(d, "Reshape", {"x": x, "s": i64(target)}, opset, attrs=attrs, constant=0.5)


def flatten(d):
    opset, since = opset_for(d, "Flatten")
    shape = d.shape(0 if since >= 9 else 1, 5)
    rank = len(shape)
    attrs = {"axis": d.int(-rank if since >= 11 else 0, rank)} if d.chance(0.8) else {}
    if not attrs and rank == 0:
        attrs = {"axis": 0}
    return one(d, "Flatten", {"x": data(d, "Flatten", since, shape)}, opset, attrs=attrs)


def squeeze(d):
    op = d.pick("Squeeze", "Unsqueeze")
    opset, since = opset_for(d, op)
    shape = [1 if d.chance(0.5) else n for n in d.shape(0, 4)]
    if op == "Squeeze":
        rank = len(shape)
        axes = d.shuffled(d.some([i for i, n in enumerate(shape) if n == 1]))
        if d.chance(0.2):
            axes = None
    else:
        rank = len(shape) + d.int(1, 3)
        axes = d.shuffled(range(rank))[: rank - len(shape)]
        if since < 11:
            axes.sort()
    if axes is not None and since >= 11:
        axes = [a - rank if d.chance(0.3) else a for a in axes]
    x = data(d, op, since, tuple(shape))
    if since < 13:
        return one(d, op, {"x": x}, opset, attrs={"axes": axes} if axes else {})
    return one(d, op, {"x": x, "axes": i64(axes) if axes or op == "Unsqueeze" else None}, opset, constant=0.5)


def expand(d):
    opset, since = opset_for(d, "Expand")
    shape = d.shape(0, 4)
    x = data(d, "Expand", since, d.broadcast(shape))
    target = [1 if i >= len(shape) - x.ndim and d.chance(0.2) else n for i, n in enumerate(shape)]
    return one(d, "Expand", {"x": x, "s": i64(target)}, opset, constant=0.5)


def tile(d):
    opset, since = opset_for(d, "Tile")
    shape = d.shape(0 if since >= 6 else 1, 4)
    x = data(d, "Tile", since, shape)
    if since < 6:
        axis = d.int(0, len(shape) - 1)
        n = d.int(1, 3)
        one_of = lambda v: np.array([v]).astype(x.dtype)
        return one(d, "Tile", {"x": x, "tiles": one_of(n), "axis": one_of(axis)}, opset, own={"numpy": [np.concatenate([x] * n, axis)]})
    return one(d, "Tile", {"x": x, "r": i64([d.int(0, 3) if d.chance(0.9) else 1 for _ in shape])}, opset, constant=0.5)


def concat(d):
    opset, since = opset_for(d, "Concat")
    shape = d.shape(1, 4)
    axis = d.axis(len(shape), since >= 11)
    elem = d.pick(allowed("Concat", since))
    feeds = {}
    for i in range(d.int(1, 5)):
        s = list(shape)
        s[axis] = d.int(0, 4) if d.chance(0.2) else d.int(1, 4)
        feeds[f"x{i}"] = d.array(elem, tuple(s))
    attrs = {"axis": axis}
    if since < 4:
        attrs = {"axis": axis} if axis != 1 or d.chance() else {}
    return one(d, "Concat", feeds, opset, attrs=attrs)


def split(d):
    opset, since = opset_for(d, "Split")
    shape = list(d.shape(1, 4))
    axis = d.axis(len(shape), since >= 11)
    n = d.int(1, 4)
    sizes = [d.int(0 if d.chance(0.1) else 1, 3) for _ in range(n)]
    attrs, feeds = ({"axis": axis} if axis != 0 or d.chance() else {}), {}
    outputs = [f"y{i}" for i in range(n)]
    explicit = d.chance(0.6)
    if not explicit:
        if since >= 18:
            attrs["num_outputs"] = n
            shape[axis] = max(n, d.int(n, 3 * n)) if d.chance(0.8) else n * d.int(1, 3)
            step = -(-shape[axis] // n)
            if step * (n - 1) > shape[axis]:
                shape[axis] = step * n
        else:
            shape[axis] = n * d.int(1, 3)
    else:
        shape[axis] = sum(sizes)
    x = data(d, "Split", since, tuple(shape))
    feeds["x"] = x
    if explicit and since >= 13:
        feeds["s"] = i64(sizes)
    elif explicit and since == 1 and d.chance():
        feeds["s"] = np.array(sizes).astype(x.dtype) if x.dtype.kind in "fiu" else None
        if feeds["s"] is None:
            attrs["split"] = sizes
    elif explicit:
        attrs["split"] = sizes
    parts = sizes if explicit else [shape[axis] // n] * n
    expected = list(np.split(x, np.cumsum(parts)[:-1], axis)) if since == 1 else None
    return one(d, "Split", feeds, opset, outputs, attrs=attrs, constant=0.5, fixed={"x"} if d.chance() else (), own={"numpy": expected})


BIG = [1000, -1000, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63)]


def slice_(d):
    opset, since = opset_for(d, "Slice")
    shape = d.shape(1, 4)
    rank = len(shape)
    axes = d.shuffled(range(rank))[: d.int(1, rank)]
    if d.chance(0.3):
        axes = list(range(len(axes)))
    bound = lambda n: d.pick(BIG if since >= 10 else BIG[:2]) if d.chance(0.15) else d.int(-n - 1, n + 1)
    starts, ends = [bound(shape[a]) for a in axes], [bound(shape[a]) for a in axes]
    omit = axes == list(range(len(axes))) and d.chance()
    x = data(d, "Slice", since, shape)
    if since < 10:
        attrs = {"starts": starts, "ends": ends}
        if not omit:
            attrs["axes"] = axes
        return one(d, "Slice", {"x": x}, opset, attrs=attrs)
    steps = [d.pick(1, 1, 2, 3, -1, -1, -2, 7, -(2**63) + 1 if d.chance(0.1) else -3) for _ in axes]
    index = d.pick(np.int32, np.int64)
    fit = lambda v: np.clip(np.array(v, np.int64), np.iinfo(index).min, np.iinfo(index).max).astype(index)
    feeds = {"x": x, "starts": fit(starts), "ends": fit(ends)}
    names = [a - rank if d.chance(0.3) else a for a in axes]
    feeds["axes"] = None if omit else fit(names)
    feeds["steps"] = fit(steps) if d.chance(0.7) else None
    return one(d, "Slice", feeds, opset, constant=0.5)


def pad(d):
    opset, since = opset_for(d, "Pad")
    shape = d.shape(1, 4, 5, 0.02)
    rank = len(shape)
    elem = d.pick(allowed("Pad", since))
    modes = ["constant", "reflect", "edge"] + (["wrap"] if since >= 19 else [])
    mode = d.pick(modes)
    axes = d.shuffled(range(rank))[: d.int(1, rank)] if since >= 18 and d.chance(0.4) else list(range(rank))
    low = -2 if d.chance(0.3) else 0
    most = lambda n: max(n - 1, 0) if mode in ("reflect", "wrap") else 0 if n == 0 and mode == "edge" else 3
    begin = [d.int(max(low, -shape[a]), min(3, most(shape[a]))) for a in axes]
    end = [d.int(max(low, -shape[a]), min(3, most(shape[a]))) for a in axes]
    for i, a in enumerate(axes):  # cut at most what is there
        if begin[i] < 0 and end[i] < 0 and shape[a] + begin[i] + end[i] < 0:
            end[i] = 0
    attrs = {"mode": mode} if mode != "constant" or d.chance() else {}
    x = d.array(elem, shape)
    if since < 11:
        attrs["pads" if since >= 2 else "paddings"] = begin + end
        if d.chance():
            attrs["value"] = 1.5
        return one(d, "Pad", {"x": x}, opset, attrs=attrs)
    feeds = {"x": x, "pads": i64(begin + end), "v": d.array(elem) if d.chance(0.5) and mode == "constant" else None}
    if since >= 18 and (axes != list(range(rank)) or d.chance(0.3)):
        feeds["axes"] = np.array([a - rank if d.chance(0.3) else a for a in axes], d.pick(np.int32, np.int64))
    return one(d, "Pad", feeds, opset, attrs=attrs, constant=0.5)


def center_crop_pad(d):
    shape = d.shape(1, 4)
    rank = len(shape)
    axes = d.shuffled(range(rank))[: d.int(1, rank)]
    full = d.chance(0.4)
    target = [d.int(1, 7) for _ in (shape if full else axes)]
    attrs = {} if full else {"axes": [a - rank if d.chance(0.3) else a for a in axes]}
    x = data(d, "CenterCropPad", 18, shape)
    return one(d, "CenterCropPad", {"x": x, "s": np.array(target, d.pick(np.int32, np.int64))}, d.int(18, 26), attrs=attrs)


def depth_space(d):
    op = d.pick("DepthToSpace", "SpaceToDepth")
    opset, since = opset_for(d, op)
    b = d.int(1, 3)
    n, c, h, w = d.int(1, 2), d.int(1, 3), d.int(1, 3), d.int(1, 3)
    shape = (n, c * b * b, h, w) if op == "DepthToSpace" else (n, c, h * b, w * b)
    attrs = {"blocksize": b}
    if op == "DepthToSpace" and since >= 11 and d.chance():
        attrs["mode"] = d.pick("DCR", "CRD")
    return one(d, op, {"x": data(d, op, since, shape)}, opset, attrs=attrs)


def shape_size(d):
    op = d.pick("Shape", "Shape", "Size")
    opset, since = opset_for(d, op)
    shape = d.shape(0, 5)
    attrs = {}
    if op == "Shape" and since >= 15:
        attrs = {k: d.int(-7, 7) for k in ("start", "end") if d.chance(0.6)}
    return one(d, op, {"x": data(d, op, since, shape)}, opset, attrs=attrs)


def reverse_sequence(d):
    shape = list(d.shape(2, 4, 5, 0))
    time, batch = d.pick((0, 1), (1, 0))
    attrs = {"time_axis": time, "batch_axis": batch}
    if (time, batch) == (0, 1) and d.chance():
        attrs = {}
    lens = d.g.integers(1, shape[time] + 1, shape[batch])
    x = data(d, "ReverseSequence", 10, tuple(shape))
    return one(d, "ReverseSequence", {"x": x, "lens": lens.astype(np.int64)}, d.int(10, 24), attrs=attrs)


def trilu(d):
    shape = d.shape(2, 4)
    attrs = {"upper": d.int(0, 1)} if d.chance(0.8) else {}
    k = np.array(d.int(-6, 6), np.int64) if d.chance(0.7) else None
    elem = d.pick([t for t in allowed("Trilu", 14) if t != T.STRING])
    return one(d, "Trilu", {"x": d.array(elem, shape), "k": k}, d.int(14, 26), attrs=attrs)


def eye_like(d):
    opset, since = opset_for(d, "EyeLike")
    x = data(d, "EyeLike", since, d.shape(2, 2))
    attrs = {"k": d.int(-5, 5)} if d.chance(0.7) else {}
    if d.chance():
        attrs["dtype"] = d.pick(allowed("EyeLike", since, output=True))
    return one(d, "EyeLike", {"x": x}, opset, attrs=attrs)


def range_(d):
    opset, since = opset_for(d, "Range")
    elem = d.pick(allowed("Range", since))
    start, delta = d.int(-9, 9), d.pick(-3, -2, -1, 1, 2, 5)
    limit = start + delta * d.int(-2, 9) + d.int(0, 1)
    if elem in (T.FLOAT, T.DOUBLE, T.FLOAT16, T.BFLOAT16) and d.chance():
        start, delta = start / 2, delta / 4
    mk = lambda v: np.array(v).astype(np_type(elem))
    return one(d, "Range", {"start": mk(start), "limit": mk(limit), "delta": mk(delta)}, opset, constant=0.4)


def constant_of_shape(d):
    opset, since = opset_for(d, "ConstantOfShape")
    shape = d.shape(0, 4)
    attrs = {}
    if d.chance(0.8):
        elem = d.pick(allowed("ConstantOfShape", since, output=True))
        attrs["value"] = helper.make_tensor("v", elem, [1], [d.int(0, 1)]) if elem in FLOAT8 + PACKED else \
            helper.make_tensor("v", elem, [1], np.array([d.int(0, 5)]).astype(np_type(elem)).tobytes(), raw=True)
    return one(d, "ConstantOfShape", {"s": i64(shape)}, opset, attrs=attrs)


def constant(d):
    """All forms of the attribute of Constant."""
    opset, since = opset_for(d, "Constant", lowest=9)
    from draw import tensor

    elem = d.pick(allowed("Constant", since, output=True))
    forms = [("value", tensor("v", d.array(elem, d.shape(0, 3))))]
    if since >= 12:
        forms += [("value_float", 2.5), ("value_floats", [1.5, -2.0]), ("value_int", -7), ("value_ints", [3, 2, 1]),
                  ("value_string", "äb"), ("value_strings", ["x", "", "yz"])]
    key, v = d.pick(forms) if d.chance() else forms[0]
    nodes = [helper.make_node("Constant", [], ["c"], **{key: v}), helper.make_node("Identity", ["c"], ["y"])]
    return build(d, nodes, {}, ["y"], opset)


FAMILIES = {
    "transpose": transpose, "reshape": reshape, "flatten": flatten, "squeeze": squeeze, "expand": expand, "tile": tile,
    "concat": concat, "split": split, "slice": slice_, "pad": pad, "center_crop_pad": center_crop_pad,
    "depth_space": depth_space, "shape_size": shape_size, "reverse_sequence": reverse_sequence, "trilu": trilu,
    "eye_like": eye_like, "range": range_, "constant_of_shape": constant_of_shape, "constant": constant,
}
