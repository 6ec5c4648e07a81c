"""Sizes at which kernels take their fast ways: vectors, tiles, splits over threads."""

import numpy as np

from .draw import F16, F32, F64, Node, family


@family
def wide_conv(d):
    """Long rows, depthwise kernels of many shapes, three dimensions, many channels at one position."""
    kind = d.pick("long", "depthwise", "volume", "point", "square")
    if kind == "long":
        size, k, group, cin, cout = [d.int(60, 300)], [d.pick(3, 5, 9, 16)], 1, d.int(1, 12), d.int(1, 12)
    elif kind == "depthwise":
        size, k, group, cin, cout = d.ints(2, 10, 30), d.pick([3, 3], [5, 5], [7, 7], [1, 5], [7, 1]), d.pick(3, 8, 12, 16), 1, d.pick(1, 1, 2)
    elif kind == "volume":
        size, k, group, cin, cout = d.ints(3, 4, 9), d.pick([3, 3, 3], [1, 3, 3], [3, 1, 1]), 1, d.int(1, 8), d.int(1, 8)
    elif kind == "point":
        size, k, group, cin, cout = d.ints(2, 1, 8), [1, 1], d.pick(1, 1, 2), d.int(8, 70), d.int(8, 70)
    else:
        size, k, group, cin, cout = d.ints(2, 6, 24), d.pick([3, 3], [5, 5], [2, 2], [7, 7]), d.pick(1, 1, 4), d.int(1, 17), d.int(1, 33)
    strides = d.pick([1] * len(size), [2] * len(size), d.ints(len(size), 1, 2))
    pads = d.pick([n // 2 for n in k] * 2, [0] * 2 * len(size), d.ints(2 * len(size), 0, 2))
    x = d.floats([d.int(1, 3), group * cin, *size])
    w = d.floats([group * cout, cin, *k], scale=0.2)
    b = d.floats([group * cout]) if d.chance(0.5) else None
    return Node("Conv", d.pick(11, 22), [x, w, b], {"strides": strides, "pads": pads, "group": group}, constant=d.pick(0.0, 1.0))


@family
def wide_convtranspose(d):
    k = d.pick(2, 3, 4)
    attrs = {"strides": d.pick([2, 2], [1, 1], [2, 1]), "pads": d.pick([0] * 4, [1] * 4), "group": d.pick(1, 1, 2)}
    if k == 2:
        attrs["pads"] = [0] * 4
    cin, cout = d.int(4, 20), d.int(4, 20)
    x = d.floats([d.int(1, 2), attrs["group"] * cin, d.int(5, 16), d.int(5, 16)])
    w = d.floats([attrs["group"] * cin, cout, k, k], scale=0.2)
    return Node("ConvTranspose", 11, [x, w, d.floats([attrs["group"] * cout]) if d.chance() and attrs["group"] == 1 else None], attrs, constant=d.pick(0.0, 1.0))


@family
def wide_pool(d):
    op = d.pick("MaxPool", "AveragePool")
    size = d.pick(d.ints(2, 12, 40), d.ints(2, 12, 40), [d.int(50, 200)], d.ints(3, 6, 14))
    rank = len(size)
    k = d.pick(2, 3, 3, 5)
    attrs = {"kernel_shape": [k] * rank, "strides": [d.int(1, 3)] * rank, "pads": [d.pick(0, k // 2)] * 2 * rank}
    if op == "AveragePool" and d.chance(0.5):
        attrs["count_include_pad"] = 1
    x = d.floats([d.int(1, 2), d.int(1, 9), *size])
    return Node(op, 12 if op == "MaxPool" else 11, [x], attrs)


@family
def wide_resize(d):
    mode = d.pick("nearest", "linear", "cubic")
    kind = d.pick("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel")
    h, w = d.ints(2, 6, 40)
    scale = d.pick((2.0, 2.0), (4.0, 4.0), (0.5, 0.5), (3.0, 1.0), (1.0, 2.0), (d.float(0.4, 3), d.float(0.4, 3)))
    x = d.floats([d.int(1, 2), d.pick(1, 3, 8, 17), h, w])
    attrs = {"mode": mode, "coordinate_transformation_mode": kind}
    if mode == "nearest":
        attrs["nearest_mode"] = d.pick("floor", "round_prefer_floor", "ceil", "round_prefer_ceil")
    if mode != "nearest" and d.chance(0.2):
        attrs["antialias"] = 1
    if d.chance():
        return Node("Resize", 18, [x, None, np.array([1, 1, *scale], F32)], attrs)
    sizes = np.array([*x.shape[:2], max(1, int(h * scale[0])), max(1, int(w * scale[1]))], np.int64)
    return Node("Resize", 18, [x, None, None, sizes], attrs)


@family
def wide_matmul(d):
    m, k, n = d.pick(d.ints(3, 30, 200), [1, d.int(50, 400), d.int(50, 400)], [d.int(50, 400), d.int(50, 400), 1], [d.int(1, 9), d.int(300, 700), d.int(1, 9)])
    lead = d.pick([], [], [3], [2, 3])
    dtype = d.dtype(F64, F16)
    a = d.floats(lead + [m, k], dtype, 0.3)
    b = d.floats(([] if d.chance() else lead) + [k, n], dtype, 0.3)
    return Node("MatMul", 13, [a, b], constant=d.pick(0.0, 1.0), atol=1e-4)


@family
def wide_gemm(d):
    m, k, n = d.ints(3, 20, 150)
    ta, tb = d.int(0, 1), d.int(0, 1)
    a, b = d.floats([k, m] if ta else [m, k], scale=0.3), d.floats([n, k] if tb else [k, n], scale=0.3)
    c = d.floats(d.pick([n], [m, n], [m, 1], [])) if d.chance(0.7) else None
    return Node("Gemm", 13, [a, b, c], {"transA": ta, "transB": tb, "alpha": d.pick(1.0, 0.5), "beta": d.pick(1.0, 2.0)}, constant=d.pick(0.0, 1.0), atol=1e-4)


@family
def wide_norm(d):
    """Rows and planes of lengths around the sizes of vectors and tiles."""
    n = d.pick(d.int(60, 300), 128, 256, 1000)
    op = d.pick("LayerNormalization", "Softmax", "LogSoftmax", "InstanceNormalization", "BatchNormalization", "GroupNormalization", "RMSNormalization", "LpNormalization", "LRN")
    if op in ("LayerNormalization", "RMSNormalization"):
        x = d.floats([d.int(1, 4), d.int(1, 5), n], F32, d.pick(1, 10), d.pick(0, 30))
        return Node(op, 23, [x, d.floats([n]), d.floats([n]) if op[0] == "L" and d.chance() else None], {}, atol=1e-4)
    if op in ("Softmax", "LogSoftmax", "LpNormalization"):
        x = d.floats([d.int(1, 4), d.int(1, 5), n], F32, d.pick(1, 10))
        return Node(op, 13 if op[-1] == "x" else 22, [x], {"axis": d.pick(-1, 1)})
    x = d.floats([d.int(1, 2), 12, d.int(5, 20), d.int(5, 20)], F32, d.pick(1, 5), d.pick(0, 10))
    if op == "LRN":
        return Node(op, 13, [x], {"size": d.pick(3, 5), "alpha": 0.01})
    rest = [d.floats([12]), d.floats([12])]
    if op == "BatchNormalization":
        rest += [d.floats([12]), (d.g.random(12) + 0.2).astype(F32)]
    return Node(op, 21, [x, *rest], {"num_groups": 4} if op[0] == "G" else {}, atol=1e-4)


@family
def wide_attention(d):
    kv, size = d.pick(1, 2, 4), d.pick(16, 32, 40)
    q = kv * d.pick(1, 2)
    b, lq, lk = d.int(1, 2), d.int(1, 40), d.int(8, 60)
    attrs = {"is_causal": d.int(0, 1)}
    mask = d.floats(d.pick([lq, lk], [b, 1, lq, lk])) if d.chance() else None
    ins = [d.floats([b, q, lq, size]), d.floats([b, kv, lk, size]), d.floats([b, kv, lk, size]), mask]
    return Node("Attention", 23, ins, attrs, fixed=range(4), atol=1e-4)
