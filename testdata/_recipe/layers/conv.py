"""Convolutions."""

import numpy as np

from .draw import BF16, F16, F32, F64, Node, family


def window(d, size, kernel, dilate=True):
    """Strides, dilations and pads of a window over the given sizes, not larger than them."""
    rank = len(size)
    attrs = {}
    if d.chance(0.7):
        attrs["strides"] = d.ints(rank, 1, 3)
    if dilate and d.chance(0.4):
        attrs["dilations"] = [d.int(1, 3) if (k - 1) * 3 < n else 1 for k, n in zip(kernel, size)]
    mode = d.pick("", "", "pads", "pads", "SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET")
    if mode == "pads" or mode == "NOTSET" and d.chance(0.5):
        attrs["pads"] = [d.int(0, max(k - 1, 0)) for k in kernel + kernel]
    if mode not in ("", "pads"):
        attrs["auto_pad"] = mode
    return attrs


def geometry(d):
    """Batch, spatial sizes and kernel; now and then an empty batch."""
    rank = d.pick(1, 2, 2, 2, 3)
    size = d.ints(rank, 4, [16, 12, 7][rank - 1])
    kernel = [d.int(1, 4) for _ in size]
    if d.chance(0.2):
        kernel = [d.pick(1, 3)] * rank
    return d.batch(3), size, kernel


def channels(d):
    """Group, channels per group of input and output."""
    if d.chance(0.2):
        return d.pick(3, 8, 16, 20), 1, d.pick(1, 1, 2)  # by depth
    group = d.pick(1, 1, 1, 2, 3, 4)
    top = 24 if d.chance(0.2) else 5
    return group, d.int(1, top), d.int(1, top)


@family
def conv(d):
    n, size, kernel = geometry(d)
    group, cin, cout = channels(d)
    opset = d.pick(1, 11, 22, 22)
    dtype = d.dtype(F16, F64, *([BF16] if opset == 22 else []))
    attrs = window(d, size, kernel)
    if group > 1 or d.chance(0.3):
        attrs["group"] = group
    if d.chance(0.5):
        attrs["kernel_shape"] = kernel
    x = d.odd(d.floats([n, group * cin, *size], dtype), 0.05)
    w = d.floats([group * cout, cin, *kernel], dtype, 0.5)
    b = d.floats([group * cout], dtype) if d.chance(0.5) else None
    return Node("Conv", opset, [x, w, b], attrs)


