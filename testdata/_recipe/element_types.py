"""Cases of element types that few models use: whole numbers and booleans in weighted sums, mixed types of attention and
norms, float6 and float8 codes, complex numbers, Dropout in training, the first versions of pools and Upsample.

Expected values: onnx.reference; numpy where it has no such type, as the comments say.
"""

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from pack import case, write

EPS = {np.dtype(np.float16): 4e-3, np.dtype(ml_dtypes.bfloat16): 2e-2}


def tensor_type(v):
    return helper.np_dtype_to_tensor_dtype(v.dtype) if v.dtype.kind not in "OU" else TensorProto.STRING


def build(name, op, version, inputs, want=None, outputs=1, extra=(), values=False, **attrs):
    names = [f"i{k}" if v is not None else "" for k, v in enumerate(inputs)]
    outs = [f"o{k}" for k in range(outputs)]
    nodes = [helper.make_node(op, names, outs, **attrs), *extra]
    if extra:
        outs = list(extra[-1].output)
    feeds = {n: v for n, v in zip(names, inputs) if n}
    infos = [helper.make_tensor_value_info(n, tensor_type(v), v.shape) for n, v in feeds.items()]
    graph = helper.make_graph(nodes, name, infos, [helper.make_empty_tensor_value_info(o) for o in outs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=10)
    source = "numpy" if want is not None else "onnx.reference"
    if want is None:
        want = ReferenceEvaluator(model).run(None, feeds)
    if values:
        return want[0]
    want = [np.asarray(w) for w in want]
    for info, w in zip(model.graph.output, want):
        info.CopyFrom(helper.make_tensor_value_info(info.name, tensor_type(w), w.shape))
    tol = max(EPS.get(w.dtype, 1e-5) for w in want)
    return case(name, model, list(feeds.values()), want, rtol=tol, atol=tol, source=source)


def cases(rng):
    def draw(dtype, *shape, lo=-4, hi=4):
        return rng.uniform(lo, hi, shape).astype(dtype)

    f32, f64, f16, bf16, c64 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.complex64
    # weighted sums of whole numbers: the nearest for types that ONNX Runtime does not resize
    for dtype in ("int16", "uint16", "int64", "uint32", "bool"):
        x = draw(dtype, 1, 2, 3, 4, lo=0, hi=100) if dtype != "bool" else rng.integers(0, 2, (1, 2, 3, 4)).astype(bool)
        scales = np.array([1, 1, 1.7, 1.6], f32)
        if dtype != "bool":
            while near_half(x, scales):
                x = draw(dtype, 1, 2, 3, 4, lo=0, hi=100)
            yield build(f"resize_linear_{dtype}", "Resize", 19, [x, None, scales], mode="linear")
        grid = draw(f32, 1, 4, 5, 2, lo=-1.2, hi=1.2)
        yield build(f"grid_sample_nearest_{dtype}", "GridSample", 20, [x, grid], mode="nearest")
    yield build("resize_nearest_string", "Resize", 19, [np.array([["a", "b"]], object), None, np.array([2, 1.5], f32)],
                [np.array([["a", "a", "b"], ["a", "a", "b"]], object)], mode="nearest", nearest_mode="floor")
    yield build("grid_sample_linear_f64_on_f32", "GridSample", 20, [draw(f64, 1, 2, 3, 4), draw(f32, 1, 4, 5, 2, lo=-1, hi=1)], mode="linear")
    for dtype in ("int32", "int64", "uint8", "float16"):
        x = draw(dtype, 1, 8, 9, lo=0, hi=9)
        yield build(f"col2im_{dtype}", "Col2Im", 18, [x, np.array([4, 4]), np.array([2, 2])])
    q, k, v = draw(f32, 2, 2, 3, 8), draw(f32, 2, 2, 5, 8), draw(f32, 2, 2, 5, 6)
    for dtype in ("int32", "int64", "float64", "uint8"):
        mask = draw(dtype, 3, 5, lo=0, hi=4)
        y = attention(q, k, v, mask)
        yield build(f"attention_mask_{dtype}", "Attention", 23, [q, k, v, mask], [y])
    yield build("attention_value_f64", "Attention", 23, [q, k, v.astype(f64)], [attention(q, k, v, 0)])
    yield build("attention_f64_value_f32", "Attention", 23, [q.astype(f64), k.astype(f64), v], [attention(q, k, v, 0).astype(f64)])
    x, stats = draw(f32, 2, 3, 4), [draw(f64, 3), draw(f64, 3), draw(f64, 3), draw(f64, 3, lo=0.5)]
    norm = [s.reshape(1, 3, 1) for s in stats]
    y = ((x - norm[2]) / np.sqrt(norm[3] + 1e-5) * norm[0] + norm[1]).astype(f32)
    yield build("batch_norm_f32_f64", "BatchNormalization", 15, [x, *[s for s in stats]], [y])
    x, scale = draw(f32, 3, 8), draw(f64, 8)
    y = (x / np.sqrt(np.mean(x.astype(f64) ** 2, -1, keepdims=True) + 1e-5) * scale).astype(f64)
    yield build("rms_norm_f32_f64", "RMSNormalization", 23, [x, scale], [y])
    # codes of 6 and 8 bits
    for name in ("float6_e2m3fn", "float6_e3m2fn", "float8_e4m3fn", "float8_e5m2"):
        dtype = getattr(ml_dtypes, name)
        zero = np.zeros((), dtype)
        x = draw(f32, 5, 7)
        y = (x / f32(0.7)).astype(dtype)
        yield build(f"quantize_{name}", "QuantizeLinear", 28, [x, np.array(0.7, f32), zero], [y])
        yield build(f"dequantize_{name}", "DequantizeLinear", 28, [y, np.array(0.7, f32), zero], [y.astype(f32) * f32(0.7)])
    scale = np.array([0.5, 2, 4], ml_dtypes.float8_e8m0fnu)
    x = draw(np.int8, 3, 4, lo=-100, hi=100)
    yield build("dequantize_scale_e8m0", "DequantizeLinear", 24, [x, scale], [x.astype(f32) * scale.astype(f32)[:, None]], axis=0, output_dtype=TensorProto.FLOAT)
    e4 = ml_dtypes.float8_e4m3fn
    a, b = draw(e4, 3, 5, lo=-2, hi=2), draw(e4, 5, 4, lo=-2, hi=2)
    sa, sb = draw(f32, 3, lo=0.5, hi=1), draw(f32, 4, lo=0.5, hi=1)
    y = ((a.astype(f32) * sa[:, None]) @ (b.astype(f32) * sb) / f32(0.25)).astype(e4)
    yield build("qlinear_matmul_e4m3", "QLinearMatMul", 21,
                [a, sa, np.zeros(3, e4), b, sb, np.zeros(4, e4), np.array(0.25, f32), np.zeros((), e4)], [y])
    # complex numbers
    x = np.array([1 + 1j, 2, 1 - 1j, 2, 1 + 1j], c64)
    u, first, inverse, count = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    yield build("unique_complex", "Unique", 11, [x], [u, first, inverse, count], outputs=4)
    for reduction in ("add", "mul"):
        data, updates = np.arange(5).astype(c64) * (1 + 2j), np.array([1j, 2, 3 - 1j], c64)
        y = data.copy()
        f = {"add": np.add, "mul": np.multiply}[reduction]
        f.at(y, [1, 3, 1], updates)
        yield build(f"scatter_{reduction}_complex", "ScatterElements", 16, [data, np.array([1, 3, 1]), updates], [y], axis=0, reduction=reduction)
    # RandomState(seed) decides what Dropout keeps
    for i, dtype in enumerate((f32, f64, f16, bf16)):
        for seed in (0, 7, 4000000000):
            x, ratio = draw(dtype, 40, 33), [0.1, 0.5, 0.75, 0.25][i]
            keep = np.random.RandomState(seed).uniform(0, 1, x.shape) >= np.float32(ratio)
            y = (keep * x.astype(f64) / (1 - np.float64(np.float32(ratio)))).astype(dtype)
            yield build(f"dropout_{np.dtype(dtype).name}_{seed}", "Dropout", 13, [x, np.array(ratio, f32), np.array(True)], [y, keep],
                        outputs=2, seed=seed)
    # first versions
    x = draw(f32, 1, 2, 4, 6, lo=0, hi=3)
    windows = np.lib.stride_tricks.sliding_window_view(x, (2, 3), (2, 3))
    yield build("lp_pool_1", "LpPool", 1, [x], [((windows.astype(f64) ** 2.5).sum((-1, -2)) ** 0.4).astype(f32)], kernel_shape=[2, 3], p=2.5)
    yield build("global_lp_pool_1", "GlobalLpPool", 1, [x], [((x.astype(f64) ** 1.5).sum((2, 3), keepdims=True) ** (1 / 1.5)).astype(f32)], p=1.5)
    yield build("upsample_1", "Upsample", 1, [x], [x.repeat(2, 2).repeat(3, 3)], height_scale=2.0, width_scale=3.0)
    # a type that an attribute names, between nodes of half precision
    x = draw(f16, 3, 3)
    yield build("eye_like_f16", "EyeLike", 9, [x], [x + np.eye(3, dtype=f16)], extra=[helper.make_node("Add", ["o0", "i0"], ["z"])], dtype=TensorProto.FLOAT16)
    # elements smaller than a byte, an odd number in each round
    x = np.arange(15).reshape(5, 3).astype(ml_dtypes.int4)
    body = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "body", [helper.make_tensor_value_info("a", TensorProto.INT4, None)],
                             [helper.make_tensor_value_info("b", TensorProto.INT4, None)])
    yield build("scan_int4", "Scan", 21, [x], [x[::-1]], body=body, num_scan_inputs=1, scan_output_directions=[1])
    yield build("scan_int4_axis", "Scan", 21, [x], [x.T], body=body, num_scan_inputs=1, scan_input_axes=[1])


def near_half(x, scales):
    """Tells whether a sum lies between two whole numbers, where the rounding of the arithmetic decides."""
    y = build("", "Resize", 19, [x.astype(np.float64), None, scales], mode="linear", values=True)
    return np.any(np.abs(y - np.floor(y) - 0.5) < 1e-4)


def attention(q, k, v, mask):
    s = q.astype(np.float64) @ np.swapaxes(k, -1, -2).astype(np.float64) / np.sqrt(q.shape[-1]) + mask
    p = np.exp(s - s.max(-1, keepdims=True))
    return (p / p.sum(-1, keepdims=True) @ v).astype(q.dtype)


if __name__ == "__main__":
    write("../conformance/element-types.zip", list(cases(np.random.default_rng(99))))
