"""Operators that look up and order elements: gathers, scatters, TopK, Unique, NonZero, OneHot, Compress."""

import numpy as np
from onnx import TensorProto as T

from draw import FLOATS, NUMBERS, allowed, np_type, one, opset_for


def data(d, op, since, shape, param=0):
    return d.array(d.pick(allowed(op, since, param)), shape)


def indices(d, n, shape, since, negative_from=11):
    low = -n if since >= negative_from and d.chance(0.5) else 0
    return d.g.integers(low, max(n, 1), shape).astype(d.pick(np.int32, np.int64))


def gather(d):
    opset, since = opset_for(d, "Gather")
    shape = d.shape(1, 4, 5, 0)
    axis = d.axis(len(shape), since >= 11)
    attrs = {"axis": axis} if axis != 0 or d.chance() else {}
    i = indices(d, shape[axis], d.shape(0, 3, 4), since)
    return one(d, "Gather", {"x": data(d, "Gather", since, shape), "i": i}, opset, attrs=attrs)


def gather_elements(d):
    opset, since = opset_for(d, "GatherElements")
    shape = d.shape(1, 4, 5, 0)
    axis = d.axis(len(shape))
    at = [d.int(1, n) for n in shape]
    at[axis] = d.int(0 if d.chance(0.1) else 1, 6)
    attrs = {"axis": axis} if axis != 0 or d.chance() else {}
    return one(d, "GatherElements", {"x": data(d, "GatherElements", since, shape), "i": indices(d, shape[axis], at, since)}, opset, attrs=attrs)


def nd_indices(d, shape, batch, k, lead, unique=False):
    """Indices of GatherND and ScatterND: tuples of k numbers below shape[batch:batch+k]."""
    if unique:
        total = int(np.prod(shape[:k])) if k else 1
        n = min(int(np.prod(lead)), total)
        flat = d.g.permutation(total)[:n]
        lead = (n,)
        parts = np.unravel_index(flat, shape[:k]) if k else []
        return np.stack([np.asarray(p).reshape(lead) for p in parts], -1).astype(np.int64) if k else np.zeros((*lead, 0), np.int64)
    cols = [d.g.integers(-n if d.chance(0.3) else 0, n, lead) for n in shape[batch:batch + k]]
    return np.stack(cols, -1).astype(np.int64)


def gather_nd(d):
    opset, since = opset_for(d, "GatherND")
    shape = d.shape(1, 4, 5, 0)
    batch = d.int(0, len(shape) - 1) if since >= 12 and d.chance(0.5) else 0
    k = d.int(1, len(shape) - batch)
    lead = (*shape[:batch], *d.shape(0, 2, 3, 0.05))
    if batch and len(lead) == batch and d.chance():
        lead = (*lead, 2)
    attrs = {"batch_dims": batch} if batch else {}
    return one(d, "GatherND", {"x": data(d, "GatherND", since, shape), "i": nd_indices(d, shape, batch, k, lead)}, opset, attrs=attrs)


REDUCED = {16: ["none", "add", "mul"], 18: ["none", "add", "mul", "max", "min"]}


def scatter_elements(d):
    opset, since = opset_for(d, "ScatterElements")
    shape = d.shape(1, 4, 5, 0)
    axis = d.axis(len(shape))
    at = [d.int(1, n) for n in shape]
    elem = d.pick(allowed("ScatterElements", since))
    modes = REDUCED.get(since, ["none"])
    mode = d.pick(modes)
    if elem not in NUMBERS:
        mode = "none"
    n = shape[axis]
    if mode == "none":  # indices along the axis without repetition: their order is not defined
        order = np.argsort(d.g.random([*at[:axis % len(at)], n, *at[axis % len(at) + 1:]]), axis=axis)
        i = np.take(order, range(at[axis]), axis=axis)
        i = np.where(d.g.random(i.shape) < 0.3, i - n, i)
    else:
        i = d.g.integers(-n, n, at)
    attrs = {"axis": axis} if axis != 0 or d.chance() else {}
    if mode != "none":
        attrs["reduction"] = mode
    feeds = {"x": d.array(elem, shape), "i": i.astype(d.pick(np.int32, np.int64)), "u": d.array(elem, at)}
    return one(d, "ScatterElements", feeds, opset, attrs=attrs)


def scatter(d):
    """The deprecated operator of versions 9 and 10, whose successor has the same meaning."""
    case = scatter_elements(d)
    for n in case.model.graph.node:
        n.op_type = "Scatter"
        kept = [a for a in n.attribute if a.name == "axis"]
        if len(kept) != len(n.attribute):
            return None
    case.model.opset_import[0].version = d.int(9, 10)
    if any(np.any(np.asarray(v) < 0) for v in case.inputs[1:2] if v.dtype.kind == "i"):
        return None
    return case


def scatter_nd(d):
    opset, since = opset_for(d, "ScatterND")
    shape = d.shape(1, 4, 5, 0)
    k = d.int(1, len(shape))
    elem = d.pick(allowed("ScatterND", since))
    mode = d.pick(REDUCED.get(since, ["none"])) if elem in NUMBERS else "none"
    i = nd_indices(d, shape, 0, k, d.shape(1, 2, 4, 0.03), unique=mode == "none")
    if mode == "none" and d.chance():
        i = np.where(d.g.random(i.shape) < 0.3, i - np.array(shape[:k], np.int64), i)
    u = d.array(elem, (*i.shape[:-1], *shape[k:]))
    return one(d, "ScatterND", {"x": d.array(elem, shape), "i": i, "u": u}, opset, attrs={"reduction": mode} if mode != "none" or (since >= 16 and d.chance()) else {})


