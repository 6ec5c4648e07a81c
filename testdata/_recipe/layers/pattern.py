"""Small graphs as exporters write them: chains that an optimiser fuses, with variations that it must not fuse."""

import functools

import numpy as np
from onnx import helper

from draw import build

from .draw import F16, F32, FAMILIES, HALF, Draw


def pattern(drawn):
    """Registers a family whose function takes a Draw and a Graph, and returns the names of the outputs, or None to decline."""

    @functools.wraps(drawn)
    def case(base):
        d = Draw(base)
        g = Graph(d)
        outputs = drawn(d, g)
        if outputs is None:
            return None
        half = 5 * HALF.get(g.dtype, 0)  # the errors of a chain add up
        return build(d, g.nodes, g.feeds, outputs, g.opset, fixed=g.inputs, constant=g.constant, rtol=max(1e-3, half), atol=max(g.atol, half))

    FAMILIES[drawn.__name__] = case
    return drawn


class Graph:
    """Nodes and values of a case in the making."""

    def __init__(self, d):
        self.nodes, self.feeds, self.inputs = [], {}, set()
        self.opset, self.dtype, self.constant, self.atol = 17, F32, d.pick(1.0, 1.0, 0.5), 1e-5

    def input(self, x):
        name = f"in{len(self.feeds)}"
        self.feeds[name] = x
        self.inputs.add(name)
        return name

    def weight(self, x):
        name = f"w{len(self.feeds)}"
        self.feeds[name] = np.asarray(x)
        return name

    def op(self, op, *inputs, count=1, **attrs):
        outputs = [f"v{len(self.nodes)}_{i}" for i in range(count)]
        names = [i if isinstance(i, str) else self.weight(i) for i in inputs]
        self.nodes.append(helper.make_node(op, names, outputs, **{k: v for k, v in attrs.items() if v is not None}))
        return outputs[0] if count == 1 else outputs


def activation(d, g, x):
    """An activation, of one node or written out."""
    kind = d.pick("none", "Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid", "LeakyRelu", "Elu", "Softplus", "Clip", "silu", "gelu", "mish", "PRelu", "relu6")
    f = lambda v: np.asarray(v, g.dtype)
    if kind == "none":
        return x
    if kind == "LeakyRelu":
        return g.op(kind, x, alpha=d.float(0.01, 0.5))
    if kind == "Clip":
        return g.op(kind, x, f(-0.4) if d.chance() else "", *([f(1.2)] if d.chance() else []))
    if kind == "relu6":
        return g.op("Min", g.op("Relu", x), f(6))
    if kind == "PRelu":
        return g.op(kind, x, f(0.2))
    if kind == "silu":
        s = g.op("Sigmoid", x)
        return g.op("Mul", *d.shuffled([x, s]))
    if kind == "mish":
        return g.op("Mul", x, g.op("Tanh", g.op("Softplus", x)))
    if kind == "gelu":
        e = g.op("Add", g.op("Erf", g.op("Div", x, f(np.sqrt(2)))), f(1))
        return g.op("Mul", g.op("Mul", x, e), f(0.5)) if d.chance() else g.op("Mul", x, g.op("Mul", e, f(0.5)))
    return g.op(kind, x)


