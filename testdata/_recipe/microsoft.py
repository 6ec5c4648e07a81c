"""Makes microsoft.zip and microsoft-attention.zip in testdata/conformance: operators of the com.microsoft domain that run
in floating point.

Expected values come from ONNX Runtime 1.32 (CPU, graph optimisations off). Where its CPU provider has no kernel
(NUMPY below) they are the documented formula in numpy. Every case has its own seeded generator, so a new case
changes no other one.

    python3 microsoft.py [pattern]      # a pattern only prints the names and shapes of matching cases
"""

import math
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

import pack

CASES = []
FAILURES = []
OUT = Path(__file__).parents[1] / "conformance"
ATTENTION = {"Attention", "DecoderMaskedMultiHeadAttention", "GroupQueryAttention", "MultiHeadAttention", "RotaryEmbedding"}


def rng(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def elem(a):
    return helper.np_dtype_to_tensor_dtype(a.dtype) if isinstance(a, np.ndarray) else a.data_type


def dims(a):
    return list(a.shape) if isinstance(a, np.ndarray) else list(a.dims)


def build(op, inputs, attrs, outs, consts, domain, types=None, rows=0):
    """One node; inputs is a list of (name, array or tensor proto or None); outs a list of names, '' for none.

    rows cuts output 0 to its first rows along axis 1: the others are unspecified.
    """
    names = [n if v is not None else "" for n, v in inputs]
    while names and not names[-1]:
        names.pop()
    node = helper.make_node(op, names, outs, name="node", domain=domain, **attrs)
    ins, inits = [], []
    for n, v in inputs:
        if v is None:
            continue
        if n in consts:
            if isinstance(v, np.ndarray):
                v = numpy_helper.from_array(v, n)
            v.name = n
            inits.append(v)
        else:
            ins.append(helper.make_tensor_value_info(n, elem(v), dims(v)))
    if types is None:
        infos = [onnx.ValueInfoProto(name=n) for n in outs if n and not n.endswith("qk")]
        infos += [helper.make_tensor_value_info(n, elem(inputs[0][1]), None) for n in outs if n.endswith("qk")]  # whose type nothing tells
    else:
        infos = [helper.make_tensor_value_info(n, elem(t), dims(t)) for n, t in zip([n for n in outs if n], types)]
    nodes = [node]
    if rows:
        node.output[0] = "all_rows"
        for k, v in (("from", [0]), ("to", [rows]), ("axis", [1])):
            inits.append(helper.make_tensor(k, TensorProto.INT64, [1], v))
        nodes.append(helper.make_node("Slice", ["all_rows", "from", "to", "axis"], outs[:1]))
    graph = helper.make_graph(nodes, op, ins, infos, initializer=inits)
    opsets = [helper.make_opsetid("", 21)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def run(model, inputs, consts):
    so = ort.SessionOptions()
    so.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    so.intra_op_num_threads = 1
    so.log_severity_level = 3
    s = ort.InferenceSession(model.SerializeToString(), so, providers=["CPUExecutionProvider"])
    feed = {}
    for n, v in inputs:
        if v is not None and n not in consts:
            feed[n] = v if isinstance(v, np.ndarray) else ort.OrtValue.ortvalue_from_onnx_tensor(v)
    return s.run(None, feed)


def add(name, op, inputs, outs, attrs=None, consts=(), want=None, domain="com.microsoft", rtol=None, atol=None, via=None, rows=0):
    """Adds a case. inputs is a dict, None for an absent input; want gives the outputs where ONNX Runtime cannot.

    via are inputs in another form for which ONNX Runtime is asked instead.
    """
    name = f"ms_{name}"
    inputs = list(inputs.items())
    consts = set(consts) | {n for n, v in inputs if v is not None and not isinstance(v, np.ndarray)}
    attrs = attrs or {}
    outs = list(outs)
    source = "numpy formula"
    if want is None:
        source = "onnxruntime " + ort.__version__
        try:
            asked = inputs if via is None else list(via.items())
            want = run(build(op, asked, attrs, outs, consts, domain, rows=rows), asked, consts)
        except Exception as e:  # all refusals at once, at the end
            FAILURES.append(f"{name}: {str(e)[-400:]}")
            return
    half = any(isinstance(v, np.ndarray) and v.dtype == np.float16 for _, v in inputs)
    model = build(op, inputs, attrs, outs, consts, domain, want, rows)
    if domain:
        onnx.checker.check_model(model)
    fed = [v for n, v in inputs if v is not None and n not in consts]
    c = pack.case(name, model, fed, want, rtol or (1e-2 if half else 1e-4), atol or (1e-2 if half else 1e-5), family=op, source=source)
    CASES.append(c)


def floats(r, *shape, scale=1.0, dtype=np.float32):
    return (r.standard_normal(shape) * scale).astype(dtype)


def proto(data_type, dims, ints):
    """A tensor of an element type of fewer than 8 bits."""
    return helper.make_tensor("", data_type, dims, np.asarray(ints).ravel())


def nbits(r, n, k, bits, block, zero, dtype=np.float32):
    blocks, per = -(-k // block), block * bits // 8
    out = {"B": r.integers(0, 256, (n, blocks, per), dtype=np.uint8), "scales": (r.random((n, blocks)) * 0.1 + 0.01).astype(dtype)}
    out["zero_points"] = None
    if zero == "packed":
        out["zero_points"] = r.integers(0, 256, (n, (blocks * bits + 7) // 8), dtype=np.uint8)
    elif zero == "float":
        out["zero_points"] = (r.random((n, blocks)) * (1 << bits)).astype(dtype)
    return out


def matmul_nbits():
    grid = [
        # rows, n, k, bits, block, zero points, bias, type, constant, attributes
        ((1,), 24, 64, 4, 32, None, False, np.float32, True, {}),
        ((3,), 33, 96, 4, 32, "packed", True, np.float32, True, {}),
        ((2, 9), 20, 80, 4, 16, "packed", False, np.float32, True, {"accuracy_level": 1}),
        ((12,), 40, 256, 4, 64, "float", False, np.float32, True, {}),
        ((12,), 7, 200, 4, 128, None, True, np.float32, True, {}),
        ((5,), 16, 300, 4, 256, "packed", False, np.float32, True, {}),
        ((1,), 48, 128, 8, 32, None, False, np.float32, True, {}),
        ((4,), 17, 64, 8, 16, "packed", True, np.float32, True, {}),
        ((9,), 17, 130, 8, 64, "packed", False, np.float32, True, {}),
        ((1,), 32, 128, 2, 64, None, False, np.float32, True, {}),
        ((3,), 12, 96, 2, 32, "packed", False, np.float32, True, {}),
        ((2, 1), 24, 64, 4, 32, "packed", True, np.float16, True, {}),
        ((1,), 24, 64, 4, 32, "float", False, np.float16, True, {}),
        ((3,), 24, 64, 8, 32, None, False, np.float16, True, {}),
        ((17,), 48, 320, 4, 32, "packed", False, np.float32, False, {}),
        ((2,), 48, 320, 4, 32, None, True, np.float32, False, {}),
        ((0,), 8, 32, 4, 32, None, False, np.float32, True, {}),
    ]
    for i, (rows, n, k, bits, block, zero, bias, dt, const, attrs) in enumerate(grid):
        name = f"matmulnbits_{i:02d}"
        r = rng(name)
        ins = {"A": floats(r, *rows, k, dtype=dt), **nbits(r, n, k, bits, block, zero, dt), "g_idx": None}
        ins["bias"] = floats(r, n, dtype=dt) if bias else None
        add(name, "MatMulNBits", ins, ["Y"], {"K": k, "N": n, "bits": bits, "block_size": block, **attrs},
            consts=("B", "scales", "zero_points", "bias") if const else ())
    name = "matmulnbits_group"
    r = rng(name)
    ins = {"A": floats(r, 3, 64), **nbits(r, 10, 64, 4, 16, None), "g_idx": r.permutation(np.arange(64) // 16).astype(np.int32)}
    add(name, "MatMulNBits", ins, ["Y"], {"K": 64, "N": 10, "bits": 4, "block_size": 16}, consts=("B", "scales", "g_idx"))
    ins = {"A": floats(r, 3, 64), "B": np.zeros((0, 2, 16), np.uint8), "scales": np.zeros((0,), np.float32), "zero_points": None,
           "g_idx": None, "bias": floats(r, 10)}
    add("matmulnbits_omitted", "MatMulNBits", ins, ["Y"], {"K": 64, "N": 10, "bits": 4, "block_size": 32}, consts=("B", "scales", "bias"))


def multi_head():
    b, n, d = 2, 3, 8

    def case(name, s, l, past=0, pad=None, bias=False, form="apart", add_bias=None, outs=("output",), dt=np.float32, vd=None, **attrs):
        name = "mha_" + name
        r = rng(name)
        vd = vd or d
        f = lambda *shape: floats(r, *shape, dtype=dt)
        ins = {"query": f(b, s, n * d), "key": f(b, l, n * d), "value": f(b, l, n * vd)}
        if form == "first":
            ins = {"query": f(b, s, n * d), "key": f(b, n, l, d), "value": f(b, n, l, vd)}
        t = past + l
        ins["bias"] = f(2 * n * d + n * vd) if bias else None
        mask = None
        if pad == "lengths":
            mask = np.array([t - 1, t - 3], np.int32)
        elif pad == "keys":
            mask = (r.random((b, t)) < 0.6).astype(np.int32)
        elif pad == "queries":
            mask = (r.random((b, s, t)) < 0.6).astype(np.int32)
        elif pad == "none left":
            mask = np.zeros((b, t), np.int32)
        ins["key_padding_mask"] = mask
        ins["attention_bias"] = f(*add_bias, s, t) if add_bias else None
        ins["past_key"] = f(b, n, past, d) if past else None
        ins["past_value"] = f(b, n, past, vd) if past else None
        via = None
        if form in ("packed", "packed_kv"):
            via = dict(ins)
            parts = [via[x].reshape(b, -1, n, 1, d) for x in ("query", "key", "value")]
            if form == "packed":
                ins |= {"query": np.concatenate(parts, 3), "key": None, "value": None}
            else:
                ins |= {"key": np.concatenate(parts[1:], 3), "value": None}
        add(name, "MultiHeadAttention", ins, outs, {"num_heads": n, **attrs}, via=via)

    everything = ("output", "present_key", "present_value")
    case("plain", 5, 5)
    case("cross", 4, 7, vd=4)
    case("bias", 5, 5, bias=True)
    case("packed", 6, 6, form="packed")
    case("packed_kv", 3, 7, form="packed_kv")
    case("keys_first", 3, 9, form="first")
    case("keys_first_bias", 3, 9, form="first", bias=True)
    case("scale", 4, 4, scale=0.25)
    case("causal", 6, 6, unidirectional=1)
    case("causal_past", 3, 3, past=4, unidirectional=1, outs=everything)
    case("past", 1, 1, past=6, outs=everything, bias=True)
    case("present_only", 4, 4, outs=everything, bias=True)
    case("lengths", 5, 5, pad="lengths")
    case("keys", 5, 7, pad="keys")
    case("queries", 4, 6, pad="queries")
    case("filter", 4, 6, pad="keys", mask_filter_value=-3.0)
    case("none_left", 3, 5, pad="none left")
    case("causal_pad", 5, 5, pad="keys", unidirectional=1)
    case("causal_none_left", 5, 5, pad="none left", unidirectional=1)
    case("past_pad", 2, 2, past=3, pad="keys", outs=everything)
    case("add", 4, 6, add_bias=(b, n))
    case("add_heads", 4, 6, add_bias=(1, n), pad="keys")
    case("add_batch", 4, 6, add_bias=(b, 1))
    case("add_one", 4, 4, add_bias=(1, 1), unidirectional=1)
    case("scores", 4, 6, outs=("output", "", "", "qk"), pad="keys", scale=0.5)
    case("scores_causal", 3, 3, past=2, outs=everything + ("qk",), unidirectional=1)
    case("half", 5, 5, bias=True, dt=np.float16)
    case("half_past", 1, 1, past=6, outs=everything, dt=np.float16)


def masked_multi_head():
    b, n, d = 2, 3, 8

    def case(name, form="self", past=5, pad=False, bias=False, share=9, beams=0, add_bias=False, outs=3, **attrs):
        name = "dmmha_" + name
        r = rng(name)
        f = lambda *shape: floats(r, *shape)
        ins = {"query": f(b, 1, n * d), "key": f(b, 1, n * d), "value": f(b, 1, n * d)}
        t = past + 1
        if form == "cross":
            ins = {"query": f(b, 1, n * d), "key": f(b, n, past, d), "value": f(b, n, past, d)}
            t = past
        ins["mask_index"] = (r.random((b, t)) < 0.7).astype(np.int32) if pad else None
        ins["attention_bias"] = f(1, n, 1, t) if add_bias else None
        ins["past_key"] = ins["past_value"] = None
        if form == "cross":
            share = 0
        else:
            ins["past_key"], ins["past_value"] = f(b, n, share, d), f(b, n, share, d)
        ins["past_sequence_length"] = np.array([past], np.int32) if share else None
        ins["beam_width"] = np.array([beams], np.int32) if beams else None
        ins["cache_indirection"] = r.integers(0, beams, (b // beams, beams, share), dtype=np.int32) if beams else None
        ins["bias"] = f(3 * n * d) if bias else None
        if share:
            attrs["past_present_share_buffer"] = 1
        names, via = ("output", "present_key", "present_value", "qk"), None
        if form == "packed":
            via = dict(ins)
            ins |= {"query": np.concatenate([ins[x] for x in ("query", "key", "value")], 2), "key": None, "value": None}
        add(name, "DecoderMaskedMultiHeadAttention", ins, names[:outs], {"num_heads": n, **attrs}, via=via)

    case("self")
    case("self_bias_pad", bias=True, pad=True)
    case("add", add_bias=True, scale=0.3)
    case("packed", form="packed", bias=True)
    case("cross", form="cross", outs=1)
    case("cross_pad_bias", form="cross", outs=1, pad=True, bias=True)
    case("full", share=6)
    case("beams", beams=2)
    case("first", past=0)
    case("scores", outs=4, output_qk=1)


def angles(r, rows, half, dtype=np.float32):
    a = r.random((rows, half)) * 6.3
    return np.cos(a).astype(dtype), np.sin(a).astype(dtype)


def rotary():
    b, s, n, d = 2, 5, 3, 16

    def case(name, shape, positions, half=d // 2, dt=np.float32, **attrs):
        name = "rotary_" + name
        r = rng(name)
        cos, sin = angles(r, 12, half, dt)
        add(name, "RotaryEmbedding", {"input": floats(r, *shape, dtype=dt), "position_ids": np.array(positions, np.int64), "cos": cos, "sin": sin}, ["output"], attrs)

    rows = [[3, 4, 5, 6, 7], [0, 11, 2, 2, 1]]
    case("plain", (b, s, n * d), rows)
    case("offset", (b, s, n * d), [4])
    case("heads", (b, n, s, d), rows)
    case("heads_offset", (b, n, s, d), [0])
    case("interleaved", (b, s, n * d), rows, interleaved=1)
    case("partial", (b, s, n * d), rows, half=3, num_heads=n, rotary_embedding_dim=6)
    case("partial_interleaved", (b, s, n * d), [2], half=2, num_heads=n, rotary_embedding_dim=4, interleaved=1)
    case("partial_heads", (b, n, s, d), rows, half=4, num_heads=n, rotary_embedding_dim=8)
    case("num_heads", (b, s, n * d), rows, num_heads=n)
    case("scale", (b, s, n * d), rows, scale=2.0)
    case("packed_batching", (1, 15, n * d), [list(range(5)) + list(range(10))], is_packed_batching=1)
    case("half", (b, s, n * d), rows, dt=np.float16)


def grouped():
    n, kv, d = 4, 2, 16

    def case(name, s, lens, past=0, b=1, share=0, packed=False, bias=None, sink=False, positions=None, rows=12, outs=3, dt=np.float32, valid=None, keep=0, **attrs):
        """lens are the lengths of the sequences with the new tokens; share is the length of a shared cache."""
        name = "gqa_" + name
        r = rng(name)
        f = lambda *shape: floats(r, *shape, dtype=dt)
        ins = {"query": f(b, s, n * d), "key": f(b, s, kv * d), "value": f(b, s, kv * d)}
        if packed:
            ins = {"query": f(b, s, (n + 2 * kv) * d), "key": None, "value": None}
        held = share or past
        ins["past_key"] = f(b, kv, held, d) if held else None
        ins["past_value"] = f(b, kv, held, d) if held else None
        ins["seqlens_k"] = np.array(lens, np.int32) - 1
        total = max(lens)
        ins["total_sequence_length"] = np.array(total, np.int32)
        cos, sin = angles(r, rows, d // 2, dt)
        rotates = attrs.get("do_rotary")
        ins["cos_cache"], ins["sin_cache"] = (cos, sin) if rotates else (None, None)
        ins["position_ids"] = np.array(positions, np.int64) if positions is not None else None
        ins["attention_bias"] = f(*bias, s, total) if bias else None
        ins["head_sink"] = f(n) if sink else None
        ins["k_scale"] = ins["v_scale"] = ins["q_norm_weight"] = ins["k_norm_weight"] = None
        ins["query_seqlens"] = np.array(valid, np.int32) if valid is not None else None
        names = ("output", "present_key", "present_value", "output_qk")
        add(name, "GroupQueryAttention", ins, names[:outs], {"num_heads": n, "kv_num_heads": kv, **attrs}, rows=keep)

    case("prompt", 6, [6])
    case("prompt_rotary", 6, [6], do_rotary=1)
    case("prompt_packed", 6, [6], packed=True, do_rotary=1)
    case("prompt_batch", 5, [5, 5], b=2, packed=True, do_rotary=1, rotary_interleaved=1)
    case("decode", 1, [8], past=7, do_rotary=1)
    case("decode_packed", 1, [8], past=7, packed=True, do_rotary=1)
    case("decode_batch", 1, [8, 5], past=7, b=2, do_rotary=1)
    case("chunk", 3, [8], past=5, do_rotary=1)
    case("share_prompt", 4, [4], share=10, do_rotary=1)
    case("share_decode", 1, [7], share=10, do_rotary=1)
    case("share_decode_batch", 1, [7, 3], share=10, b=2, packed=True, do_rotary=1)
    case("share_chunk", 3, [7], share=10, do_rotary=1)
    case("window_prompt", 9, [9], do_rotary=1, local_window_size=3)
    case("window_decode", 1, [9], past=8, local_window_size=4)
    case("softcap", 5, [5], softcap=1.5)
    case("softcap_decode", 1, [6], past=5, softcap=2.0, do_rotary=1)
    case("scale", 5, [5], scale=0.5)
    case("smooth", 5, [5], smooth_softmax=1)
    case("sink", 5, [5], sink=True)
    case("sink_decode", 1, [6], past=5, sink=True, local_window_size=3, do_rotary=1)
    case("bias", 5, [5], bias=(1, 1))
    case("bias_heads", 3, [7], past=4, bias=(1, n), do_rotary=1)
    case("bias_batch", 1, [6, 6], past=5, b=2, bias=(2, 1))
    case("positions_prompt", 4, [4], positions=[[2, 3, 4, 5]], do_rotary=1)
    case("positions_decode", 1, [6, 6], past=5, b=2, positions=[[3], [9]], do_rotary=1)
    case("positions_chunk", 3, [7], past=4, positions=[[1, 5, 6]], do_rotary=1)
    case("bidirectional", 5, [5], causal=0)
    case("scores_before", 3, [5], past=2, outs=4, qk_output=1, softcap=1.0, bias=(1, 1))
    case("scores_window", 6, [6], outs=4, qk_output=1, local_window_size=2)
    case("scores_softcap_sink", 4, [4], outs=4, qk_output=1, softcap=0.7, sink=True)
    case("scores_sink_after", 4, [4], outs=4, qk_output=2, smooth_softmax=1)
    case("scores_after", 4, [4], outs=4, qk_output=2)
    case("valid", 4, [7, 4], share=10, b=2, valid=[3, 2], keep=2, do_rotary=1)
    case("padded_prompt", 5, [5, 3], b=2, keep=3, outs=1, do_rotary=1)
    case("half", 5, [5], packed=True, do_rotary=1, dt=np.float16)
    case("half_decode", 1, [8], past=7, do_rotary=1, dt=np.float16, softcap=1.0)


def projected():
    b, n, d, wide = 2, 3, 8, 12

    def case(name, s, past=0, pad=None, bias=True, add_bias=None, outs=1, dt=np.float32, vd=d, const=True, **attrs):
        name = "attention_" + name
        r = rng(name)
        f = lambda *shape: floats(r, *shape, scale=0.6, dtype=dt)
        cols, t = n * (2 * d + vd), past + s
        ins = {"input": f(b, s, wide), "weights": f(wide, cols), "bias": f(cols) if bias else None}
        mask = None
        if pad == "lengths":
            mask = np.array([t - 1, t - 2], np.int32)
        elif pad == "ranges":
            mask = np.array([t, t - 1, 1, 0], np.int32)
        elif pad == "keys":
            mask = (r.random((b, t)) < 0.6).astype(np.int32)
        elif pad == "queries":
            mask = (r.random((b, s, t)) < 0.6).astype(np.int32)
        elif pad == "square":
            mask = np.tril(np.ones((b, 1, 10, 10), np.int32))
        ins["mask_index"] = mask
        ins["past"] = f(2, b, n, past, d) if past else None
        ins["attention_bias"] = f(*add_bias, s, t) if add_bias else None
        if vd != d:
            attrs["qkv_hidden_sizes"] = [n * d, n * d, n * vd]
        via = None
        if pad == "square":  # which the CPU kernel lacks: the same as three axes
            via = ins | {"mask_index": np.ascontiguousarray(mask[:, 0, past : past + s, :t])}
        add(name, "Attention", ins, ("output", "present")[:outs], {"num_heads": n, **attrs}, consts=("weights", "bias") if const else (), via=via)

    case("plain", 5)
    case("no_bias", 4, bias=False, const=False)
    case("values", 5, vd=4)
    case("causal", 5, unidirectional=1)
    case("lengths", 5, pad="lengths")
    case("ranges", 5, pad="ranges")
    case("keys", 5, pad="keys")
    case("queries", 5, pad="queries")
    case("square", 4, past=3, pad="square", outs=2)
    case("past", 2, past=4, outs=2, unidirectional=1)
    case("past_keys", 1, past=4, outs=2, pad="keys")
    case("present", 4, outs=2, unidirectional=1)
    case("add", 4, add_bias=(b, n))
    case("add_one", 4, add_bias=(1, n), pad="keys", scale=0.2, mask_filter_value=-50.0)
    case("half", 5, dt=np.float16, pad="lengths")


def activations():
    for op in ("Gelu", "QuickGelu", "FastGelu"):
        for dt in (np.float32, np.float16):
            name = f"{op.lower()}_{np.dtype(dt).name}"
            x = floats(rng(name), 3, 37, scale=3, dtype=dt)
            add(name, op, {"X": x}, ["Y"])
    name = "quickgelu_alpha"
    add(name, "QuickGelu", {"X": floats(rng(name), 40, scale=3)}, ["Y"], {"alpha": -0.7})
    for op in ("BiasGelu", "FastGelu"):
        for dt in (np.float32, np.float16):
            name = f"{op.lower()}_bias_{np.dtype(dt).name}"
            r = rng(name)
            add(name, op, {"A": floats(r, 2, 5, 19, scale=2, dtype=dt), "B": floats(r, 19, dtype=dt)}, ["C"])


def products():
    fm = [
        ((3, 4), (4, 5), {}), ((4, 3), (4, 5), {"transA": 1}), ((3, 4), (5, 4), {"transB": 1, "alpha": 0.5}),
        ((2, 3, 4), (2, 4, 5), {"alpha": -2.0}), ((2, 4, 3), (2, 5, 4), {"transA": 1, "transB": 1}),
        ((3, 2, 4), (2, 4, 5), {"transBatchA": 1}), ((2, 3, 4), (4, 2, 5), {"transBatchB": 1}),
        ((4, 2, 3), (5, 2, 4), {"transBatchA": 1, "transBatchB": 1, "transA": 1, "transB": 1}),
        ((3, 2, 2, 4), (4, 2, 2, 5), {"transBatchA": 1, "transBatchB": 1}), ((2, 1, 3, 4), (3, 4, 5), {}),
    ]
    for i, (a, b, attrs) in enumerate(fm):
        name = f"fusedmatmul_{i:02d}"
        r = rng(name)
        add(name, "FusedMatMul", {"A": floats(r, *a), "B": floats(r, *b)}, ["Y"], attrs, consts=("B",) if i % 2 else ())
    name = "fusedmatmul_double"
    r = rng(name)
    add(name, "FusedMatMul", {"A": floats(r, 2, 3, 4, dtype=np.float64), "B": floats(r, 5, 4, dtype=np.float64)}, ["Y"], {"transB": 1, "alpha": 3.0})
    name = "fusedmatmul_half"
    r = rng(name)
    add(name, "FusedMatMul", {"A": floats(r, 3, 4, dtype=np.float16), "B": floats(r, 4, 5, dtype=np.float16)}, ["Y"], {"alpha": 0.25})
    name = "transposematmul"
    r = rng(name)
    add(name, "TransposeMatMul", {"A": floats(r, 2, 4, 3), "B": floats(r, 2, 5, 4)}, ["Y"], {"transA": 1, "transB": 1, "alpha": 0.3})
    acts = [
        ("Relu", {}), ("Sigmoid", {}), ("Tanh", {}), ("LeakyRelu", {"activation_alpha": 0.2}), ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4}),
        ("Elu", {"activation_alpha": 0.7}), ("Selu", {"activation_alpha": 1.2, "activation_gamma": 0.9}), ("Softplus", {}), ("Softsign", {}),
        ("ThresholdedRelu", {"activation_alpha": 0.5}),
    ]
    for i, (act, attrs) in enumerate(acts):
        name = f"fusedgemm_{act.lower()}"
        r = rng(name)
        ta, tb = i % 2, i // 2 % 2
        ins = {"A": floats(r, *((4, 3) if ta else (3, 4))), "B": floats(r, *((5, 4) if tb else (4, 5))), "C": [None, floats(r, 5), floats(r, 3, 1), floats(r, 3, 5)][i % 4]}
        add(name, "FusedGemm", ins, ["Y"], {"transA": ta, "transB": tb, "alpha": 0.5, "beta": 1.5, "activation": act, **attrs}, consts=("B", "C") if i % 3 else ())
    convs = [
        ("Relu", []), ("Sigmoid", []), ("Tanh", []), ("LeakyRelu", [0.1]), ("Clip", [-0.5, 0.8]), ("HardSigmoid", [0.25, 0.5]), ("", []),
    ]
    for i, (act, params) in enumerate(convs):
        name = f"fusedconv_{act.lower() or 'none'}"
        r = rng(name)
        attrs = {"activation": act} if act else {}
        if params:
            attrs["activation_params"] = [float(p) for p in params]
        z = i % 2 == 0
        ins = {"X": floats(r, 2, 4, 7, 6), "W": floats(r, 6, 2 if i % 3 == 0 else 4, 3, 3, scale=0.3), "B": floats(r, 6) if i != 2 else None,
               "Z": floats(r, 2, 6, 7, 6) if z else None}
        add(name, "FusedConv", ins, ["Y"], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "group": 2 if i % 3 == 0 else 1, **attrs}, consts=("W", "B"))


def norms():
    def skip(name, op, shape, skip=None, beta=True, bias=False, outs=("output",), dt=np.float32, **attrs):
        r = rng(name)
        w = shape[-1]
        ins = {"input": floats(r, *shape, dtype=dt), "skip": floats(r, *(skip or shape), dtype=dt), "gamma": floats(r, w, dtype=dt)}
        if op == "SkipLayerNormalization":
            ins["beta"] = floats(r, w, dtype=dt) if beta else None
        ins["bias"] = floats(r, w, dtype=dt) if bias else None
        add(name, op, ins, outs, attrs)

    sum_too = ("output", "", "", "input_skip_bias_sum")
    for short, op in (("skipnorm", "SkipLayerNormalization"), ("skipsimplified", "SkipSimplifiedLayerNormalization")):
        skip(f"{short}_plain", op, (2, 5, 16))
        skip(f"{short}_bias", op, (2, 5, 17), bias=True, epsilon=1e-3)
        skip(f"{short}_sum", op, (2, 3, 32), outs=sum_too, bias=True)
        skip(f"{short}_sum_only", op, (2, 3, 8), outs=sum_too, beta=False)
        skip(f"{short}_flat", op, (6, 24), bias=True, outs=sum_too)
        skip(f"{short}_repeat", op, (3, 4, 8), skip=(4, 8))
        skip(f"{short}_repeat_one", op, (3, 4, 8), skip=(1, 4, 8), outs=sum_too)
        skip(f"{short}_half", op, (2, 5, 16), dt=np.float16, bias=True, outs=sum_too, epsilon=1e-5)
    for dt in (np.float32, np.float16, np.float64):
        name = f"simplified_{np.dtype(dt).name}"
        r = rng(name)
        add(name, "SimplifiedLayerNormalization", {"X": floats(r, 2, 3, 12, dtype=dt), "scale": floats(r, 12, dtype=dt)}, ["Y"],
            {"axis": -1, "epsilon": 1e-6, "stash_type": 1}, domain="")
    name = "simplified_stat"
    r = rng(name)
    add(name, "SimplifiedLayerNormalization", {"X": floats(r, 2, 3, 4), "scale": floats(r, 3, 4)}, ["Y", "inv"], {"axis": 1}, domain="")


def embeddings():
    def case(name, b=2, s=5, segments=True, mask=False, positions=None, outs=2, dt=np.float32, **attrs):
        name = "embed_" + name
        r = rng(name)
        w = 12
        ids = lambda n, *shape: r.integers(0, n, shape, dtype=np.int32)
        ins = {"input_ids": ids(20, b, s), "segment_ids": ids(2, b, s) if segments else None, "word": floats(r, 20, w, dtype=dt), "position": floats(r, 9, w, dtype=dt),
               "segment": floats(r, 2, w, dtype=dt) if segments else None, "gamma": floats(r, w, dtype=dt), "beta": floats(r, w, dtype=dt),
               "mask": ids(2, b, s) if mask else None, "position_ids": ids(9, *positions) if positions else None}
        add(name, "EmbedLayerNormalization", ins, ("output", "mask_index", "embedding_sum")[:outs], attrs, consts=("word", "position", "segment", "gamma", "beta"))

    case("plain")
    case("mask", mask=True, epsilon=1e-5)
    case("no_segments", segments=False, mask=True)
    case("positions", positions=(2, 5), mask=True)
    case("positions_one", positions=(1, 5))
    case("sum", outs=3, mask=True)
    case("half", dt=np.float16, outs=3)


def quantized_gather():
    def case(name, kind, shape, index, gather=0, quant=1, block=16, bits=4, zero=False, dt=np.float32, it=np.int64, scales=None):
        name = "gatherblock_" + name
        r = rng(name)
        count = int(np.prod(shape))
        steps = list(shape)
        steps[quant] = -(-shape[quant] // block) if block else 1
        zp = None
        if kind == "uint8":
            per = 8 // bits
            data = r.integers(0, 256, (*shape[:-1], shape[-1] // per), dtype=np.uint8)
            if zero:
                zp = r.integers(0, 256, (*steps[:-1], -(-steps[-1] // per)), dtype=np.uint8)
        elif kind in ("INT4", "UINT4"):
            lo, hi = (-8, 8) if kind == "INT4" else (0, 16)
            data = proto(getattr(TensorProto, kind), shape, r.integers(lo, hi, count))
            if zero:
                zp = proto(getattr(TensorProto, kind), steps, r.integers(lo, hi, int(np.prod(steps))))
        else:
            data = proto(getattr(TensorProto, kind), shape, floats(r, count, scale=2))
        ins = {"data": data, "indices": np.array(index, it), "scales": (r.random(scales or steps) + 0.1).astype(dt), "zero_points": zp}
        add(name, "GatherBlockQuantized", ins, ["output"], {"gather_axis": gather, "quantize_axis": quant, "block_size": block, "bits": bits},
            consts=("data", "scales", "zero_points"))

    case("uint8", "uint8", (6, 64), [1, 0, 5, -1])
    case("uint8_zero", "uint8", (6, 48), [[1, 0], [5, 2]], zero=True)
    case("uint8_8bit", "uint8", (6, 48), [1, 4], bits=8, zero=True)
    case("uint8_8bit_plain", "uint8", (6, 48), [1, 4], bits=8)
    case("uint8_2bit", "uint8", (6, 64), [3, 3], bits=2, zero=True)
    case("uint8_32", "uint8", (7, 96), [2], block=32, it=np.int32)
    case("uint4", "UINT4", (5, 40), [[4], [0]], zero=True)
    case("uint4_plain", "UINT4", (5, 32), [4, 1])
    case("int4", "INT4", (5, 40), [2, 3], zero=True, dt=np.float16)
    case("int4_axis", "INT4", (4, 6, 20), [1, 5], gather=1, quant=2, zero=True)
    case("int4_front", "INT4", (20, 6), [1, 5], gather=1, quant=0)
    case("int4_same", "INT4", (40, 6), [1, 39], gather=0, quant=0, zero=True)
    case("outside", "uint8", (6, 32), [1, 6, -7, 5])
    case("float8", "FLOAT8E4M3FN", (5, 32), [4, 1])
    case("float8_row", "FLOAT8E5M2", (5, 32), [4, 1], block=0)
    case("float8_one", "FLOAT8E4M3FN", (5, 32), [4, 1], block=0, scales=(1, 1))
    case("float4", "FLOAT4E2M1", (5, 32), [4, 1], dt=np.float16)


def quantize():
    types = {"uint8": (0, 256), "int8": (-128, 128), "uint16": (0, 65536), "int16": (-32768, 32768), "UINT4": (0, 16), "INT4": (-8, 8)}
    for t, (lo, hi) in types.items():
        for axis in (None, 0, 2):
            name = f"{t.lower()}_{'tensor' if axis is None else axis}"
            r = rng(name)
            shape = (3, 4, 6)
            n = () if axis is None else (shape[axis],)
            span = hi - lo
            scale = np.asarray((r.random(n) + 0.5) * 8 / span).astype(np.float32)
            zero = np.asarray(r.integers(lo, hi, n))
            codes = r.integers(lo, hi, shape)
            x, want = floats(r, *shape, scale=3), None
            if t.isupper():  # whose arrays the Python binding cannot return
                want = np.clip(np.rint(x / scale.reshape(n + (1,) * (len(n) and 2 - axis))) + zero.reshape(n + (1,) * (len(n) and 2 - axis)), lo, hi - 1)
                want = [proto(getattr(TensorProto, t), shape, want.astype(int))]
                zero, codes = proto(getattr(TensorProto, t), n, zero), proto(getattr(TensorProto, t), shape, codes)
            else:
                zero, codes = zero.astype(t), codes.astype(t)
            attrs = {} if axis is None else {"axis": axis}
            if axis != 2:
                add("quantize_" + name, "QuantizeLinear", {"x": x, "y_scale": scale, "y_zero_point": zero}, ["y"], attrs, want=want)
            if axis != 0:
                add("dequantize_" + name, "DequantizeLinear", {"x": codes, "x_scale": scale, "x_zero_point": zero}, ["y"], attrs)
    name = "quantize_default"
    add(name, "QuantizeLinear", {"x": floats(rng(name), 3, 9, scale=60), "y_scale": np.array(0.3, np.float32)}, ["y"])
    r = rng(name)
    add("dequantize_int32", "DequantizeLinear", {"x": r.integers(-1000, 1000, (3, 4), dtype=np.int32), "x_scale": np.array(0.3, np.float32)}, ["y"])


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gelu_erf(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def group_norm(x, gamma, beta, groups, last, eps, silu):
    """The documented formula in float64, for the operators that only GPU providers have."""
    x = x.astype(np.float64)
    if last:
        x = np.moveaxis(x, -1, 1)
    b, c = x.shape[:2]
    y = x.reshape(b, groups, -1)
    y = (y - y.mean(-1, keepdims=True)) / np.sqrt(y.var(-1, keepdims=True) + eps)
    y = y.reshape(x.shape) * gamma.reshape(1, c, 1, 1).astype(np.float64) + beta.reshape(1, c, 1, 1).astype(np.float64)
    if silu:
        y = y * sigmoid(y)
    return np.moveaxis(y, 1, -1) if last else y


def diffusion():
    for i, (last, silu, groups, dt) in enumerate([(1, 0, 2, np.float32), (1, 1, 4, np.float32), (0, 1, 2, np.float32), (0, 0, 8, np.float32), (1, 1, 2, np.float16)]):
        name = f"groupnorm_{i}"
        r = rng(name)
        shape = (2, 3, 4, 8) if last else (2, 8, 3, 4)
        x, gamma, beta = floats(r, *shape, dtype=dt) + dt(2), floats(r, 8), floats(r, 8)
        want = group_norm(x, gamma, beta, groups, last, 1e-5, silu).astype(dt)
        add(name, "GroupNorm", {"X": x, "gamma": gamma, "beta": beta}, ["Y"], {"groups": groups, "activation": silu, "channels_last": last}, want=[want])
        for j, form in enumerate(("same", "channels", "planes")):
            name = f"skipgroupnorm_{i}_{form}"
            r = rng(name)
            x, gamma, beta = floats(r, *shape, dtype=dt), floats(r, 8), floats(r, 8)
            skip = floats(r, *{"same": shape, "channels": (2, 8), "planes": (2, 1, 1, 8) if last else (2, 8, 1, 1)}[form], dtype=dt)
            bias = floats(r, 8, dtype=dt) if j else None
            wide = skip if form == "same" else skip.reshape((2, 1, 1, 8) if last else (2, 8, 1, 1))
            total = x.astype(np.float64) + wide
            if j:
                total = total + bias.reshape((1, 1, 1, 8) if last else (1, 8, 1, 1))
            want = [group_norm(total, gamma, beta, groups, last, 1e-5, silu).astype(dt), total.astype(dt)][: 1 + j % 2]
            add(name, "SkipGroupNorm", {"X": x, "gamma": gamma, "beta": beta, "skip": skip, "bias": bias}, ["Y", "S"][: 1 + j % 2],
                {"groups": groups, "activation": silu, "channels_last": last}, want=want)
    for dt in (np.float32, np.float16):
        name = f"biassplitgelu_{np.dtype(dt).name}"
        r = rng(name)
        x, bias = floats(r, 2, 3, 20, dtype=dt), floats(r, 20, dtype=dt)
        h = x.astype(np.float64) + bias
        add(name, "BiasSplitGelu", {"X": x, "bias": bias}, ["Y"], want=[(h[..., :10] * gelu_erf(h[..., 10:])).astype(dt)])
    name = "biasadd"
    r = rng(name)
    x, bias, skip = floats(r, 2, 3, 7), floats(r, 7), floats(r, 2, 3, 7)
    add(name, "BiasAdd", {"X": x, "bias": bias, "skip": skip}, ["Y"], want=[x + bias + skip])
    add("biasdropout", "BiasDropout", {"data": x, "bias": bias, "residual": skip}, ["output", "mask"], want=[x + bias + skip, np.ones(x.shape, bool)])
    add("biasdropout_plain", "BiasDropout", {"data": x, "bias": bias, "residual": None, "ratio": np.array(0.3, np.float32), "training_mode": np.array(False)},
        ["output"], want=[x + bias])

    def softmax(x, axis):
        y = x.reshape(int(np.prod(x.shape[:axis])), -1).astype(np.float64)
        y = np.exp(y - y.max(1, keepdims=True))
        return (y / y.sum(1, keepdims=True)).reshape(x.shape).astype(x.dtype)

    for i, (bshape, axis, inner) in enumerate([((2, 1, 1, 5), 3, 1), ((4, 5), 2, 0), ((2, 1, 4, 5), 2, 1), ((1, 1, 1, 5), 3, 0)]):
        name = f"biassoftmax_{i}"
        r = rng(name)
        x, b = floats(r, 2, 3, 4, 5), floats(r, *bshape)
        add(name, "BiasSoftmax", {"data": x, "bias": b}, ["Y"], {"axis": axis, "is_inner_broadcast": inner}, want=[softmax(x + b, axis)])
    for i, (g, pads, strides) in enumerate([(1, [1, 1, 1, 1], [1, 1]), (2, [0, 1, 1, 0], [2, 1]), (4, [0, 0, 0, 0], [1, 2])]):
        name = f"nhwcconv_{i}"
        r = rng(name)
        x, w, b = floats(r, 2, 4, 6, 7), floats(r, 8, 4 // g, 3, 3, scale=0.3), floats(r, 8)
        attrs = {"group": g, "pads": pads, "strides": strides, "kernel_shape": [3, 3]}
        want = run(build("Conv", [("X", x), ("W", w), ("B", b)], attrs, ["Y"], (), ""), [("X", x), ("W", w), ("B", b)], ())[0]
        add(name, "NhwcConv", {"X": np.ascontiguousarray(np.moveaxis(x, 1, -1)), "W": w, "B": b}, ["Y"], attrs, consts=("W", "B"),
            want=[np.ascontiguousarray(np.moveaxis(want, 1, -1))])
    name = "gemmfastgelu"
    r = rng(name)
    x, w, b = floats(r, 2, 3, 8), floats(r, 8, 5), floats(r, 5)
    h = (x @ w + b).astype(np.float64)
    add(name, "GemmFastGelu", {"X": x, "W": w, "bias": b}, ["Y"], want=[(0.5 * h * (1 + np.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h**3)))).astype(np.float32)])


def forms():
    for i, (mode, pad, corners) in enumerate([("bilinear", "zeros", 0), ("bilinear", "border", 1), ("nearest", "reflection", 0), ("bicubic", "zeros", 1), ("bicubic", "reflection", 0)]):
        name = f"gridsample_{i}"
        r = rng(name)
        add(name, "GridSample", {"X": floats(r, 2, 3, 4, 5), "Grid": (r.random((2, 3, 2, 2)) * 2.6 - 1.3).astype(np.float32)}, ["Y"],
            {"mode": mode, "padding_mode": pad, "align_corners": corners})
    for i, (k, upper, dt) in enumerate([(None, 1, np.float32), (1, 0, np.float64), (-2, 1, np.int64)]):
        name = f"trilu_{i}"
        r = rng(name)
        add(name, "Trilu", {"X": (r.random((2, 4, 5)) * 9).astype(dt), "k": None if k is None else np.array(k, np.int64)}, ["Y"], {"upper": upper})
    r = rng("inverse")
    add("inverse", "Inverse", {"X": floats(r, 2, 4, 4) + 3 * np.eye(4, dtype=np.float32)}, ["Y"])
    add("unique", "Unique", {"x": np.array([2, 1, 1, 3, 4, 3, -1], np.float32)}, ["y", "idx", "counts"])
    for i, axis in enumerate([0, 1, -1, -3]):
        add(f"expanddims_{i}", "ExpandDims", {"X": floats(rng(f"expanddims_{i}"), 2, 3), "axis": np.array(axis, np.int32)}, ["Y"], consts=("axis",) if i % 2 else ())
    add("range_int", "Range", {"start": np.array(3, np.int64), "limit": np.array(17, np.int64), "delta": np.array(4, np.int64)}, ["Y"])
    add("range_one", "Range", {"start": np.array([2], np.int32), "limit": np.array([7], np.int32)}, ["Y"])
    add("range_float", "Range", {"start": np.array(5.5, np.float32), "limit": np.array(-2, np.float32), "delta": np.array(-1.5, np.float32)}, ["Y"])
    add("range_float_plain", "Range", {"start": np.array(0.5, np.float64), "limit": np.array(4, np.float64)}, ["Y"])
    for i, (dim, size, step) in enumerate([(-1, 3, 1), (0, 2, 2), (1, 4, 3)]):
        name = f"unfold_{i}"
        add(name, "UnfoldTensor", {"input": floats(rng(name), 4, 7, 5)}, ["output"], {"dim": dim, "size": size, "step": step})
    r = rng("gathernd")
    add("gathernd", "GatherND", {"data": floats(r, 3, 4, 2), "indices": np.array([[0, 1], [2, 3]], np.int32)}, ["output"])
    add("gathernd_slices", "GatherND", {"data": floats(r, 3, 4, 2), "indices": np.array([[[2]], [[0]]], np.int64)}, ["output"])


def hybrid():
    def conv(name, l, k, past=False, bias=True, **attrs):
        name = "causalconv_" + name
        r = rng(name)
        add(name, "CausalConvWithState", {"input": floats(r, 2, 6, l), "weight": floats(r, 6, 1, k), "bias": floats(r, 6) if bias else None,
            "past_state": floats(r, 2, 6, k - 1) if past else None}, ["output", "present_state"], attrs)

    conv("plain", 7, 4)
    conv("silu_past", 5, 4, past=True, activation="silu")
    conv("decode", 1, 3, past=True, bias=False, activation="swish")
    for i, (rule, q, kv, t) in enumerate([("linear", 2, 2, 5), ("gated", 4, 2, 4), ("delta", 2, 2, 6), ("gated_delta", 4, 2, 5), ("gated_delta", 2, 2, 1)]):
        name = f"linearattention_{i}_{rule}"
        r = rng(name)
        dk, dv = 8, 4
        ins = {"query": floats(r, 2, t, q * dk), "key": floats(r, 2, t, kv * dk, scale=0.3), "value": floats(r, 2, t, kv * dv)}
        ins["past_state"] = floats(r, 2, kv, dk, dv) if i % 2 == 0 else None
        ins["decay"] = -r.random((2, t, kv * dk if i == 1 else kv)).astype(np.float32) if "gated" in rule else None
        ins["beta"] = r.random((2, t, kv)).astype(np.float32) if "delta" in rule else None
        add(name, "LinearAttention", ins, ["output", "present_state"], {"q_num_heads": q, "kv_num_heads": kv, "update_rule": rule})


def small():
    for i, (mode, size) in enumerate([("bilinear", (3, 4)), ("bilinear", (1, 1)), ("nearest", (4, 3)), ("bilinear", (2, 5))]):
        name = f"cropandresize_{i}"
        r = rng(name)
        rois = np.array([[0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1], [0.9, 0.8, 0.1, 0.3], [-0.2, 0.1, 1.3, 0.7]], np.float32)
        add(name, "CropAndResize", {"X": floats(r, 2, 3, 6, 5), "rois": rois, "batch_indices": np.array([0, 1, 1, 0], np.int32), "crop_size": np.array(size, np.int32)}, ["Y"],
            {"mode": mode, "extrapolation_value": 0.5 * i}, consts=("crop_size",) if i % 2 else ())
    for i, (length, width) in enumerate([(8, 3), (6, 5)]):
        name = f"wordconv_{i}"
        r = rng(name)
        words = r.integers(1, 12, (6, length), dtype=np.int32)
        for w, n in zip(words, [length, 4, 1, 2, 6, 5]):
            w[n:] = 0
        add(name, "WordConvEmbedding", {"Sequence": words, "W": floats(r, 7, 1, width, 4), "B": floats(r, 7), "C": floats(r, 12, 4)}, ["Y"])
    for metric in ("sqeuclidean", "euclidean"):
        for dt in (np.float32, np.float64):
            name = f"cdist_{metric}_{np.dtype(dt).name}"
            r = rng(name)
            add(name, "CDist", {"A": floats(r, 5, 7, dtype=dt), "B": floats(r, 4, 7, dtype=dt)}, ["C"], {"metric": metric}, rtol=1e-3)
    for i, dt in enumerate((np.int32, np.uint32, np.int64, np.uint64, np.float32, np.float64)):
        r = rng(f"murmur_{i}")
        add(f"murmur_{i}", "MurmurHash3", {"X": (r.random((2, 5)) * 1000).astype(dt)}, ["Y"], {"positive": i % 2, "seed": i * 7})
    add("murmur_strings", "MurmurHash3", {"X": np.array(["", "a", "ab", "abc", "abcd", "hello world", "gr\u00fc\u00dfe"], object)}, ["Y"], {"seed": 5})
    for i, (n, l) in enumerate([(2, 7), (3, 9), (1, 4), (4, 2)]):
        r = rng(f"ngram_{i}")
        add(f"ngram_{i}", "NGramRepeatBlock", {"input_ids": r.integers(0, 3, (2, l)), "scores": floats(r, 2, 6)}, ["out"], {"ngram_size": n})


def main():
    for f in (small, diffusion, forms, hybrid, activations, products, norms, embeddings, quantized_gather, quantize, matmul_nbits, multi_head, masked_multi_head, rotary, grouped, projected):
        f()
    pattern = sys.argv[1] if len(sys.argv) > 1 else None
    if pattern:
        for c in CASES:
            if re.search(pattern, c["name"]):
                print(c["name"], c["ops"])
        return
    if FAILURES:
        print("refused by the reference", *FAILURES, sep="\n")
        sys.exit(1)
    for name, attends in (("microsoft.zip", False), ("microsoft-attention.zip", True)):
        cases = [c for c in CASES if (c["family"] in ATTENTION) == attends]
        pack.write(OUT / name, cases)
        print(name, len(cases), "cases", (OUT / name).stat().st_size, "bytes")


if __name__ == "__main__":
    main()
