"""LSTM, GRU and RNN, with an implementation of their whole specification in numpy, and PyTorch's where it has the case.

The two other runtimes cover less: onnx.reference knows one direction, no sequence_lens and few attributes.
"""

import numpy as np
import torch

from .draw import F16, F32, F64, Node, family

I32 = np.dtype("int32")
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
DEFAULTS = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["Sigmoid", "Tanh", "Tanh"]}

# name: (takes alpha, takes beta, default alpha, default beta, function)
ACTIVATIONS = {
    "Tanh": (0, 0, 0, 0, lambda x, a, b: np.tanh(x)),
    "Sigmoid": (0, 0, 0, 0, lambda x, a, b: 0.5 + 0.5 * np.tanh(x / 2)),
    "Relu": (0, 0, 0, 0, lambda x, a, b: np.maximum(x, 0)),
    "Softsign": (0, 0, 0, 0, lambda x, a, b: x / (1 + np.abs(x))),
    "Softplus": (0, 0, 0, 0, lambda x, a, b: np.logaddexp(0, x)),
    "LeakyRelu": (1, 0, 0.01, 0, lambda x, a, b: np.where(x >= 0, x, a * x)),
    "ThresholdedRelu": (1, 0, 1.0, 0, lambda x, a, b: np.where(x > a, x, 0)),
    "Elu": (1, 0, 1.0, 0, lambda x, a, b: np.where(x >= 0, x, a * np.expm1(np.minimum(x, 0)))),
    "Affine": (1, 1, 1.0, 0.0, lambda x, a, b: a * x + b),
    "ScaledTanh": (1, 1, 1.0, 1.0, lambda x, a, b: a * np.tanh(b * x)),
    "HardSigmoid": (1, 1, 0.2, 0.5, lambda x, a, b: np.clip(a * x + b, 0, 1)),
}


def functions(names, alphas, betas):
    """Binds activations to their parameters, which are consumed in order by those that take them."""
    alphas, betas = list(alphas or []), list(betas or [])
    bound = []
    for name in names:
        takes_a, takes_b, a, b, f = ACTIVATIONS[name]
        a = alphas.pop(0) if takes_a and alphas else a
        b = betas.pop(0) if takes_b and betas else b
        bound.append(lambda x, f=f, a=a, b=b: f(x, a, b))
    return bound


def run(op, attrs, x, w, r, b=None, lens=None, h0=None, c0=None, p=None):
    """Returns Y, Y_h and, for LSTM, Y_c of one layer, in float64."""
    dtype = x.dtype
    x, w, r, b, h0, c0, p = (v if v is None else v.astype(np.float64) for v in (x, w, r, b, h0, c0, p))
    if attrs.get("layout"):
        x = x.swapaxes(0, 1)
        h0, c0 = (v if v is None else v.swapaxes(0, 1) for v in (h0, c0))
    steps, batch, _ = x.shape
    hidden = r.shape[2]
    direction = attrs.get("direction", "forward")
    ways = 2 if direction == "bidirectional" else 1
    lens = np.full(batch, steps) if lens is None else lens
    names = attrs.get("activations") or DEFAULTS[op] * ways
    bound = functions(names, attrs.get("activation_alpha"), attrs.get("activation_beta"))
    each = len(bound) // ways
    y = np.zeros((steps, ways, batch, hidden))
    yh, yc = np.zeros((ways, batch, hidden)), np.zeros((ways, batch, hidden))
    for k in range(ways):
        backward = direction == "reverse" or k == 1
        for n in range(batch):
            h = np.zeros(hidden) if h0 is None else h0[k, n]
            c = np.zeros(hidden) if c0 is None else c0[k, n]
            times = range(lens[n])
            for t in reversed(times) if backward else times:
                part = (w[k], r[k], np.zeros(2 * len(r[k])) if b is None else b[k], None if p is None else p[k])
                h, c = CELLS[op](x[t, n], h, c, part, bound[k * each : (k + 1) * each], attrs)
                y[t, k, n] = h
            if lens[n] > 0:  # the last of no outputs is zero, as ONNX Runtime has it
                yh[k, n], yc[k, n] = h, c
    if attrs.get("layout"):
        y, yh, yc = y.transpose(2, 0, 1, 3), yh.swapaxes(0, 1), yc.swapaxes(0, 1)
    with np.errstate(over="ignore"):
        return [v.astype(dtype) for v in ([y, yh, yc] if op == "LSTM" else [y, yh])]