def tensor_scatter(d):
    shape = d.shape(3, 4, 5, 0)
    rank = len(shape)
    axis = d.int(1, rank - 1)
    n = d.int(1, shape[axis])
    update = [*shape]
    update[axis] = n
    mode = d.pick("linear", "circular")
    elem = d.pick(allowed("TensorScatter", 24))
    top = shape[axis] - n if mode == "linear" else shape[axis] - 1
    feeds = {"past": d.array(elem, shape), "update": d.array(elem, tuple(update))}
    if d.chance(0.8):
        feeds["write"] = d.g.integers(0, top + 1, shape[0]).astype(np.int64)
    attrs = {"mode": mode} if d.chance(0.8) or mode != "linear" else {}
    if axis != rank - 2 or d.chance():
        attrs["axis"] = axis - rank if d.chance(0.4) else axis
    return one(d, "TensorScatter", feeds, 24, attrs=attrs)


def compress(d):
    opset, since = opset_for(d, "Compress", highest=27)
    shape = d.shape(1, 4, 5, 0.03)
    if d.chance(0.7):
        axis = d.axis(len(shape), since >= 11)
        n, attrs = shape[axis], {"axis": axis}
    else:
        n, attrs = int(np.prod(shape)), {}
    c = d.array(T.BOOL, (d.int(0, n) if d.chance(0.3) else n,))
    return one(d, "Compress", {"x": data(d, "Compress", since, shape), "c": c}, opset, attrs=attrs)


def one_hot(d):
    opset, since = opset_for(d, "OneHot")
    depth = d.int(1, 6)
    it = d.pick([t for t in allowed("OneHot", since) if t not in FLOATS] * 3 + [T.FLOAT])
    dt = d.pick([T.INT64, T.INT32, T.FLOAT])
    low = -depth - 2 if it in (T.INT8, T.INT16, T.INT32, T.INT64, T.FLOAT) else 0
    shape = d.shape(0, 3)
    i = np.round(d.array(it, shape, low, depth + 2).astype(np.float64)).astype(np_type(it))
    n = np.array(depth).astype(np_type(dt))
    v = d.array(d.pick(allowed("OneHot", since, 2)), (2,))
    rank = len(shape)
    attrs = {"axis": d.int(-rank - 1 if since >= 11 else -1, rank)} if d.chance(0.7) else {}
    axis = attrs.get("axis", -1)
    at = axis if axis >= 0 else axis + rank + 1
    hot = np.expand_dims(np.where(i.astype(np.int64) < 0, i.astype(np.int64) + depth, i.astype(np.int64)), at)
    hit = hot == np.arange(depth).reshape([-1 if k == at else 1 for k in range(rank + 1)])
    expected = [np.where(hit, v[1], v[0]).astype(v.dtype)]
    return one(d, "OneHot", {"i": i, "depth": n if d.chance() else n.reshape(1), "values": v}, opset, attrs=attrs, constant=0.4, own={"numpy": expected})


def non_zero(d):
    opset, since = opset_for(d, "NonZero")
    x = d.array(d.pick(allowed("NonZero", since)), d.shape(0, 4), -1, 1, 0)
    return one(d, "NonZero", {"x": x}, opset)


def unique(d):
    shape = d.shape(1, 3, 6, 0.03)
    x = d.array(d.pick(allowed("Unique", 11)), shape, -2, 2)
    if x.dtype.kind == "f":
        x = np.round(x)
    attrs = {"sorted": d.int(0, 1)} if d.chance(0.8) else {}
    if d.chance(0.6):
        attrs["axis"] = d.axis(len(shape))
    outputs = ["y", "i", "v", "c"][: d.int(1, 4)]
    outputs = [o if o == "y" or d.chance(0.8) else "" for o in outputs]
    return one(d, "Unique", {"x": x}, d.int(11, 25), outputs, attrs=attrs, only="ort" if attrs.get("sorted") == 0 else "")


def top_k(d):
    opset, since = opset_for(d, "TopK")
    shape = d.shape(1, 4, 7, 0)
    axis = d.axis(len(shape), since >= 11)
    x = d.array(d.pick(allowed("TopK", since)), shape, -4, 4)
    if d.chance():
        x = np.round(x.astype(np.float64)).astype(x.dtype)
    k = d.int(0 if d.chance(0.1) else 1, shape[axis])
    attrs = {"axis": axis} if axis not in (-1, len(shape) - 1) or d.chance() else {}
    if since < 10:
        return one(d, "TopK", {"x": x}, opset, ["v", "i"], attrs={**attrs, "k": k})
    if since >= 11:
        attrs.update({n: d.int(0, 1) for n in ("largest", "sorted") if d.chance(0.7)})
    if attrs.get("sorted") == 0:
        attrs["sorted"] = 1 if d.chance(0.7) else 0
    return one(d, "TopK", {"x": x, "k": np.array([k], np.int64)}, opset, ["v", "i"], attrs=attrs, constant=0.5)


FAMILIES = {
    "gather": gather, "gather_elements": gather_elements, "gather_nd": gather_nd, "scatter_elements": scatter_elements,
    "scatter": scatter, "scatter_nd": scatter_nd, "tensor_scatter": tensor_scatter, "compress": compress, "one_hot": one_hot,
    "non_zero": non_zero, "unique": unique, "top_k": top_k,
}