@pattern
def pattern_conv(d, g):
    """Convolution, batch normalisation, scale, bias, residual, activation: in many orders."""
    if d.chance(0.15):
        g.dtype = F16
    c, m = d.pick(3, 4, 8, 16), d.pick(4, 8, 16)
    group = c if d.chance(0.25) else 1
    if group > 1:
        m = c
    k = d.pick(1, 3)
    x = g.input(d.floats([d.int(1, 2), c, d.int(5, 9), d.int(5, 9)], g.dtype))
    if d.chance(0.2):
        x = g.op("Pad", x, np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64))
    out, skip = x, None
    for _ in range(d.int(1, 3)):
        c_in = c if out == x or group > 1 else m
        w = d.floats([m, c_in // group, k, k], g.dtype, 0.3)
        b = [d.floats([m], g.dtype)] if d.chance() else []
        stride = d.pick(1, 1, 2) if skip is None else 1
        out = g.op("Conv", out, w, *b, group=group, pads=[k // 2] * 4, strides=[stride] * 2)
        if d.chance(0.6):
            out = g.op("BatchNormalization", out, d.floats([m], g.dtype), d.floats([m], g.dtype), d.floats([m], g.dtype), (d.g.random(m) + 0.3).astype(g.dtype), epsilon=d.pick(None, 1e-3))
        for _ in range(d.int(0, 2)):
            shape = d.pick([m, 1, 1], [1, m, 1, 1], [1], [])
            out = g.op(d.pick("Add", "Mul", "Sub", "Div"), out, d.floats(shape, g.dtype, 0.3, 1.5))
        if skip is not None and d.chance(0.5):
            out = g.op("Add", *d.shuffled([out, skip]))
        out = activation(d, g, out)
        skip = out
    outputs = [out]
    if d.chance(0.3):
        outputs.append(g.op("GlobalAveragePool", out))
    if d.chance(0.2) and len(g.nodes) > 2:
        inner = g.nodes[d.int(0, len(g.nodes) - 2)].output[0]  # a value inside that is asked for, too
        if inner not in outputs:
            outputs.append(inner)
    return outputs


@pattern
def pattern_linear(d, g):
    """MatMul or Gemm with bias, scale, residual, activation; transposes around."""
    if d.chance(0.15):
        g.dtype = F16
    n = d.pick(4, 8, 12)
    rank = d.pick(2, 3)
    out = x = g.input(d.floats([2, 5, n][3 - rank :], g.dtype))
    for _ in range(d.int(1, 3)):
        w = d.floats([n, n], g.dtype, 0.3)
        if rank == 2 and d.chance(0.4):
            t = d.int(0, 1)
            c = [d.floats(d.pick([n], [1, n], [1]), g.dtype)] if d.chance(0.7) else []
            out = g.op("Gemm", out, w, *c, transB=t, alpha=d.pick(None, 0.5), beta=d.pick(None, 2.0))
        else:
            right = w if d.chance(0.7) else g.op("Transpose", w, perm=[1, 0])
            out = g.op("MatMul", out, right)
        for _ in range(d.int(0, 2)):
            b = d.floats(d.pick([n], [1], [], [1, n]), g.dtype, 0.3, 1.5)
            out = g.op("Div", out, b) if d.chance(0.25) else g.op(d.pick("Add", "Mul", "Sub"), *d.shuffled([out, b]))
        out = activation(d, g, out)
        if d.chance(0.3):
            out = g.op("Add", out, x)
    if d.chance(0.3):
        out = g.op("Softmax", out, axis=-1)
    return [out]


@pattern
def pattern_norm(d, g):
    """Layer, RMS and instance normalisation written out."""
    n = d.pick(3, 6, 8)
    x = g.input(d.floats([2, 4, n], F32, d.pick(1, 5), d.pick(0, 2)))
    axes = d.pick([-1], [2], [1, 2])
    if d.chance(0.3):
        x = g.op("Add", x, g.input(d.floats([2, 4, n])))
    power = (lambda v: g.op("Pow", v, np.float32(2))) if d.chance(0.6) else (lambda v: g.op("Mul", v, v))
    centred = x
    if d.chance(0.7):
        mean = g.op("ReduceMean", x, axes=axes)
        centred = g.op("Sub", x, mean)
    variance = g.op("ReduceMean", power(centred), axes=axes)
    root = g.op("Sqrt", g.op("Add", variance, np.float32(d.pick(1e-5, 1e-3))))
    if d.chance(0.3):
        out = g.op("Mul", centred, g.op("Reciprocal", root))
    else:
        out = g.op("Div", centred, root)
    if d.chance(0.8):
        out = g.op("Mul", *d.shuffled([out, d.floats([n])]))
        if d.chance(0.8):
            out = g.op("Add", *d.shuffled([out, d.floats(d.pick([n], [1, 1, n]))]))
    return [out, variance] if d.chance(0.15) else [out]


@pattern
def pattern_attention(d, g):
    """Multi-head attention written out: projections, heads, scale, mask, softmax."""
    b, n, heads, size = d.int(1, 2), d.int(2, 6), d.int(1, 3), d.pick(2, 4)
    e = heads * size
    x = g.input(d.floats([b, n, e]))
    dims = np.array([0, 0, heads, size] if d.chance() else [b, n, heads, size], np.int64)

    def head(perm):
        v = g.op("MatMul", x, d.floats([e, e], F32, 0.4))
        if d.chance(0.7):
            v = g.op("Add", v, d.floats([e]))
        return g.op("Transpose", g.op("Reshape", v, dims), perm=perm)

    q, k, v = head([0, 2, 1, 3]), head([0, 2, 3, 1]), head([0, 2, 1, 3])
    scale = np.float32(np.sqrt(size))
    where = d.pick("q", "scores", "both", "none")
    if where in ("q", "both"):
        q = g.op("Div", q, scale)
    scores = g.op("MatMul", q, k)
    if where in ("scores", "both"):
        scores = g.op("Mul", scores, np.float32(1) / scale)
    if d.chance(0.5):
        mask = d.g.random([b, 1, 1, n] if d.chance() else [1, 1, n, n]) < 0.7
        mask[..., 0] = True
        if d.chance():
            scores = g.op("Add", scores, g.input(np.where(mask, 0, -1e4).astype(F32)))
        else:
            scores = g.op("Where", g.input(mask), scores, np.float32(-1e9))
    p = g.op("Softmax", scores, axis=-1)
    out = g.op("MatMul", p, v)
    out = g.op("Reshape", g.op("Transpose", out, perm=[0, 2, 1, 3]), np.array([0, 0, e] if d.chance() else [b, n, -1], np.int64))
    out = g.op("MatMul", out, d.floats([e, e], F32, 0.4))
    if d.chance(0.5):
        out = g.op("Add", out, x)
    return [out]


@pattern
def pattern_quantised(d, g):
    """Operators between DequantizeLinear and QuantizeLinear."""
    g.constant, g.atol = 1.0, 0.11  # a step of the output, for sums near the half between two codes
    t = d.pick(np.uint8, np.int8)

    def scale():
        return np.float32(d.float(0.02, 0.1))

    def point(t):
        return np.asarray(d.int(100, 150) if t is np.uint8 else d.int(-20, 20), t)

    def through(v):
        s, z = scale(), point(t)
        return g.op("DequantizeLinear", g.op("QuantizeLinear", v, s, z), s, z)

    conv = d.chance(0.6)
    x = through(g.input(d.floats([1, 4, 6, 6] if conv else [3, 8])))
    shape = [6, 4, 3, 3] if conv else [8, 6]
    per = d.chance(0.5)
    ws = np.asarray(d.g.uniform(0.005, 0.03, [6] if per else []), F32)
    w = g.op("DequantizeLinear", d.codes(shape, np.int8), ws, np.zeros(ws.shape, np.int8), axis=(0 if conv else 1) if per else None)
    if conv:
        out = g.op("Conv", x, w, *([d.floats([6])] if d.chance() else []), pads=[1] * 4)
    else:
        out = g.op("MatMul", x, w)
    if d.chance(0.4):
        out = g.op("Relu", out)
    out = through(out)
    if d.chance(0.4):
        out = g.op("Add", out, through(g.input(d.floats([1, 6, 6, 6] if conv else [3, 6]))))
        out = through(out)
    if conv and d.chance(0.4):
        out = g.op("MaxPool", out, kernel_shape=[2, 2], strides=[2, 2])
    return [out]


@pattern
def pattern_shapes(d, g):
    """Reshapes, transposes and slices whose arguments come from Shape, around something that computes."""
    x = g.input(d.floats([2, 3, 4, 5]))
    out = g.op("Relu", x)
    for _ in range(d.int(2, 5)):
        kind = d.pick("flatten", "swap", "swap_back", "cut", "concat", "squeeze", "add")
        if kind == "flatten":
            n = g.op("Gather", g.op("Shape", out), np.array(0, np.int64), axis=0)
            n = g.op("Unsqueeze", n, np.array([0], np.int64))
            shape = g.op("Concat", n, np.array([-1, 1, 1], np.int64), axis=0)
            out = g.op("Reshape", out, shape)
        elif kind == "swap":
            out = g.op("Transpose", out, perm=d.pick([0, 2, 3, 1], [0, 3, 1, 2], [1, 0, 2, 3], [0, 1, 3, 2]))
        elif kind == "swap_back":
            out = g.op("Transpose", g.op("Tanh", g.op("Transpose", out, perm=[0, 2, 3, 1])), perm=[0, 3, 1, 2])
        elif kind == "cut":
            end = g.op("Shape", out, start=1, end=2)
            out = g.op("Slice", out, np.array([0], np.int64), end, np.array([1], np.int64))
        elif kind == "concat":
            out = g.op("Concat", out, g.op("Neg", out), axis=d.int(0, 3))
        elif kind == "squeeze":
            out = g.op("Unsqueeze", g.op("ReduceMean", out, axes=[1], keepdims=0), np.array([1], np.int64))
        else:
            out = g.op("Add", out, d.floats(d.pick([1], [1, 1, 1, 1], [])))
    return [out]