@family
def conv_wide(d):
    """Sizes at which blocked, transformed and depthwise algorithms are chosen."""
    k = d.pick(1, 3, 3, 5)
    size = [d.int(7, 20), d.int(7, 20)]
    group, cin, cout = d.pick((1, 16, 16), (1, 32, 24), (1, 3, 32), (1, 24, 8), (16, 1, 1), (24, 1, 1), (2, 16, 8), (1, 17, 33))
    attrs = {"strides": d.pick([1, 1], [1, 1], [2, 2], [1, 2]), "pads": d.pick([k // 2] * 4, [0] * 4, [1, 0, 0, 1]), "group": group}
    x = d.floats([d.batch(2), group * cin, *size])
    w = d.floats([group * cout, cin, k, k], scale=0.2)
    b = d.floats([group * cout]) if d.chance(0.5) else None
    return Node("Conv", 22, [x, w, b], attrs, constant=d.pick(0.0, 1.0))


@family
def convtranspose(d):
    n, size, kernel = geometry(d)
    size = [max(1, s // 2) for s in size]
    group, cin, cout = channels(d)
    opset = d.pick(1, 11, 22, 22)
    dtype = d.dtype(F16, F64, *([BF16] if opset == 22 else []))
    rank = len(size)
    strides = d.ints(rank, 1, 3)
    dilations = d.ints(rank, 1, 2) if d.chance(0.3) else [1] * rank
    attrs = {"strides": strides if d.chance(0.8) else None, "dilations": dilations if max(dilations) > 1 or d.chance(0.2) else None}
    if attrs["strides"] is None:
        strides = [1] * rank
    form = d.pick("plain", "pads", "pads", "same", "shape", "shape_same", "valid", "padding")
    reach = [(k - 1) * e + 1 for k, e in zip(kernel, dilations)]
    full = [(s - 1) * t + r for s, t, r in zip(size, strides, reach)]
    if form in ("pads", "padding"):
        attrs["pads"] = [d.int(0, min(k - 1, (f - 1) // 2)) for k, f in zip(kernel * 2, full * 2)]
    if form == "padding" or form in ("same", "valid", "shape") and d.chance(0.3):
        attrs["output_padding"] = [d.int(0, max(t, e) - 1) for t, e in zip(strides, dilations)]
    if form.startswith("shape"):
        attrs["output_shape"] = [max(1, d.int(f - 2, f + 1)) for f in full]
    if form in ("same", "shape_same"):
        attrs["auto_pad"] = d.pick("SAME_UPPER", "SAME_LOWER")
    if form == "valid":
        attrs["auto_pad"] = "VALID"
    if group > 1 or d.chance(0.3):
        attrs["group"] = group
    if d.chance(0.4):
        attrs["kernel_shape"] = kernel
    x = d.floats([n, group * cin, *size], dtype)
    w = d.floats([group * cin, cout, *kernel], dtype, 0.5)
    b = d.floats([group * cout], dtype) if d.chance(0.5) else None
    return Node("ConvTranspose", opset, [x, w, b], attrs)


@family
def deformconv(d):
    opset = d.pick(19, 22)
    n, h, w = d.int(1, 2), d.int(4, 8), d.int(4, 8)
    kernel = d.ints(2, 1, 3)
    group, cin, cout = d.pick(1, 1, 2), d.int(1, 3), d.int(1, 3)
    strides, dilations, pads = d.ints(2, 1, 2), d.ints(2, 1, 2), d.ints(4, 0, 1)
    out = [(s + pads[i] + pads[i + 2] - (kernel[i] - 1) * dilations[i] - 1) // strides[i] + 1 for i, s in enumerate((h, w))]
    if min(out) < 1:
        return None
    parts = d.pick([p for p in (1, 2, 3) if group * cin % p == 0])
    attrs = {"strides": strides, "dilations": dilations, "pads": pads, "group": group, "offset_group": parts}
    if d.chance(0.5):
        attrs["kernel_shape"] = kernel
    dtype = d.dtype(F16, F64)
    x = d.floats([n, group * cin, h, w], dtype)
    weight = d.floats([group * cout, cin, *kernel], dtype, 0.5)
    offset = d.floats([n, parts * 2 * kernel[0] * kernel[1], *out], dtype, d.pick(0.3, 2.0))
    bias = d.floats([group * cout], dtype) if d.chance(0.5) else None
    mask = d.g.random([n, parts * kernel[0] * kernel[1], *out]).astype(dtype) if d.chance(0.5) else None
    return Node("DeformConv", opset, [x, weight, offset, bias, mask], attrs)


@family
def qlinearconv(d):
    n, size, kernel = geometry(d)
    group, cin, cout = channels(d)
    attrs = window(d, size, kernel)
    attrs["group"] = group
    xt, wt = d.pick((np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8))
    x, w = d.codes([n, group * cin, *size], xt), d.codes([group * cout, cin, *kernel], wt)
    per = [group * cout] if d.chance(0.5) else []
    scales = (np.float32(d.float(0.01, 0.1)), np.asarray(d.g.uniform(0.005, 0.05, per), F32), np.float32(d.float(0.05, 0.5)))
    zeros = (d.codes([], xt), d.codes(per, wt) if wt is np.uint8 else np.zeros(per, wt), d.codes([], xt))
    b = d.codes([group * cout], np.int32, -2000, 2000) if d.chance(0.5) else None
    ins = [x, np.asarray(scales[0]), zeros[0], w, scales[1], zeros[1], np.asarray(scales[2]), zeros[2], b]
    return Node("QLinearConv", 10, ins, attrs, atol=1.0)


@family
def convinteger(d):
    n, size, kernel = geometry(d)
    group, cin, cout = channels(d)
    attrs = window(d, size, kernel)
    attrs["group"] = group
    xt, wt = d.pick((np.uint8, np.uint8), (np.uint8, np.int8), (np.int8, np.int8))
    x, w = d.codes([n, group * cin, *size], xt), d.codes([group * cout, cin, *kernel], wt)
    xz = d.codes([], xt) if d.chance(0.7) else None
    wz = d.codes(d.pick([], [group * cout]), wt) if d.chance(0.5) else None
    return Node("ConvInteger", 10, [x, w, xz, wz], attrs, outputs=[np.dtype("int32")])
