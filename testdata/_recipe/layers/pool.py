"""Pools over windows, over everything, and over regions."""

import numpy as np

from .conv import geometry, window
from .draw import BF16, F16, F32, F64, Node, family


def pool_attrs(d, size, kernel, ceil=True, dilate=True):
    attrs = {"kernel_shape": kernel, **window(d, size, kernel, dilate)}
    if attrs.get("auto_pad", "").startswith("SAME") and "strides" in attrs:  # else the padding that a stride asks for may be negative
        attrs["strides"] = [min(s, k) for s, k in zip(attrs["strides"], kernel)]
    if ceil and d.chance(0.4):
        attrs["ceil_mode"] = d.int(0, 1)
    return attrs


@family
def maxpool(d):
    n, size, kernel = geometry(d)
    opset = d.pick(1, 8, 10, 11, 12, 22, 22)
    dtype = d.dtype(F16, F64, *([np.int8, np.uint8] if opset >= 12 else []), *([BF16] if opset == 22 else []))
    attrs = pool_attrs(d, size, kernel, opset >= 10, opset >= 10)
    if opset >= 8 and d.chance(0.3):
        attrs["storage_order"] = d.int(0, 1)
    shape = [n, d.int(1, 4), *size]
    x = d.codes(shape, dtype) if dtype in (np.int8, np.uint8) else d.odd(d.floats(shape, dtype), 0.1)
    indices = opset >= 8 and d.chance(0.5)
    return Node("MaxPool", opset, [x], attrs, [x.dtype] + ([np.dtype("int64")] if indices else []))


@family
def averagepool(d):
    n, size, kernel = geometry(d)
    opset = d.pick(1, 7, 10, 11, 19, 22, 22)
    dtype = d.dtype(F16, F64, *([BF16] if opset == 22 else []))
    attrs = pool_attrs(d, size, kernel, opset >= 10, opset >= 19)
    if opset >= 7 and d.chance(0.6):
        attrs["count_include_pad"] = d.int(0, 1)
    return Node("AveragePool", opset, [d.floats([n, d.int(1, 4), *size], dtype)], attrs)


@family
def lppool(d):
    n, size, kernel = geometry(d)
    opset = d.pick(2, 11, 18, 22, 22)
    attrs = pool_attrs(d, size, kernel, opset >= 18, opset >= 18)
    if d.chance(0.7):
        attrs["p"] = d.int(1, 4)
    return Node("LpPool", opset, [d.floats([n, d.int(1, 4), *size], d.dtype(F16, F64))], attrs)


@family
def globalpool(d):
    op = d.pick("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
    opset = d.pick(1, 22) if op != "GlobalLpPool" else d.pick(2, 22)
    attrs = {"p": d.int(1, 4)} if op == "GlobalLpPool" and d.chance(0.7) else {}
    x = d.floats([d.batch(3), d.int(1, 4), *d.ints(d.int(1, 4), 1, 6)], d.dtype(F16, F64))
    return Node(op, opset, [d.odd(x, 0.1)], attrs)


@family
def maxunpool(d):
    rank = d.pick(1, 2, 2, 3)
    kernel, strides = d.ints(rank, 1, 3), d.ints(rank, 1, 3)
    size = d.ints(rank, 2, 4)
    pads = [d.int(0, 1) if k > 1 else 0 for k in kernel * 2] if d.chance(0.4) else None
    p = pads or [0] * 2 * rank
    full = [(s - 1) * t + k - p[i] - p[i + rank] for i, (s, t, k) in enumerate(zip(size, strides, kernel))]
    if min(full) < 1:
        return None
    shape = [d.int(1, 2), d.int(1, 3), *size]
    total = shape[0] * shape[1] * int(np.prod(full))
    out = np.array(shape[:2] + [f + d.int(0, 2) for f in full], np.int64) if d.chance(0.5) else None
    if int(np.prod(shape)) > total:
        return None
    indices = d.g.permutation(total)[: int(np.prod(shape))].reshape(shape).astype(np.int64)
    attrs = {"kernel_shape": kernel, "strides": strides, "pads": pads}
    return Node("MaxUnpool", d.pick(9, 11, 22), [d.floats(shape, d.dtype(F16, F64)), indices, out], attrs)


@family
def maxroipool(d):
    n, h, w, count = d.int(1, 3), d.int(4, 9), d.int(4, 9), d.int(1, 5)
    scale = d.pick(1.0, 0.5, 0.25)
    corners = np.sort(d.g.uniform(0, [[[h / scale], [w / scale]]], (count, 2, 2)), axis=2)
    rois = np.stack([d.g.integers(0, n, count), corners[:, 1, 0], corners[:, 0, 0], corners[:, 1, 1], corners[:, 0, 1]], 1)
    if d.chance(0.6):
        rois = np.round(rois)
    attrs = {"pooled_shape": d.ints(2, 1, 4), "spatial_scale": scale if d.chance(0.8) else None}
    return Node("MaxRoiPool", d.pick(1, 22), [d.floats([n, d.int(1, 3), h, w]), rois.astype(F32)], attrs)


@family
def roialign(d):
    n, h, w, count = d.int(1, 3), d.int(4, 9), d.int(4, 9), 0 if d.chance(0.03) else d.int(1, 5)
    scale = d.pick(1.0, 0.5, 0.25)
    dtype = d.dtype(F16, F64)
    corners = np.sort(d.g.uniform(-1, [[[w / scale + 1], [h / scale + 1]]], (count, 2, 2)), axis=2)
    rois = corners.transpose(0, 2, 1).reshape(count, 4).astype(dtype)
    opset = d.pick(10, 16, 22)
    attrs = {"output_height": d.int(1, 4), "output_width": d.int(1, 4), "sampling_ratio": d.int(0, 3), "spatial_scale": scale}
    attrs["mode"] = d.pick(None, "avg", "max")
    if opset >= 16:
        attrs["coordinate_transformation_mode"] = d.pick(None, "half_pixel", "output_half_pixel")
    attrs = {k: v for k, v in attrs.items() if d.chance(0.8)}
    return Node("RoiAlign", opset, [d.floats([n, d.int(1, 3), h, w], dtype), rois, d.g.integers(0, n, count)], attrs)


@family
def nms(d):
    batch, boxes, classes = d.int(1, 2), d.int(1, 20), d.int(1, 3)
    center = d.chance(0.4)
    first, extent = d.g.uniform(0, 3, (batch, boxes, 2)), d.g.uniform(0.5, 2, (batch, boxes, 2))
    values = np.concatenate([first, extent if center else first + extent], 2)
    if not center and d.chance(0.3):
        values = values[..., [2, 1, 0, 3]]  # corners in any diagonal order
    scores = d.g.random((batch, classes, boxes))
    limits = [
        np.array(d.pick([d.int(0, 4)], [100]), np.int64) if d.chance(0.9) else None,
        np.array([d.float(0, 0.9)], F32) if d.chance(0.7) else None,
        np.array([d.float(0, 0.7)], F32) if d.chance(0.7) else None,
    ]
    if d.chance(0.3):
        limits = [v if v is None else v.reshape(()) for v in limits]
    attrs = {"center_point_box": int(center)} if center or d.chance(0.3) else {}
    return Node("NonMaxSuppression", d.pick(10, 11), [values.astype(F32), scores.astype(F32), *limits], attrs, [np.dtype("int64")])
