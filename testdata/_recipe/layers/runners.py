"""Runs a model by ONNX Runtime and by onnx.reference, and compares results."""

import warnings

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from .draw import EXTRA, elem_type

ort.set_default_logger_severity(4)


def by_ort(model, values):
    """Outputs by ONNX Runtime. Types that numpy lacks go in as constants and come out through a Cast to float32."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    feeds = {}
    for info, x in zip(list(graph.input), values):
        if x.dtype in EXTRA:
            graph.input.remove(info)
            graph.initializer.append(numpy_helper.from_array(x, info.name))
        else:
            feeds[info.name] = x
    wide = {}
    for info in graph.output:
        t = info.type.tensor_type.elem_type
        if t in EXTRA.values():
            wide[info.name] = np.dtype(next(d for d, n in EXTRA.items() if n == t))
            graph.node.append(helper.make_node("Cast", [info.name], [info.name + "_wide"], to=TensorProto.FLOAT))
            info.name += "_wide"
            info.type.tensor_type.elem_type = TensorProto.FLOAT
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    outs = session.run(None, feeds)
    names = [o.name for o in session.get_outputs()]
    return [x.astype(wide[n[:-5]]) if n.endswith("_wide") else np.asarray(x) for n, x in zip(names, outs)]


def by_reference(model, values):
    """Outputs by onnx.reference."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        session = ReferenceEvaluator(model)
        return [np.asarray(x) for x in session.run(None, dict(zip(session.input_names, values)))]


def agree(a, b, rtol, atol):
    """Says whether two lists of outputs are equal: types, shapes, values within the tolerance."""
    return len(a) == len(b) and all(near(x, y, rtol, atol) for x, y in zip(a, b))


def near(x, y, rtol, atol):
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    if x.dtype.kind in "OUS":
        return x.tolist() == y.tolist()
    if x.dtype in EXTRA:
        rtol = max(rtol, 2**-6 if elem_type(x.dtype) == TensorProto.BFLOAT16 else 0)
        x, y = x.astype(np.float64), y.astype(np.float64)
    return np.allclose(x.astype(np.float64), y.astype(np.float64), rtol, atol, equal_nan=True)
