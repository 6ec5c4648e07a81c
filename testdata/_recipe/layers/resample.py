"""Resizing, sampling by grids, and what is made for them."""

import numpy as np

from .draw import F16, F32, F64, Node, family


def factor(d, n):
    """A scale that leaves at least one of n elements."""
    s = d.pick(0.5, 2.0, 1.0, 3.0, d.float(0.3, 3.0), d.float(0.3, 3.0))
    return s if int(n * s) >= 1 else 1.0


@family
def resize(d):
    opset = d.pick(11, 13, 18, 19, 19)
    mode = d.pick("nearest", "linear", "cubic")
    rank = d.pick(1, 2, 3, 4, 4, 4, 4, 5) if mode != "cubic" else d.pick(2, 4, 4, 4)
    shape = [d.int(1, 2) if a < rank - 2 and rank > 3 else d.int(2, 7) for a in range(rank)]
    axes = list(range(rank))
    attrs = {"mode": mode}
    if rank == 4 or rank == 5 or mode == "cubic":
        axes = axes[-2 if rank < 5 else -3 :]
    elif d.chance(0.6):
        axes = axes[d.int(0, rank - 1) :]
    given = opset >= 18 and d.chance(0.5)
    if given:
        order = list(d.g.permutation(axes)) if d.chance(0.3) else axes
        axes = [int(a) for a in order]
        attrs["axes"] = [a - rank if d.chance(0.2) else a for a in axes]
    if mode == "nearest" and d.chance(0.7):
        attrs["nearest_mode"] = d.pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    kinds = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"]
    kinds += ["half_pixel_symmetric"] if opset >= 19 else []
    kinds += ["tf_half_pixel_for_nn"] if opset == 11 else []
    kind = d.pick(kinds)
    if kind != "half_pixel" or d.chance(0.5):
        attrs["coordinate_transformation_mode"] = kind
    if mode == "cubic" and d.chance(0.5):
        attrs["cubic_coeff_a"] = d.pick(-0.5, -0.75, -0.6)
    if mode == "cubic" and d.chance(0.3):
        attrs["exclude_outside"] = 1
    if opset >= 18 and mode != "nearest" and d.chance(0.3):
        attrs["antialias"] = 1
    roi = None
    if kind == "tf_crop_and_resize":
        whole = [(0.0, 1.0) for _ in shape]
        for a in axes:
            whole[a] = tuple(sorted((d.float(-0.3, 0.8), d.float(0.2, 1.3))))
        used = [whole[a] for a in axes] if given else whole
        roi = np.array([s for s, _ in used] + [e for _, e in used], F32)
        if d.chance(0.6):
            attrs["extrapolation_value"] = d.float(-2, 9)
    elif opset < 13 or d.chance(0.1):
        roi = np.zeros([0], F32)
    scales = [1.0] * rank
    for a in axes:
        scales[a] = factor(d, shape[a])
    sizes = [int(n * s) for n, s in zip(shape, scales)]
    if given:
        scales, sizes = [scales[a] for a in axes], [sizes[a] for a in axes]
    by_scale = d.chance(0.5)
    if not by_scale and opset >= 18 and d.chance(0.4):
        attrs["keep_aspect_ratio_policy"] = d.pick("stretch", "not_larger", "not_smaller")
    dtype = d.dtype(F16, F64, np.uint8, np.int8, np.int32)
    x = d.floats(shape, dtype) if np.dtype(dtype).kind == "f" else d.codes(shape, dtype, 0, 127)
    s = np.array(scales, F32) if by_scale else (np.zeros([0], F32) if opset < 13 else None)
    z = None if by_scale else np.array(sizes, np.int64)
    return Node("Resize", opset, [x, roi, s, z], attrs, fixed=())


@family
def resize_old(d):
    op, opset = d.pick(("Upsample", 7), ("Upsample", 9), ("Resize", 10))
    rank = d.pick(4, 4, 4, 3, 2)
    shape = [d.int(1, 2) if a < rank - 2 else d.int(2, 6) for a in range(rank)]
    up = [d.pick(1.0, 1.5, 2.0, 3.0, d.float(1, 3)) if a >= rank - 2 else 1.0 for a in range(rank)]
    if op == "Resize":
        up = [factor(d, n) if a >= rank - 2 else 1.0 for a, n in enumerate(shape)]
    mode = d.pick(None, "nearest", "linear")
    x = d.floats(shape)
    if opset == 7:
        return Node(op, opset, [x], {"mode": mode, "scales": up})
    return Node(op, opset, [x, np.array(up, F32)], {"mode": mode}, fixed=())


