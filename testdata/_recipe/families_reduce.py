"""Reductions, ArgMax and ArgMin, running sums: axes as attribute and input, empty sets, every element type."""

import numpy as np
from onnx import TensorProto as T

from draw import FLOATS, allowed, np_type, one, opset_for

REDUCE = "Sum Mean Prod Max Min L1 L2 LogSum LogSumExp SumSquare".split()


def axes_of(d, rank):
    """Axes in any order, some negative; None where they are left out."""
    if d.chance(0.2):
        return None
    return [a - rank if d.chance(0.3) else a for a in d.shuffled(range(rank))[: d.int(1, max(rank, 1))]] if rank else []


def reduce(d, shape=None, special=0.0):
    op = "Reduce" + d.pick(REDUCE)
    opset, since = opset_for(d, op)
    kinds = allowed(op, since)
    if "Log" in op or op == "ReduceL2":
        kinds = [t for t in kinds if t in FLOATS]  # what integers give is not defined
    elem = d.pick(kinds)
    shape = d.shape(0, 4) if shape is None else shape
    lo, hi = (0.2, 4) if "Log" in op and "Exp" not in op else (-4, 4)
    x = d.array(elem, shape, lo, hi, special or d.weird(0.05))
    axes = axes_of(d, len(shape))
    if opset < 11 and axes:
        axes = [a % len(shape) for a in axes]
    attrs = {"keepdims": d.int(0, 1)} if d.chance(0.8) else {}
    if opset < (13 if op == "ReduceSum" else 18):
        if axes is not None:
            attrs["axes"] = axes
        return one(d, op, {"x": x}, opset, attrs=attrs)
    if d.chance(0.4):
        attrs["noop_with_empty_axes"] = d.int(0, 1)
    if axes is None and d.chance():
        axes = []
    return one(d, op, {"x": x, "axes": None if axes is None else np.array(axes, np.int64)}, opset, attrs=attrs, constant=0.5)


def reduce_empty(d):
    shape = list(d.shape(1, 4, 4, 0))
    shape[d.int(0, len(shape) - 1)] = 0
    return reduce(d, tuple(shape))


def reduce_special(d):
    return reduce(d, None, 0.4)


def reduce_large(d):
    return reduce(d, d.pick([(3, 1000), (1000, 3), (2, 130, 65), (33, 70, 5), (4097,), (1, 17, 300, 2)]))


def arg_reduce(d):
    op = d.pick("ArgMax", "ArgMin")
    opset, since = opset_for(d, op)
    elem = d.pick(allowed(op, since))
    shape = d.shape(1, 4, 6, 0)
    x = d.array(elem, shape, -3, 3)
    if d.chance():
        x = np.round(x.astype(np.float64)).astype(np_type(elem))
    attrs = {"axis": d.axis(len(shape), opset >= 11)} if d.chance(0.8) else {}
    if d.chance(0.8):
        attrs["keepdims"] = d.int(0, 1)
    if opset >= 12 and d.chance():
        attrs["select_last_index"] = d.int(0, 1)
    return one(d, op, {"x": x}, opset, attrs=attrs)


def running(d):
    op = d.pick("CumSum", "CumSum", "CumProd")
    opset, since = opset_for(d, op)
    elem = d.pick(allowed(op, since))
    shape = d.shape(1, 4)
    axis = np.array(d.axis(len(shape)), d.pick(np.int32, np.int64))
    if d.chance(0.2):
        axis = axis.reshape(1)
    attrs = {k: d.int(0, 1) for k in ("exclusive", "reverse") if d.chance(0.7)}
    return one(d, op, {"x": d.array(elem, shape, -2, 2), "axis": axis}, opset, attrs=attrs, constant=0.5)


def softmax(d):
    op = d.pick("Softmax", "LogSoftmax", "Hardmax")
    opset, since = opset_for(d, op)
    elem = d.pick(allowed(op, since))
    shape = d.shape(1, 4)
    attrs = {"axis": d.axis(len(shape), opset >= 11)} if d.chance(0.8) else {}
    if opset < 13 and len(shape) == 1:
        attrs["axis"] = 0
    return one(d, op, {"x": d.array(elem, shape, -5, 5)}, opset, attrs=attrs, only="ort" if opset < 13 else "")


FAMILIES = {
    "reduce": reduce, "reduce_empty": reduce_empty, "reduce_special": reduce_special, "reduce_large": reduce_large,
    "arg_reduce": arg_reduce, "running": running, "softmax": softmax,
}
