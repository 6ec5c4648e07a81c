"""Normalisations, softmaxes and losses."""

import numpy as np

from .draw import BF16, F16, F32, F64, Node, family

F64_, I32, I64 = F64, np.dtype("int32"), np.dtype("int64")


def image(d, dtype, low=1, high=6):
    """Batch, channels and up to three spatial dimensions."""
    return d.floats([d.batch(3), d.int(low, high), *d.ints(d.int(1, 3), 1, 5)], dtype, d.pick(1, 1, 10), d.pick(0, 0, 5))


@family
def lrn(d):
    opset = d.pick(1, 13)
    attrs = {"size": d.int(1, 7), "alpha": d.float(1e-4, 2), "beta": d.float(0.3, 1.2), "bias": d.float(0.5, 2)}
    attrs = {k: v for k, v in attrs.items() if k == "size" or d.chance(0.6)}
    x = d.floats([d.batch(2), d.int(1, 8), *(d.ints(2, 1, 5) if d.chance(0.8) else d.ints(d.int(0, 3), 1, 4))], d.dtype(F16, F64), d.pick(1, 5))
    return Node("LRN", opset, [x], attrs)


@family
def batchnorm(d):
    opset = d.pick(7, 9, 14, 15, 15)
    dtype = d.dtype(F16, F64)
    x = image(d, dtype) if d.chance(0.9) else d.floats([d.batch(4), d.int(1, 4)], dtype)
    c = x.shape[1:2]
    pt = st = dtype
    if opset == 15 and dtype == F16 and d.chance(0.5):
        pt = st = F32
    rest = [d.floats(c, pt), d.floats(c, pt), d.floats(c, st), (d.g.random(c) + 0.2).astype(st)]
    attrs = {"epsilon": d.pick(None, 1e-2, 1e-3), "momentum": d.pick(None, 0.8)}
    outputs = [dtype]
    if opset >= 14 and d.chance(0.35):
        attrs["training_mode"] = 1
        outputs += [st, st]
    return Node("BatchNormalization", opset, [x, *rest], attrs, outputs)


@family
def instancenorm(d):
    x = image(d, d.dtype(F16, F64))
    c = x.shape[1:2]
    return Node("InstanceNormalization", d.pick(6, 22), [x, d.floats(c, x.dtype), d.floats(c, x.dtype)], {"epsilon": d.pick(None, 1e-2)})


@family
def layernorm(d):
    dtype = d.dtype(F16, F64)
    x = d.floats(d.ints(d.int(1, 5), 1, 6), dtype, d.pick(1, 10), d.pick(0, 3))
    axis = d.int(-x.ndim, x.ndim - 1)
    tail = x.shape[axis:]
    shape = tail if d.chance(0.7) else [n if d.chance(0.6) else 1 for n in tail][d.int(0, len(tail) - 1) :]
    attrs = {"axis": axis if axis != -1 or d.chance(0.5) else None, "epsilon": d.pick(None, 1e-3), "stash_type": d.pick(None, 1)}
    outputs = [dtype]
    if d.chance(0.4):
        outputs += d.pick([F32, F32], [F32], [None, F32])
    b = d.floats(shape, dtype) if d.chance(0.6) else None
    return Node("LayerNormalization", 17, [x, d.floats(shape, dtype), b], attrs, outputs)


@family
def groupnorm(d):
    opset = d.pick(18, 21)
    dtype = d.dtype(F16, F64)
    groups = d.int(1, 4)
    per = d.int(1, 3)
    x = d.floats([d.batch(3), groups * per, *d.ints(d.int(1, 3), 1, 4)], dtype, d.pick(1, 4), d.pick(0, 2))
    n = [groups if opset == 18 else groups * per]
    return Node("GroupNormalization", opset, [x, d.floats(n, dtype), d.floats(n, dtype)], {"num_groups": groups, "epsilon": d.pick(None, 1e-3)})


@family
def rmsnorm(d):
    dtype = d.dtype(F16, F64)
    x = d.floats(d.ints(d.int(1, 4), 1, 6), dtype, d.pick(1, 10))
    axis = d.int(-x.ndim, x.ndim - 1)
    tail = x.shape[axis:]
    shape = tail if d.chance(0.7) else [n if d.chance(0.6) else 1 for n in tail]
    attrs = {"axis": axis if axis != -1 or d.chance(0.5) else None, "epsilon": d.pick(None, 1e-3), "stash_type": d.pick(None, 1)}
    return Node("RMSNormalization", 23, [x, d.floats(shape, dtype)], attrs)


@family
def lpnorm(d):
    x = d.floats(d.ints(d.int(1, 4), 1, 5), d.dtype(F16, F64))
    if d.chance(0.15):
        x *= 0
    axis = d.int(-x.ndim, x.ndim - 1)
    return Node("LpNormalization", d.pick(1, 22), [x], {"axis": axis if axis != -1 else None, "p": d.pick(None, 1, 2)})


@family
def mvn(d):
    x = d.floats([d.batch(3), d.int(1, 4), *d.ints(2, 1, 5)], d.dtype(F16, F64), 3, 1)
    axes = sorted(int(a) for a in d.g.permutation(x.ndim)[: d.int(1, x.ndim)])
    if d.chance(0.3):
        axes = [a - x.ndim for a in axes]
    return Node("MeanVarianceNormalization", d.pick(9, 13), [x], {"axes": axes if d.chance(0.6) else None})


@family
def softmax(d):
    op = d.pick("Softmax", "LogSoftmax", "Hardmax")
    opset = d.pick(1, 11, 13, 13)
    shape = d.ints(d.int(1, 6), 1, 6) if d.chance(0.9) else d.ints(3, 0, 40)
    x = d.floats(shape, d.dtype(F16, F64), d.pick(1, 1, 10, 100))
    if d.chance(0.08) and op != "Hardmax":
        x = d.odd(x, 1)
    axis = d.int(0 if opset == 1 else -x.ndim, x.ndim - 1)
    return Node(op, opset, [x], {"axis": axis if d.chance(0.8) and x.ndim else None})


@family
def losses(d):
    dtype = d.dtype(F16, F64)
    n, c, rest = d.int(1, 3), d.int(2, 5), d.ints(d.int(0, 3), 1, 4)
    x = d.floats([n, c, *rest], dtype)
    labels = d.g.integers(0, c, [n, *rest]).astype(d.pick(I32, I64))
    weight = d.g.random([c]).astype(dtype) if d.chance(0.5) else None
    attrs = {"reduction": d.pick(None, "mean", "sum", "none")}
    if d.chance(0.4):
        attrs["ignore_index"] = d.pick(0, 1, -1, 100)
        if not 0 <= attrs["ignore_index"] < c:
            labels[d.g.random(labels.shape) < 0.3] = attrs["ignore_index"]
    if d.chance(0.5):
        x = np.log(np.abs(x) + 0.01).astype(dtype)
        return Node("NegativeLogLikelihoodLoss", d.pick(12, 13, 22), [x, labels, weight], attrs)
    outputs = [dtype, dtype] if d.chance(0.4) else [dtype]
    return Node("SoftmaxCrossEntropyLoss", d.pick(12, 13), [x, labels, weight], attrs, outputs)
