"""Matrix products, attention, and linear algebra."""

import numpy as np

from .draw import BF16, F16, F32, F64, Node, family

I32, I64, U32, U64 = (np.dtype(t) for t in ("int32", "int64", "uint32", "uint64"))


def values(d, shape, dtype):
    return d.floats(shape, dtype) if np.dtype(dtype) in (F16, F32, F64, BF16) else d.codes(shape, dtype, 0, 9)


def broadcast_pair(d, a, b):
    """Leading dimensions of two operands that broadcast."""
    lead = d.ints(d.int(0, 3), 1, 3)
    forms = []
    for tail in (a, b):
        kept = [n if d.chance(0.75) else 1 for n in lead][d.int(0, len(lead)) if d.chance(0.4) else 0 :]
        forms.append(kept + tail)
    return forms


@family
def matmul(d):
    opset = d.pick(1, 9, 13, 13)
    dtype = d.dtype(F16, F64, *([I32, I64, U32, U64] if opset >= 9 else []), *([BF16] if opset == 13 else []))
    m, k, n = d.ints(3, 1, 7) if d.chance(0.7) else d.ints(3, 1, 70)
    if d.chance(0.05):
        m, k, n = d.pick((0, k, n), (m, 0, n), (m, k, 0))
    a, b = broadcast_pair(d, [m, k], [k, n])
    if d.chance(0.15):
        a = [k]
    if d.chance(0.15):
        b = [k]
    return Node("MatMul", opset, [values(d, a, dtype), values(d, b, dtype)])


@family
def gemm(d):
    opset = d.pick(7, 9, 11, 13, 13)
    dtype = d.dtype(F16, F64, *([I32, I64, U32] if opset >= 9 else []))
    m, k, n = d.ints(3, 1, 7) if d.chance(0.7) else d.ints(3, 1, 60)
    if d.chance(0.04):
        m, k, n = d.pick((0, k, n), (m, 0, n), (m, k, 0))
    ta, tb = d.int(0, 1), d.int(0, 1)
    attrs = {"transA": ta, "transB": tb, "alpha": d.float(-2, 2), "beta": d.pick(0.0, d.float(-2, 2), 1.0)}
    if np.dtype(dtype).kind in "iu":
        attrs["alpha"], attrs["beta"] = float(d.int(1, 3)), float(d.int(0, 3))
    attrs = {k_: v for k_, v in attrs.items() if k_.startswith("trans") and v or d.chance(0.6)}
    c = values(d, d.pick([m, n], [n], [1, n], [m, 1], [], [1], [1, 1]), dtype) if opset < 11 or d.chance(0.7) else None
    return Node("Gemm", opset, [values(d, [k, m] if ta else [m, k], dtype), values(d, [n, k] if tb else [k, n], dtype), c], attrs)


@family
def einsum(d):
    dtype = d.dtype(F64, I32, I64)
    letters = list("abcdefgh")[: d.int(1, 5)]
    size = {c: d.int(1, 4) for c in letters}
    dots = d.ints(d.int(1, 2), 1, 3) if d.chance(0.3) else None
    terms, ins = [], []
    for _ in range(d.pick(1, 2, 2, 2, 3)):
        t = [d.pick(letters) for _ in range(d.int(0, 4))]
        if d.chance(0.7):
            t = list(dict.fromkeys(t))  # else diagonals may occur
        shape = [size[c] for c in t]
        text = "".join(t)
        if dots and d.chance(0.8):
            at = d.int(0, len(t))
            lead = [n if d.chance(0.8) else 1 for n in dots][d.int(0, len(dots)) if d.chance(0.3) else 0 :]
            shape[at:at] = lead
            text = text[:at] + "..." + text[at:]
        if not shape and not text:
            text, shape = letters[0], [size[letters[0]]]
        terms.append(text)
        ins.append(values(d, shape, dtype))
    equation = (", " if d.chance(0.2) else ",").join(terms)
    if d.chance(0.75):
        used = sorted({c for t in terms for c in t if c != "."})
        out = [used[i] for i in d.g.permutation(len(used))[: d.int(0, len(used))]]
        out = "".join(out)
        if any("..." in t for t in terms):
            at = d.int(0, len(out))
            out = out[:at] + "..." + out[at:]
        equation += (" -> " if d.chance(0.2) else "->") + out
    return Node("Einsum", 12, ins, {"equation": equation})


