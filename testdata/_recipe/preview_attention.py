"""Cases of LinearAttention, CausalConvWithState and FlexAttention: update rules, groups of heads, gates per head and per key,
element types of state and activations, inputs shorter than the window, precisions of the softmax, bodies that capture values.

Expected values: onnx.reference, on inputs of the element type of the case.
"""

import itertools

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from pack import case, write

FLOATS = {"f32": np.dtype(np.float32), "f16": np.dtype(np.float16), "bf16": np.dtype(ml_dtypes.bfloat16), "f64": np.dtype(np.float64)}
RTOL = {"f32": 1e-4, "f16": 4e-3, "bf16": 2e-2, "f64": 1e-6}


def build(name, op, values, outputs, kind, domain="", version=27, weights=None, **attrs):
    node = helper.make_node(op, [k if v is not None else "" for k, v in values.items()], outputs, domain=domain, **attrs)
    feeds = {k: v for k, v in values.items() if v is not None}
    infos = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in feeds.items()]
    outs = [helper.make_empty_tensor_value_info(o) for o in outputs]
    graph = helper.make_graph([node], name, infos, outs, weights or [])
    opsets = [helper.make_opsetid("", 27)] + ([helper.make_opsetid(domain, version)] if domain else [])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    want = ReferenceEvaluator(model).run(None, feeds)
    for info, v in zip(graph.output, want):
        info.CopyFrom(helper.make_tensor_value_info(info.name, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape))
    model.graph.CopyFrom(graph)
    return case(name, model, list(feeds.values()), want, rtol=RTOL[kind], atol=RTOL[kind] * 0.2, source="onnx.reference")


def linear(rng):
    rules = ["linear", "gated", "delta", "gated_delta"]
    heads = [(1, 1), (4, 2), (6, 1)]
    for i, (rule, (q, kv)) in enumerate(itertools.product(rules, heads)):
        kind = ["f32", "f16", "bf16"][i % 3]
        state = ["f32", "f32", "f16", kind][i % 4]
        b, t, dk, dv = 1 + i % 2, [1, 5, 0, 17][i % 4], [8, 5, 16][i % 3], [4, 16, 7][i // 3 % 3]
        draw = lambda *s, lo=-1.0, hi=1.0: rng.uniform(lo, hi, s).astype(FLOATS[kind])
        values = {
            "q": draw(b, t, q * dk), "k": draw(b, t, kv * dk) / np.asarray(dk**0.5, FLOATS[kind]), "v": draw(b, t, kv * dv),
            "past": rng.uniform(-1, 1, (b, kv, dk, dv)).astype(FLOATS[state]) if i % 5 else None,
            "decay": draw(b, t, kv * (dk if i % 2 else 1), lo=-2, hi=0) if "gated" in rule else None,
            "beta": draw(b, t, kv if i % 4 else 1, lo=0) if "delta" in rule else None,
        }
        attrs = {"scale": 0.3} if i % 3 == 1 else {}
        yield build(f"linear_attention_{rule}_{q}x{kv}_{kind}", "LinearAttention", values, ["y", "present"], kind,
                    q_num_heads=q, kv_num_heads=kv, update_rule=rule, **attrs)


def causal(rng):
    for i, (length, taps) in enumerate([(1, 4), (2, 5), (0, 3), (9, 1), (9, 2), (33, 7), (3, 4)]):
        for past in (False, True):
            kind = ["f32", "f16", "bf16"][(i + past) % 3]
            draw = lambda *s: rng.uniform(-1, 1, s).astype(FLOATS[kind])
            values = {
                "x": draw(2, 3, length), "w": draw(3, 1, taps),
                "b": draw(3) if i % 2 else None, "past": draw(2, 3, taps - 1) if past else None,
            }
            act = ["none", "silu", "swish"][i % 3]
            yield build(f"causal_conv_{length}_{taps}_{'past' if past else 'start'}_{kind}", "CausalConvWithState", values,
                        ["y", "present"], kind, activation=act)


def flex(rng):
    for i, (kind, precision, mods) in enumerate(itertools.product(
            ["f32", "f16", "bf16", "f64"], [None, "f32", "f64", "f16"], ["", "score", "prob", "both"])):
        if i % 3 and not (precision == "f64" and mods == "both"):
            continue
        b, hq, h, l, s, e, v = 1 + i % 2, 4, [1, 2, 4][i % 3], [3, 1][i % 2], 5, 8, [8, 3][i // 2 % 2]
        inner = FLOATS[precision or ("f64" if kind == "f64" else "f32")]
        draw = lambda *d: rng.uniform(-1, 1, d).astype(FLOATS[kind])
        elem = helper.np_dtype_to_tensor_dtype(inner)
        bias = rng.uniform(-1, 1, (l, s)).astype(inner)
        if l > 1:
            bias[0, 2:] = -np.inf
        weights = [numpy_helper.from_array(bias, "bias"), numpy_helper.from_array(rng.uniform(0, 1, (s,)).astype(inner), "gate")]
        attrs = {"scale": 0.5} if i % 2 else {}
        info = lambda n: helper.make_tensor_value_info(n, elem, (b, hq, l, s))
        # a body captures a value of the graph around it; the reference takes it from a constant inside
        constant = lambda w: helper.make_node("Constant", [], [w.name], value=w)
        if mods in ("score", "both"):
            nodes = [constant(weights[0]), helper.make_node("Add", ["a", "bias"], ["c"])]
            attrs["score_mod"] = helper.make_graph(nodes, "score", [info("a")], [info("c")])
        if mods in ("prob", "both"):
            nodes = [constant(weights[1]), helper.make_node("Mul", ["p", "gate"], ["r"])]
            attrs["prob_mod"] = helper.make_graph(nodes, "prob", [info("p")], [info("r")])
        if precision:
            attrs["softmax_precision"] = elem
        values = {"Q": draw(b, hq, l, e), "K": draw(b, h, s, e), "V": draw(b, h, s, v)}
        name = f"flex_attention_{kind}_{precision or 'default'}_{mods or 'plain'}"
        loose = kind if precision != "f16" or kind == "bf16" else "f16"
        yield build(name, "FlexAttention", values, ["Y"], loose, domain="ai.onnx.preview", version=1, **attrs)


if __name__ == "__main__":
    rng = np.random.default_rng(27)
    write("../conformance/preview-attention.zip", [*linear(rng), *causal(rng), *flex(rng)])