def clipped(attrs):
    limit = attrs.get("clip")
    return (lambda v: np.clip(v, -limit, limit)) if limit else (lambda v: v)


def rnn_cell(x, h, c, part, act, attrs):
    w, r, b, _ = part
    return act[0](clipped(attrs)(w @ x + r @ h + b[: len(r)] + b[len(r) :])), c


def gru_cell(x, h, c, part, act, attrs):
    w, r, b, _ = part
    n, clip = len(h), clipped(attrs)
    gates = w @ x + b[: 3 * n]
    rb = b[3 * n :]
    z, reset = (act[0](clip(gates[s] + r[s] @ h + rb[s])) for s in (slice(0, n), slice(n, 2 * n)))
    s = slice(2 * n, 3 * n)
    inner = reset * (r[s] @ h + rb[s]) if attrs.get("linear_before_reset") else r[s] @ (reset * h) + rb[s]
    return (1 - z) * act[1](clip(gates[s] + inner)) + z * h, c


def lstm_cell(x, h, c, part, act, attrs):
    w, r, b, p = part
    n, clip = len(h), clipped(attrs)
    i, o, f, g = np.split(w @ x + r @ h + b[: 4 * n] + b[4 * n :], 4)
    pi, po, pf = (0, 0, 0) if p is None else np.split(p, 3)
    i = act[0](clip(i + pi * c))
    f = 1 - i if attrs.get("input_forget") else act[0](clip(f + pf * c))
    c = f * c + i * act[1](clip(g))
    return act[0](clip(o + po * c)) * act[2](c), c


CELLS = {"RNN": rnn_cell, "GRU": gru_cell, "LSTM": lstm_cell}


def by_torch(op, attrs, x, w, r, b=None, lens=None, h0=None, c0=None, p=None):
    """The same by PyTorch, or None if it has no such layer."""
    odd = [k for k in ("activations", "clip", "input_forget") if attrs.get(k)]
    direction = attrs.get("direction", "forward")
    if odd or p is not None or lens is not None or direction == "reverse" or op == "GRU" and not attrs.get("linear_before_reset"):
        return None
    if attrs.get("layout"):
        x = x.swapaxes(0, 1)
        h0, c0 = (v if v is None else v.swapaxes(0, 1) for v in (h0, c0))
    ways, hidden = w.shape[0], r.shape[2]
    order = {"RNN": [0], "GRU": [1, 0, 2], "LSTM": [0, 2, 3, 1]}[op]  # r z n; i f c o
    layer = getattr(torch.nn, op)(w.shape[2], hidden, bidirectional=ways == 2, bias=True).double()

    def sorted_gates(m):
        return torch.tensor(np.concatenate([np.split(m.astype(np.float64), len(order))[i] for i in order]))

    b = np.zeros((ways, 2 * w.shape[1])) if b is None else b
    with torch.no_grad():
        for k, suffix in enumerate(("", "_reverse")[:ways]):
            half = w.shape[1]
            for name, m in (("weight_ih", w[k]), ("weight_hh", r[k]), ("bias_ih", b[k, :half]), ("bias_hh", b[k, half:])):
                getattr(layer, f"{name}_l0{suffix}").copy_(sorted_gates(m))
        zero = np.zeros((ways, x.shape[1], hidden))
        h, c = (torch.tensor((zero if v is None else v).astype(np.float64)) for v in (h0, c0))
        y, state = layer(torch.tensor(x.astype(np.float64)), (h, c) if op == "LSTM" else h)
    y = y.numpy().reshape(*y.shape[:2], ways, hidden).transpose(0, 2, 1, 3)
    outs = [y, *(s.numpy() for s in (state if op == "LSTM" else (state,)))]
    if attrs.get("layout"):
        outs = [outs[0].transpose(2, 0, 1, 3), *(s.swapaxes(0, 1) for s in outs[1:])]
    return [v.astype(x.dtype) for v in outs]


