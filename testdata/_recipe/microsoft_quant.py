"""Cases of the quantised operators of com.microsoft, made at random; results are those of ONNX Runtime 1.32 on one thread.

    python3 microsoft_quant.py ../conformance/microsoft-quant.zip

Bytes may differ by one where ONNX Runtime rounds from other intermediate numbers than the definition (fixed-point sums,
tables of exponentials, means in float32): the cases say so with atol. Operators without a kernel there have results by
their documentation, computed with numpy: the source says so.
"""

import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

import pack

MS = "com.microsoft"
TYPES = {np.dtype(k): v for k, v in {
    "float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "int32": TensorProto.INT32,
    "uint32": TensorProto.UINT32, "int16": TensorProto.INT16, "bool": TensorProto.BOOL, "int64": TensorProto.INT64}.items()}
CASES = []
WHOLE = ("QLinearSigmoid", "QLinearLeakyRelu")  # ONNX Runtime looks at the last input without counting


class Maker:
    """Draws the inputs of one case."""

    def __init__(self, name):
        self.name = name
        self.rng = np.random.default_rng(int.from_bytes(name.encode(), "big") % 2**63)

    def bytes(self, dtype, *shape):
        i = np.iinfo(dtype)
        return self.rng.integers(i.min, i.max + 1, shape).astype(dtype)

    def floats(self, *shape, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def scale(self, *shape, lo=0.005, hi=0.05):
        return np.asarray(self.rng.uniform(lo, hi, shape), np.float32)

    def zero(self, dtype, *shape):
        i = np.iinfo(dtype)
        span = i.max - i.min
        return np.asarray(self.rng.integers(i.min + span // 4, i.max - span // 4, shape), dtype)


def model(name, op, inputs, outputs, attrs, constant=(), domain=MS, opset=17):
    """Builds a model of one node; inputs whose index is in constant become initializers, None is absent."""
    names = ["" if v is None else f"x{i}" for i, v in enumerate(inputs)]
    while names and not names[-1] and op not in WHOLE:
        names.pop()
    infos, inits = [], []
    for i, v in enumerate(inputs):
        if v is None:
            continue
        if i in constant:
            inits.append(numpy_helper.from_array(v, f"x{i}"))
        else:
            infos.append(helper.make_tensor_value_info(f"x{i}", TYPES[v.dtype], v.shape))
    outs = [helper.make_tensor_value_info(f"y{i}", TYPES[np.dtype(d)], None) for i, d in enumerate(outputs)]
    node = helper.make_node(op, names, [o.name for o in outs], domain=domain, **attrs)
    graph = helper.make_graph([node], name, infos, outs, inits)
    imports = [helper.make_opsetid("", opset), helper.make_opsetid(MS, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10, producer_name="microsoft_quant")


def run(m, feeds):
    o = ort.SessionOptions()
    o.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    o.intra_op_num_threads = 1
    o.log_severity_level = 3
    return ort.InferenceSession(m.SerializeToString(), o, providers=["CPUExecutionProvider"]).run(None, feeds)


def with_zeros(name, op, inputs, outputs, t, at, attrs=None):
    """Returns what a node gives whose zero points, the inputs at, are 0 where they are absent: ONNX Runtime insists on them."""
    full = [np.asarray(0, t) if v is None and i in at else v for i, v in enumerate(inputs)]
    return run(model(name, op, full, outputs, attrs or {}), {f"x{i}": v for i, v in enumerate(full)})


def add(name, op, inputs, outputs, attrs=None, constant=(), want=None, atol=1e-5, rtol=1e-3, domain=MS, opset=17):
    """Adds a case; want are results of another source than ONNX Runtime."""
    m = model(name, op, inputs, outputs, attrs or {}, constant, domain, opset)
    feeds = {f"x{i}": v for i, v in enumerate(inputs) if v is not None and i not in constant}
    source = "numpy" if want is not None and op in ("QLinearReduceMean", "ReduceSumInteger") else "onnxruntime " + ort.__version__
    if want is None:
        want = run(m, feeds)
    CASES.append(pack.case(name, m, list(feeds.values()), want, rtol=rtol, atol=atol, family=op, source=source))


U, S = np.uint8, np.int8


def products():
    """MatMulIntegerToFloat, DynamicQuantizeMatMul, QGemm, MatMulInteger16."""
    shapes = [((5, 7), (7, 6)), ((2, 3, 40), (40, 17)), ((2, 3, 4, 16), (2, 3, 16, 9)), ((1, 300), (300, 33)), ((3, 2, 600), (600, 5)), ((4, 1), (1, 3))]
    for i, (sa, sb) in enumerate(shapes):
        for ta, tb in ((U, U), (U, S), (S, S)):
            k = Maker(f"matmul_to_float_{i}_{np.dtype(ta)}_{np.dtype(tb)}")
            n = sb[-1]
            column = i % 2 == 1 and len(sb) == 2
            bs = k.scale(n) if column else k.scale()
            az = k.zero(ta) if i != 4 else None
            bz = None if i in (2, 5) else (k.zero(tb, n) if column and tb == U else k.zero(tb))
            bias = k.floats(n) if i in (0, 3, 4) else None
            constant = (1, 3, 5) if i % 3 == 1 else (1,) if i % 3 == 2 else ()
            add("ms_" + k.name, "MatMulIntegerToFloat", [k.bytes(ta, *sa), k.bytes(tb, *sb), k.scale(), bs, az, bz, bias], [np.float32],
                constant=tuple(c for c in constant if [0, 1, 2, bs, 4, bz][c] is not None), atol=1e-4)
        for tb in (U, S):
            k = Maker(f"dynamic_matmul_{i}_{np.dtype(tb)}")
            n = sb[-1]
            column = i % 2 == 1
            bs = k.scale(n) if column else k.scale()
            bz = None if i in (2, 5) else (k.zero(tb, n) if column else k.zero(tb))
            bias = k.floats(n) if i in (0, 1, 4) else None
            constant = (1, 2, 3) if i % 2 == 1 and bz is not None else ()
            add("ms_" + k.name, "DynamicQuantizeMatMul", [k.floats(*sa), k.bytes(tb, *sb), bs, bz, bias], [np.float32], constant=constant, atol=1e-3)
    for i in range(12):
        ta, tb = ((U, U), (U, S), (S, S))[i % 3]
        k = Maker(f"qgemm_{i}")
        m, n, d = [int(v) for v in k.rng.integers(1, 40, 3)]
        ta_, tb_ = i // 2 % 2, i // 3 % 2
        a = k.bytes(ta, *((d, m) if ta_ else (m, d)))
        b = k.bytes(tb, *((n, d) if tb_ else (d, n)))
        column = i % 4 == 3
        bs, bz = (k.scale(n), k.zero(tb, n)) if column else (k.scale(), k.zero(tb))
        c = [None, k.rng.integers(-2000, 2000, (n,)), k.rng.integers(-2000, 2000, (1, n)), k.rng.integers(-2000, 2000, (m, 1)),
             k.rng.integers(-2000, 2000, (m, n)), k.rng.integers(-2000, 2000, (1,))][i % 6]
        c = None if c is None else c.astype(np.int32)
        to_bytes = i % 3 != 1 or i > 6
        ys, yz = (k.scale(lo=0.02, hi=0.2), k.zero(ta)) if to_bytes else (None, None)
        attrs = {"transA": ta_, "transB": tb_, "alpha": [1.0, 0.5, 1.7][i % 3]}
        add("ms_" + k.name, "QGemm", [a, k.scale(), k.zero(ta), b, bs, bz, c, ys, yz], [ta if to_bytes else np.float32], attrs,
            constant=(3, 4, 5) if i % 2 else (), atol=1e-4)
    for i, (sa, sb) in enumerate(shapes):
        k = Maker(f"matmul_integer16_{i}")
        add("ms_" + k.name, "MatMulInteger16", [(k.rng.integers(-3000, 3000, sa)).astype(np.int16), k.rng.integers(-3000, 3000, sb).astype(np.int16)],
            [np.int32])


def elementwise():
    """QLinearAdd, QLinearMul, QLinearSigmoid, QLinearLeakyRelu, QLinearWhere, QLinearConcat, QLinearSoftmax."""
    pairs = [((3, 4), (3, 4)), ((2, 3, 4), (4,)), ((5,), ()), ((), (2, 5)), ((2, 1, 7), (3, 1)), ((1, 64, 9), (1, 64, 1)), ((0, 3), (1, 3))]
    for i, (sa, sb) in enumerate(pairs):
        for t in (U, S):
            for op in ("QLinearAdd", "QLinearMul"):
                k = Maker(f"{op.lower()}_{i}_{np.dtype(t)}")
                z = [None if i == 3 and j == 1 or i == 5 else k.zero(t) for j in range(3)]
                c = k.scale(lo=0.02, hi=0.1)
                args = [k.bytes(t, *sa), k.scale(), z[0], k.bytes(t, *sb), k.scale(), z[1], c, z[2]]
                add("ms_" + k.name, op, args, [t], constant=(3,) if i == 1 else (),
                    want=with_zeros(k.name, op, args, [t], t, (2, 5, 7)) if None in z else None)
            for op in ("QLinearSigmoid", "QLinearLeakyRelu"):
                if i > 4:
                    continue
                k = Maker(f"{op.lower()}_{i}_{np.dtype(t)}")
                x = k.bytes(t, *([(16, 16), (3,), (), (2, 300), (1, 2, 3)][i]))
                y = [k.scale(lo=0.003, hi=0.02), k.zero(t) if i != 2 else None]
                attrs = {"alpha": [0.01, 0.2, 1.5, -0.5, 0.0][i]} if op == "QLinearLeakyRelu" and i else {}
                fixed = tuple(j for j in range(1, 5) if ([0, 0, k.zero(t) if i != 1 else None, 0, y[1]][j]) is not None) if i % 2 else ()
                add("ms_" + k.name, op, [x, k.scale(), k.zero(t) if i != 1 else None, *y], [t], attrs, constant=fixed)
    wheres = [((3, 4), (3, 4), (3, 4)), ((3, 1), (4,), (3, 4)), ((2,), (), (1, 2)), ((1,), (2, 3), (3,)), ((2, 3, 1), (1, 3, 4), (2, 1, 1)), ((70, 3), (3,), ())]
    for i, (sc, sx, sy) in enumerate(wheres):
        t = (U, S)[i % 2]
        k = Maker(f"qlinearwhere_{i}")
        q = [(k.scale(), k.zero(t)) for _ in range(3)]
        if i == 4:
            q[2] = q[0]
        add("ms_" + k.name, "QLinearWhere", [k.rng.random(sc) < 0.5, k.bytes(t, *sx), *q[0], k.bytes(t, *sy), *q[1], *q[2]], [t])
    concats = [(0, [(2, 3), (1, 3)]), (1, [(2, 3), (2, 1), (2, 4)]), (-1, [(2, 2, 5), (2, 2, 3)]), (1, [(1, 8, 6, 6), (1, 4, 6, 6)]), (2, [(2, 3, 1)]),
               (1, [(2, 0, 3), (2, 2, 3)])]
    for i, (axis, shapes) in enumerate(concats):
        for t in (U, S):
            k = Maker(f"qlinearconcat_{i}_{np.dtype(t)}")
            out = (k.scale(), k.zero(t))
            args = [*out]
            for j, s in enumerate(shapes):
                args += [k.bytes(t, *s), *(out if j == 1 else (k.scale(), k.zero(t)))]
            add("ms_" + k.name, "QLinearConcat", args, [t], {"axis": axis},
                constant=tuple(j for j in range(len(args)) if j < 2 or j % 3 != 2) if i % 2 else ())
    softs = [(-1, 13, (4, 10)), (1, 13, (2, 5, 3)), (1, 11, (3, 4, 2)), (0, 13, (6, 2)), (2, 12, (2, 3, 4)), (-1, 13, (2, 2, 100)), (0, 11, (12,))]
    for i, (axis, opset, shape) in enumerate(softs):
        for t in (U, S):
            k = Maker(f"qlinearsoftmax_{i}_{np.dtype(t)}")
            one = np.float32(1 / 256) if i % 2 == 0 else np.float32(0.0113)
            zero = np.asarray(0 if t == U else -128, t) if i % 2 == 0 else np.asarray(5 if t == U else -100, t)
            add("ms_" + k.name, "QLinearSoftmax", [k.bytes(t, *shape), k.scale(lo=0.01, hi=0.1), k.zero(t) if i != 1 else None, np.asarray(one), zero], [t],
                {"axis": axis, "opset": opset})


def pools():
    """QLinearAveragePool, QLinearGlobalAveragePool, NhwcMaxPool, QLinearReduceMean, ReduceSumInteger."""
    windows = [
        ((1, 3, 8, 8), {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ((2, 2, 7, 9), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ((1, 2, 7, 7), {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 1, 1], "count_include_pad": 1}),
        ((1, 5, 12), {"kernel_shape": [4], "strides": [3]}),
        ((1, 2, 5, 6, 4), {"kernel_shape": [2, 3, 2], "strides": [1, 2, 2], "pads": [0, 1, 0, 1, 1, 1]}),
        ((1, 3, 9, 9), {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}),
        ((1, 3, 8, 8), {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
        ((1, 3, 9, 7), {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"}),
    ]
    for i, (shape, attrs) in enumerate(windows):
        for last in (0, 1):
            t = (U, S)[(i + last) % 2]
            k = Maker(f"qlinearaveragepool_{i}_{last}")
            x = k.bytes(t, *shape)
            x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if last else x
            z = [k.zero(t) if i != 3 else None for _ in range(2)]
            args, given = [x, k.scale(), z[0], k.scale(), z[1]], {**attrs, "channels_last": last}
            add("ms_" + k.name, "QLinearAveragePool", args, [t], given,
                want=with_zeros(k.name, "QLinearAveragePool", args, [t], t, (2, 4), given) if i == 3 else None)
        if len(shape) == 4:
            t = (U, S)[i % 2]
            k = Maker(f"nhwcmaxpool_{i}")
            rest = {a: v for a, v in attrs.items() if a != "count_include_pad"}
            if i == 1:
                rest["dilations"] = [2, 2]
            add("ms_" + k.name, "NhwcMaxPool", [np.ascontiguousarray(np.moveaxis(k.bytes(t, *shape), 1, -1))], [t], rest)
    for i, shape in enumerate([(1, 3, 8, 8), (2, 5, 7, 3), (2, 16, 10), (1, 2, 3, 4, 5), (3, 1, 1, 1), (1, 70, 13, 13)]):
        for last in (0, 1):
            t = (U, S)[(i + last) % 2]
            k = Maker(f"qlinearglobalaveragepool_{i}_{last}")
            x = k.bytes(t, *shape)
            x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if last else x
            add("ms_" + k.name, "QLinearGlobalAveragePool", [x, k.scale(), k.zero(t), k.scale(), k.zero(t)], [t], {"channels_last": last})
    for i, (shape, axes, keep) in enumerate([((3, 4, 5), [1], 1), ((3, 4, 5), [0, 2], 0), ((2, 3, 4, 5), [-1, -2], 1), ((6,), [0], 0), ((2, 3), [0, 1], 1),
                                             ((2, 8, 3), [1, 2], 0)]):
        t = (U, S)[i % 2]
        k = Maker(f"qlinearreducemean_{i}")
        x, xs, xz, ys, yz = k.bytes(t, *shape), k.scale(), k.zero(t), k.scale(), k.zero(t)
        mean = ((x.astype(np.float64) - int(xz)) * float(xs)).mean(axis=tuple(axes), keepdims=bool(keep))
        y = np.clip(np.rint(mean / float(ys)) + int(yz), np.iinfo(t).min, np.iinfo(t).max).astype(t)
        add("ms_" + k.name, "QLinearReduceMean", [x, xs, xz, ys, yz], [t], {"axes": axes, "keepdims": keep}, want=[y])
        k = Maker(f"reducesuminteger_{i}")
        x = k.bytes(t, *shape)
        d = np.uint32 if t == U else np.int32
        add("ms_" + k.name, "ReduceSumInteger", [x], [d], {"axes": axes, "keepdims": keep},
            want=[np.asarray(x.astype(d).sum(axis=tuple(axes), keepdims=bool(keep), dtype=d))])


def convolutions():
    """QLinearConv with its channels first and last."""
    kinds = [
        ((1, 3, 8, 8), (4, 3, 3, 3), {"pads": [1, 1, 1, 1]}),
        ((2, 4, 9, 7), (6, 2, 3, 3), {"group": 2, "strides": [2, 2]}),
        ((1, 5, 6, 6), (5, 1, 3, 3), {"group": 5, "pads": [1, 0, 1, 2]}),
        ((1, 6, 10), (3, 6, 4), {"dilations": [2]}),
        ((1, 40, 5, 5), (9, 40, 1, 1), {}),
        ((1, 3, 9, 9), (2, 3, 3, 3), {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
        ((1, 2, 4, 5, 6), (3, 2, 2, 2, 2), {"pads": [1, 0, 0, 0, 1, 1]}),
    ]
    for i, (sx, sw, attrs) in enumerate(kinds):
        for last in (0, 1):
            tx, tw = ((U, U), (U, S), (S, S))[(i + last) % 3]
            k = Maker(f"qlinearconv_{i}_{last}")
            x = k.bytes(tx, *sx)
            x = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if last else x
            m = sw[0]
            column = i % 2 == 1
            ws, wz = (k.scale(m), k.zero(tw, m) if tw == U else np.zeros(m, tw)) if column else (k.scale(), k.zero(tw))
            b = k.rng.integers(-3000, 3000, m).astype(np.int32) if i % 3 else None
            constant = (3, 4, 5) + ((8,) if b is not None else ()) if i != 4 else ()
            add("ms_" + k.name, "QLinearConv", [x, k.scale(), k.zero(tx), k.bytes(tw, *sw), ws, wz, k.scale(lo=0.05, hi=0.5), k.zero(tx), b], [tx],
                {**attrs, "channels_last": last}, constant=constant)


def recurrent():
    """DynamicQuantizeLSTM. Rounding of a state that lies between two bytes may go either way, which later steps carry on."""
    kinds = [
        (5, 1, 3, 4, "forward", {}), (4, 3, 6, 5, "bidirectional", {}), (6, 2, 8, 16, "reverse", {}), (3, 2, 4, 6, "bidirectional", {"clip": 0.7}),
        (7, 1, 5, 8, "forward", {"activations": ["HardSigmoid", "Relu", "Tanh"]}), (4, 2, 3, 7, "forward", {"input_forget": 1}), (9, 1, 300, 12, "forward", {}),
        (1, 4, 2, 3, "bidirectional", {}),
    ]
    for i, (steps, batch, inputs, hidden, direction, attrs) in enumerate(kinds):
        t = (U, S)[i % 2]
        k = Maker(f"dynamic_lstm_{i}")
        dirs = 2 if direction == "bidirectional" else 1
        column = i in (2, 3, 4, 7)
        shape = (dirs, 4 * hidden) if column else (dirs,)
        zero = np.zeros(shape, t) if t == S else np.full(shape, 131, t)
        weights = [k.bytes(t, dirs, inputs, 4 * hidden), k.bytes(t, dirs, hidden, 4 * hidden)]
        scales = [k.scale(*shape, lo=0.001, hi=0.006) for _ in range(2)]
        bias = k.floats(dirs, 8 * hidden, scale=0.2) if i % 3 != 1 else None
        lens = k.rng.integers(1, steps + 1, batch).astype(np.int32) if i in (4, 5) else None
        h0, c0 = (k.floats(dirs, batch, hidden, scale=0.5), k.floats(dirs, batch, hidden, scale=0.5)) if i in (1, 3, 6) else (None, None)
        peep = k.floats(dirs, 3 * hidden, scale=0.3) if i in (1, 6) else None
        args = [k.floats(steps, batch, inputs), *weights, bias, lens, h0, c0, peep, scales[0], zero, scales[1], zero]
        constant = (1, 2, 8, 9, 10, 11) + ((3,) if bias is not None else ()) if i % 4 else ()
        add("ms_" + k.name, "DynamicQuantizeLSTM", args, [np.float32] * 3, {"hidden_size": hidden, "direction": direction, **attrs}, constant=constant,
            rtol=1e-2, atol=5e-3)


def embeddings():
    """QEmbedLayerNormalization."""
    for i, (batch, length, hidden, with_segments, with_mask, eps) in enumerate([
            (1, 4, 8, 1, 1, None), (2, 5, 16, 1, 0, None), (3, 2, 12, 0, 1, 1e-5), (2, 7, 32, 0, 0, None), (1, 1, 5, 1, 1, 0.1), (2, 9, 64, 1, 1, 1e-8)]):
        t = (U, S)[i % 2]
        k = Maker(f"qembed_{i}")
        ids = k.rng.integers(0, 11, (batch, length)).astype(np.int32)
        seg = k.rng.integers(0, 2, (batch, length)).astype(np.int32) if with_segments else None
        mask = (k.rng.random((batch, length)) < 0.7).astype(np.int32) if with_mask else None
        tables = [k.bytes(t, 11, hidden), k.bytes(t, length + i % 3, hidden), k.bytes(t, 2, hidden) if with_segments else None, k.bytes(t, hidden), k.bytes(t, hidden)]
        scales = [k.scale() if x is not None else None for x in tables]
        zeros = [k.zero(t) if x is not None else None for x in tables]
        constant = tuple(j for j in (*range(2, 7), *range(8, 18)) if [ids, seg, *tables, mask, *scales, *zeros][j] is not None) if i % 2 == 0 else ()
        add("ms_" + k.name, "QEmbedLayerNormalization", [ids, seg, *tables, mask, *scales, *zeros], [np.float32, np.int32],
            {} if eps is None else {"epsilon": eps}, constant=constant, atol=1e-4)


def attentions():
    """QAttention: masks by lengths, by starts and lengths, by key, and by query and key; a past; per-column weights."""
    kinds = [
        (1, 4, 8, 2, None, 0, {}), (2, 5, 12, 3, "length", 0, {}), (2, 4, 8, 2, "key", 0, {}), (1, 3, 16, 4, None, 2, {"unidirectional": 1}),
        (2, 6, 8, 2, "range", 0, {}), (2, 3, 8, 1, "query", 0, {}), (1, 7, 8, 2, None, 0, {"unidirectional": 1, "scale": 0.3}),
        (2, 3, 8, 2, "key", 4, {"mask_filter_value": -100.0}), (1, 33, 32, 4, "length", 0, {}),
    ]
    for i, (batch, length, width, heads, mask, past, attrs) in enumerate(kinds):
        t = (S, U)[i % 2]
        k = Maker(f"qattention_{i}")
        total, size = length + past, width // heads
        m = {None: lambda: None, "length": lambda: k.rng.integers(1, total + 1, batch), "key": lambda: k.rng.random((batch, total)) < 0.7,
             "range": lambda: np.concatenate([np.full(batch, total - 1), np.full(batch, 1)]),
             "query": lambda: k.rng.random((batch, length, total)) < 0.7}[mask]()
        m = None if m is None else m.astype(np.int32)
        column = i % 3 == 1
        ws = k.scale(3 * width) if column else k.scale()
        wz = None if i == 2 else (k.zero(t, 3 * width) if column else k.zero(t))
        p = k.floats(2, batch, heads, past, size) if past else None
        args = [k.bytes(U, batch, length, width), k.bytes(t, width, 3 * width), k.floats(3 * width), k.scale(lo=0.001, hi=0.01), ws, m,
                k.zero(U) if i != 2 else None, wz, p]
        constant = tuple(j for j in (1, 2, 3, 4, 6, 7) if args[j] is not None) if i % 2 else ()
        outputs = [np.float32] * (2 if past else 1)
        add("ms_" + k.name, "QAttention", args, outputs, {"num_heads": heads, **attrs}, constant=constant, atol=1e-4)


def main(path):
    products()
    elementwise()
    pools()
    convolutions()
    recurrent()
    embeddings()
    attentions()
    pack.write(path, CASES)
    print(len(CASES), "cases")


if __name__ == "__main__":
    main(sys.argv[1])