@family
def attention(d):
    opset = d.pick(23, 24)
    dtype = d.dtype(F16)
    b, kv = d.int(1, 2), d.int(1, 3)
    q = kv * d.pick(1, 1, 1, 2, 3)
    lq, lk, e, ev = d.int(1, 5), d.int(1, 6), d.pick(2, 4, 8), d.pick(2, 4, 8)
    flat = d.chance(0.4)
    past = d.int(1, 4) if d.chance(0.3) else 0

    def operand(heads, n, size):
        return d.floats([b, n, heads * size] if flat else [b, heads, n, size], dtype)

    attrs = {"q_num_heads": q, "kv_num_heads": kv} if flat else {}
    if d.chance(0.3):
        attrs["scale"] = d.float(0.1, 1)
    if d.chance(0.3):
        attrs["is_causal"] = 1
    if d.chance(0.2):
        attrs["softcap"] = d.float(0.5, 4)
    total = lk + past
    mask = None
    if d.chance(0.5):
        shape = d.pick([lq, total], [1, 1, lq, total], [b, 1, lq, total], [b, q, lq, total], [1, q, lq, total])
        mask = d.g.random(shape) < 0.7 if d.chance(0.4) else d.floats(shape, dtype)
        if mask.dtype == bool:
            mask[..., 0] = True
    ins = [operand(q, lq, e), operand(kv, lk, e), operand(kv, lk, ev), mask]
    outputs = [dtype]
    if past:
        ins += [d.floats([b, kv, past, e], dtype), d.floats([b, kv, past, ev], dtype)]
    if past or d.chance(0.2):
        outputs += [dtype, dtype]
        if d.chance(0.4):
            attrs["qk_matmul_output_mode"] = d.int(0, 3)
            outputs.append(dtype)
    if opset == 24 and not past and d.chance(0.3):
        ins += [None, None, d.g.integers(1, lk + 1, [b])]
    return Node("Attention", opset, ins, attrs, outputs, fixed=range(7))


@family
def rotary(d):
    dtype = d.dtype(F16)
    b, heads, n = d.int(1, 3), d.int(1, 3), d.int(1, 5)
    size = d.pick(2, 4, 8, 16)
    part = d.pick([0, 0, 0] + [k for k in (2, 4, 8) if k < size])
    half = (part or size) // 2
    attrs = {"interleaved": d.pick(None, 0, 1), "rotary_embedding_dim": part or None}
    flat = d.chance(0.4)
    x = d.floats([b, n, heads * size] if flat else [b, heads, n, size], dtype)
    if flat:
        attrs["num_heads"] = heads
    if d.chance(0.6):
        top = n + d.int(0, 5)
        angle, ids = d.g.uniform(0, 6, [top, half]), d.g.integers(0, top, [b, n])
    else:
        angle, ids = d.g.uniform(0, 6, [b, n, half]), None
    return Node("RotaryEmbedding", 23, [x, np.cos(angle).astype(dtype), np.sin(angle).astype(dtype), ids], attrs, fixed=(0, 3))


@family
def det(d):
    n = d.int(1, 6)
    x = d.floats(d.ints(d.int(0, 2), 1, 3) + [n, n], d.dtype(F16, F64))
    if d.chance(0.15) and n > 1:
        x[..., 0, :] = x[..., -1, :]
    return Node("Det", d.pick(11, 22), [x], rtol=2e-3, atol=1e-4)