def layer(d, op):
    opset = d.pick(7, 14, 14, 22)
    dtype = d.dtype(F16, F64)
    direction = d.pick("forward", "reverse", "bidirectional")
    ways = 2 if direction == "bidirectional" else 1
    steps, batch, size, hidden = d.int(1, 6), d.int(1, 4), d.int(1, 5), d.int(1, 6)
    if d.chance(0.1):
        batch, size, hidden = d.int(3, 9), d.int(8, 33), d.int(8, 33)
    gates = GATES[op]
    attrs = {"hidden_size": hidden}
    if direction != "forward" or d.chance(0.3):
        attrs["direction"] = direction
    if d.chance(0.35):
        names = [d.pick(list(ACTIVATIONS)) for _ in DEFAULTS[op] * ways]
        if d.chance(0.3):
            names = DEFAULTS[op] * ways
        attrs["activations"] = names
        if d.chance(0.6):
            attrs["activation_alpha"] = [d.float(0.1, 1) for n in names if ACTIVATIONS[n][0]] or None
            attrs["activation_beta"] = [d.float(0.1, 1) for n in names if ACTIVATIONS[n][1]] or None
    if d.chance(0.25):
        attrs["clip"] = d.float(0.1, 1.5)
    if op == "GRU" and d.chance(0.5):
        attrs["linear_before_reset"] = d.int(0, 1)
    if op == "LSTM" and d.chance(0.25):
        attrs["input_forget"] = 1
    if opset >= 14 and d.chance(0.25):
        attrs["layout"] = d.int(0, 1)
    attrs = {k: v for k, v in attrs.items() if v is not None}
    x = d.floats([steps, batch, size], dtype)
    state = [ways, batch, hidden]
    if attrs.get("layout"):
        x, state = x.swapaxes(0, 1).copy(), [batch, ways, hidden]
    spread = 0.5 if "activations" not in attrs else 0.5 / np.sqrt(max(size, hidden))  # some activations have no bounds
    w, r = d.floats([ways, gates * hidden, size], dtype, spread), d.floats([ways, gates * hidden, hidden], dtype, spread)
    b = d.floats([ways, 2 * gates * hidden], dtype, 0.5) if d.chance(0.5) else None
    low = 0 if d.chance(0.15) else 1
    lens = d.g.integers(low, steps + 1, [batch]).astype(I32) if d.chance(0.35) else None
    h0 = d.floats(state, dtype) if d.chance(0.5) else None
    ins = [x, w, r, b, lens, h0]
    if op == "LSTM":
        ins.append(d.floats(state, dtype) if d.chance(0.5) else None)
        ins.append(d.floats([ways, 3 * hidden], dtype, 0.5) if d.chance(0.35) else None)
    count = 3 if op == "LSTM" else 2
    asked = [d.chance(0.8) for _ in range(count)]
    if not any(asked):
        asked[0] = True
    while not asked[-1]:
        asked.pop()
    node = Node(op, opset, ins, attrs, [dtype if a else None for a in asked], atol=1e-5)

    def chosen(outs):
        return None if outs is None else [y for y, a in zip(outs, asked) if a]

    node.own = {"own": chosen(run(op, attrs, *ins)), "torch": chosen(by_torch(op, attrs, *ins))}
    return node


@family
def lstm(d):
    return layer(d, "LSTM")


@family
def gru(d):
    return layer(d, "GRU")


@family
def rnn(d):
    return layer(d, "RNN")