@family
def gridsample(d):
    opset = d.pick(16, 20, 22)
    deep = opset >= 20 and d.chance(0.3)
    modes = {16: ["bilinear", "nearest", "bicubic"], 20: ["linear", "nearest", "cubic"], 22: ["linear", "nearest", "cubic"]}[opset]
    mode = d.pick(modes[:2] if deep else modes)
    rank = 3 if deep else 2
    n, size, out = d.int(1, 2), d.ints(rank, 2, 6), d.ints(rank, 1, 5)
    grid = d.g.uniform(-1.4, 1.4, (n, *out, rank))
    if d.chance(0.15):
        grid *= 5
    dtype = d.dtype(F64)
    attrs = {"mode": mode, "padding_mode": d.pick("zeros", "border", "reflection"), "align_corners": d.int(0, 1)}
    attrs = {k: v for k, v in attrs.items() if d.chance(0.85)}
    return Node("GridSample", opset, [d.floats([n, d.int(1, 3), *size], dtype), grid.astype(dtype)], attrs)


@family
def affinegrid(d):
    rank = d.pick(2, 3)
    n = d.int(1, 3)
    size = np.array([n, d.int(1, 4), *d.ints(rank, 2, 5)], np.int64)
    attrs = {"align_corners": d.int(0, 1)} if d.chance(0.7) else {}
    return Node("AffineGrid", 20, [d.floats([n, rank, rank + 1], d.dtype(F16, F64)), size], attrs)


@family
def col2im(d):
    rank = d.pick(1, 2, 2, 3)
    size, kernel = d.ints(rank, 4, 8), d.ints(rank, 1, 3)
    attrs = {"dilations": d.ints(rank, 1, 2), "strides": d.ints(rank, 1, 3), "pads": d.ints(2 * rank, 0, 2)}
    attrs = {k: v for k, v in attrs.items() if d.chance(0.7)}
    e, s, p = (attrs.get(k, [v] * 2 * rank) for k, v in (("dilations", 1), ("strides", 1), ("pads", 0)))
    blocks = [(n + p[i] + p[i + rank] - e[i] * (k - 1) - 1) // s[i] + 1 for i, (n, k) in enumerate(zip(size, kernel))]
    if min(blocks) < 1:
        return None
    x = d.floats([d.int(1, 2), d.int(1, 3) * int(np.prod(kernel)), int(np.prod(blocks))], d.dtype(F16, F64))
    return Node("Col2Im", 18, [x, np.array(size, np.int64), np.array(kernel, np.int64)], attrs)


@family
def centercroppad(d):
    shape = d.ints(d.int(1, 5), 1, 6)
    axes = [int(a) for a in d.g.permutation(len(shape))[: d.int(1, len(shape))]] if d.chance(0.6) else None
    target = np.array(d.ints(len(axes or shape), 1, 8), np.int64)
    if axes and d.chance(0.4):
        axes = [a - len(shape) for a in axes]
    dtype = d.dtype(F64, np.int32)
    x = d.floats(shape, dtype, 10)
    return Node("CenterCropPad", 18, [x, target.astype(d.pick(np.int32, np.int64))], {"axes": axes})


@family
def depthspace(d):
    block = d.int(1, 3)
    n, c, h, w = d.ints(4, 1, 3)
    dtype = d.dtype(F16, F64)
    if d.chance(0.5):
        opset = d.pick(1, 11, 13)
        attrs = {"blocksize": block, "mode": d.pick(None, "DCR", "CRD") if opset > 1 else None}
        return Node("DepthToSpace", opset, [d.floats([n, c * block * block, h, w], dtype)], attrs)
    return Node("SpaceToDepth", d.pick(1, 13), [d.floats([n, c, h * block, w * block], dtype)], {"blocksize": block})
