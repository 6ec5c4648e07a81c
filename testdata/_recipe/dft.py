"""Cases of DFT and STFT: versions, axes, lengths with small and large prime factors, padded and cut signals, half spectra,
real and complex input, float32 and float64, results that are exactly 0.

Expected values: onnx.reference, whose numpy transforms forward in float64 and back in the precision of the input.
"""

import numpy as np
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from pack import case, write


def build(name, op, version, values, attrs, atol=1e-7):
    node = helper.make_node(op, [k if v is not None else "" for k, v in values.items()], ["y"], **attrs)
    feeds = {k: v for k, v in values.items() if v is not None}
    infos = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in feeds.items()]
    graph = helper.make_graph([node], name, infos, [helper.make_empty_tensor_value_info("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)], ir_version=8)
    want = ReferenceEvaluator(model).run(None, feeds)
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", helper.np_dtype_to_tensor_dtype(want[0].dtype), want[0].shape))
    return case(name, model, list(feeds.values()), want, rtol=1e-3, atol=atol, source="onnx.reference")


def dft(rng):
    lengths = [1, 2, 5, 8, 12, 17, 26, 30, 44, 64, 97, 105, 128]
    for i, n in enumerate(lengths):
        for form in ("forward", "inverse", "half", "back"):
            dtype = np.float64 if i % 4 == 3 else np.float32
            if form == "back" and n == 1:
                continue
            version = 17 if (i + len(form)) % 2 else 20
            parts = 2 if form in ("inverse", "back") or form == "forward" and i % 2 else 1
            axis = i % 2
            shape = [2, 3, parts]
            shape[axis] = n // 2 + 1 if form == "back" else n
            length = {0: None, 1: n + 3, 2: max(1, n - 2)}[i % 3] if form != "back" else (None if n % 2 == 0 else n)
            x = rng.uniform(-1, 1, shape).astype(dtype)
            if i % 3 == 0:  # whole numbers: many results are 0 but for rounding
                x = np.arange(x.size, dtype=dtype).reshape(shape)
            attrs = {"inverse": int(form in ("inverse", "back")), "onesided": int(form in ("half", "back"))}
            values = {"x": x, "length": None if length is None else np.array(length, np.int64)}
            if version == 20:
                values["axis"] = np.array(axis, np.int64)
            else:
                attrs["axis"] = axis
            # half spectra go back through another algorithm, whose rounding is not ours
            atol = 1e-7 if form != "back" or dtype == np.float64 else 1e-6 * max(1.0, float(np.abs(x).max()))
            large = any(length or n for f in (13, 17, 19, 23, 29, 31, 97) if (length or n) % f == 0)
            if form == "inverse" and large and dtype == np.float32:
                atol = 1e-6 * max(1.0, float(np.abs(x).max()))
            yield build(f"dft_{form}_{n}", "DFT", version, values, attrs, atol)


def stft(rng):
    for i, (n, size, step) in enumerate([(64, 16, 8), (50, 20, 7), (40, 13, 5), (33, 33, 1), (128, 32, 16), (20, 4, 4)]):
        for onesided in (0, 1):
            dtype = np.float64 if i == 2 else np.float32
            parts = 1 if onesided or i % 2 else 2
            signal = rng.uniform(-1, 1, (2, n, parts)).astype(dtype)
            window = np.hanning(size).astype(dtype) if i % 2 == 0 else None
            values = {"signal": signal, "step": np.array(step, np.int64), "window": window, "length": np.array(size, np.int64)}
            yield build(f"stft_{n}_{size}_{onesided}", "STFT", 17, values, {"onesided": onesided}, 1e-6)


if __name__ == "__main__":
    rng = np.random.default_rng(17)
    write("../conformance/dft.zip", [*dft(rng), *stft(rng)])
