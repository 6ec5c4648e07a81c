"""Cases of ConvInteger and QLinearConv: ranks 1 to 3, groups, pads, dilations, strides, auto_pad, zero points and scales per
filter, all pairs of int8 and uint8, constant and given filters, sums beyond 2**24, windows of many taps.

Expected values: ONNX Runtime on the CPU; where it refuses, PyTorch's float64 convolution of the differences.
"""

import numpy as np
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper

from pack import case, write

TYPES = {"u8": np.uint8, "s8": np.int8}


def expected(model, op, values, attrs):
    try:
        return run(model, {k: v for k, v in values.items() if k in {i.name for i in model.graph.input}}), "ort"
    except Exception:
        return by_float64(op, values, attrs), "torch"


def run(model, feeds):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, feeds)[0]


def by_float64(op, values, attrs):
    """Convolves the differences in float64, which is exact, and scales in float32."""
    x, w = values["x"].astype(np.float64), values["w"].astype(np.float64)
    if values["x_zero"] is not None:
        x -= values["x_zero"]
    if values["w_zero"] is not None:
        w -= values["w_zero"].reshape((-1,) + (1,) * (w.ndim - 1))
    sums = torch_conv(x, w, **attrs)
    if op == "ConvInteger":
        return sums.astype(np.int32)
    wide = (1, -1) + (1,) * (x.ndim - 2)
    if values["bias"] is not None:
        sums += values["bias"].reshape(wide)
    scale = values["x_scale"] * values["w_scale"] / values["y_scale"]
    info = np.iinfo(values["y_zero"].dtype)
    y = np.rint(sums.astype(np.float32) * scale.reshape(wide if scale.ndim else ())) + values["y_zero"]
    return np.clip(y, info.min, info.max).astype(info.dtype)


def torch_conv(x, w, group=1, pads=None, strides=None, dilations=None, auto_pad="NOTSET"):
    rank = x.ndim - 2
    strides, dilations = strides or [1] * rank, dilations or [1] * rank
    pads = list(pads or [0] * 2 * rank)
    for i in range(rank if auto_pad != "NOTSET" else 0):
        total = max(0, (-(-x.shape[2 + i] // strides[i]) - 1) * strides[i] + w.shape[2 + i] - x.shape[2 + i])
        small, large = total // 2, total - total // 2
        pads[i], pads[rank + i] = (small, large) if auto_pad == "SAME_UPPER" else (large, small)
    x = np.pad(x, [(0, 0), (0, 0)] + [(pads[i], pads[rank + i]) for i in range(rank)])
    conv = [torch.nn.functional.conv1d, torch.nn.functional.conv2d, torch.nn.functional.conv3d][rank - 1]
    return conv(torch.from_numpy(x), torch.from_numpy(w), None, strides, 0, dilations, group).numpy()


def codes(rng, dtype, shape, lo=0.0, hi=1.0):
    info = np.iinfo(dtype)
    span = info.max - info.min
    return rng.integers(info.min + int(span * lo), info.min + int(span * hi), shape, endpoint=True).astype(dtype)


def build(name, op, values, constant, attrs, out_type):
    nodes = [helper.make_node(op, [k if v is not None else "" for k, v in values.items()], ["y"], **attrs)]
    inputs, weights, feeds = [], [], {}
    for k, v in values.items():
        if v is None:
            continue
        if k in constant:
            weights.append(numpy_helper.from_array(v, k))
        else:
            inputs.append(helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape))
            feeds[k] = v
    out = helper.make_tensor_value_info("y", out_type, None)
    graph = helper.make_graph(nodes, name, inputs, [out], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 10)], ir_version=8)
    want, source = expected(model, op, values, attrs)
    return case(name, model, list(feeds.values()), [want], rtol=0, atol=0, source=source)


GEOMETRIES = {
    "1d": dict(x=(2, 6, 15), w=(4, 3, 3), group=2, pads=[2, 1], strides=[2]),
    "2d": dict(x=(1, 8, 9, 10), w=(6, 8, 3, 3), pads=[1, 1, 1, 1]),
    "2d_groups": dict(x=(2, 6, 7, 8), w=(9, 2, 3, 2), group=3, pads=[0, 1, 2, 0], dilations=[2, 1], strides=[1, 2]),
    "depthwise": dict(x=(1, 12, 8, 9), w=(12, 1, 3, 3), group=12, pads=[1, 1, 1, 1]),
    "depthwise_multiplier": dict(x=(1, 5, 8, 8), w=(10, 1, 3, 3), group=5, auto_pad="SAME_UPPER", strides=[2, 2]),
    "pointwise": dict(x=(2, 16, 5, 5), w=(8, 16, 1, 1)),
    "same_lower": dict(x=(1, 3, 8, 7), w=(4, 3, 4, 4), auto_pad="SAME_LOWER", strides=[3, 2]),
    "3d": dict(x=(1, 4, 5, 6, 4), w=(4, 2, 2, 3, 3), group=2, pads=[0, 1, 1, 1, 1, 0]),
    "deep": dict(x=(1, 700, 3, 3), w=(3, 700, 3, 3), lo=0.8),
    "many_taps": dict(x=(1, 2, 20, 21), w=(3, 2, 18, 17), lo=0.9),
}


def cases():
    rng = np.random.default_rng(20)
    for index, (geometry, spec) in enumerate(GEOMETRIES.items()):
        spec = dict(spec)
        xs, ws, lo = spec.pop("x"), spec.pop("w"), spec.pop("lo", 0.0)
        for pair, (xt, wt) in enumerate([("u8", "u8"), ("u8", "s8"), ("s8", "s8"), ("s8", "u8")]):
            constant = {"w", "w_zero"} if (index + pair) % 2 else set()
            xt_, wt_ = TYPES[xt], TYPES[wt]
            x, w = codes(rng, xt_, xs, lo), codes(rng, wt_, ws, lo)
            per_filter = (index + pair) % 3 == 0
            w_zero = codes(rng, wt_, ws[0] if per_filter else (), 0.3, 0.6)
            if lo:
                w_zero = np.full_like(w_zero, np.iinfo(wt_).min)
            x_zero = codes(rng, xt_, (), 0.3, 0.6) if not lo else np.array(np.iinfo(xt_).min, xt_)
            if wt == "s8" and (xt == "s8" or index % 2):  # the usual symmetric filters
                w_zero = np.zeros_like(w_zero)
            tag = f"{geometry}_{xt}{wt}"
            if pair != 2:
                zeros = {"x_zero": x_zero, "w_zero": w_zero if pair else None}
                yield build("convinteger_" + tag, "ConvInteger", {"x": x, "w": w, **zeros}, constant, spec, TensorProto.INT32)
            scales = rng.uniform(0.01, 0.02, ws[0] if per_filter or pair == 1 else ()).astype(np.float32)
            if scales.shape and not w_zero.shape:
                w_zero = np.full(ws[0], w_zero)
            taps = int(np.prod(ws[1:]))
            y_scale = np.float32(0.02 * 0.015 * 60 * 60 * taps**0.5 / 60 if not lo else 0.02 * 0.015 * taps * 60000 / 200)
            values = {
                "x": x, "x_scale": np.array(0.02, np.float32), "x_zero": x_zero,
                "w": w, "w_scale": scales, "w_zero": w_zero,
                "y_scale": np.array(y_scale), "y_zero": codes(rng, xt_, (), 0.4, 0.6) if not lo else np.array(np.iinfo(xt_).min, xt_),
                "bias": rng.integers(-3000, 3000, ws[0]).astype(np.int32) if pair < 3 else None,
            }
            yield build("qlinearconv_" + tag, "QLinearConv", values, constant, spec, helper.np_dtype_to_tensor_dtype(np.dtype(xt_)))


if __name__ == "__main__":
    write("../conformance/integer-conv.zip", list(cases()))
