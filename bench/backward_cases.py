"""The cases of backward.py."""

import math
from dataclasses import dataclass
from typing import Callable

import numpy as np
import torch

aten = torch.ops.aten
seeded = np.random.default_rng(1)


@dataclass
class Case:
    name: str
    nodes: list  # (operator, inputs, outputs, attributes), and the domain where it is not onnxrun
    inputs: dict
    outputs: list
    torch: Callable  # from the inputs as tensors to what runs PyTorch's operator
    constant: tuple = ()


def f32(*shape):
    return seeded.standard_normal(shape, dtype=np.float32)


def ints(*values):
    return np.array(values, np.int64)


def channels_first(x):
    """A tensor of PyTorch's order of axes, stored with the channels last."""
    return x.permute(0, 3, 1, 2)


def convolution(name, batch, channels, size, kernel, stride, groups):
    pad, out = kernel // 2, (size - 1) // stride + 1
    x, w = (batch, channels, size, size), (channels, channels // groups, kernel, kernel)
    attrs = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4, "group": groups}

    def run(t):
        dy, x, w = channels_first(t["dy"]), channels_first(t["x"]), t["w"].to(memory_format=torch.channels_last)
        return lambda: aten.convolution_backward(dy, x, w, None, [stride] * 2, [pad] * 2, [1, 1], False, [0, 0], groups, [True, True, False])
    return Case(name, [("NhwcConvGradX", ["dy", "w", "xs", "ws"], ["dx"], attrs), ("NhwcConvGradW", ["dy", "x", "xs", "ws"], ["dw"], attrs)],
                {"dy": f32(batch, out, out, channels), "x": f32(batch, size, size, channels), "w": f32(*w), "xs": ints(*x), "ws": ints(*w)},
                ["dx", "dw"], run, ("xs", "ws"))


def depthwise(batch, channels, size, kernel, stride):
    return convolution(f"depthwise convolution {kernel}x{kernel} s{stride} {channels}@{size} batch {batch}", batch, channels, size, kernel, stride, channels)


def embedding(words, width, ids, rows):
    """With rows the gradient is a list of rows, as training keeps it, else the whole table."""
    node = ("GatherGradRows", ["dy", "ids", "shape"], ["at", "rows"], {}) if rows else ("GatherGrad", ["dy", "ids", "shape"], ["dx"], {"axis": 0})
    inputs = {"dy": f32(ids, width), "ids": seeded.integers(0, words, ids), "shape": ints(words, width)}
    return Case(f"embedding {words}x{width}, {ids} ids" + ("" if rows else ", whole table"), [node], inputs, node[2],
                lambda t: lambda: aten.embedding_dense_backward(t["dy"], t["ids"], words, -1, False), ("shape",))


def cross_entropy(rows, classes):
    def run(t):
        one, logp, labels = t["dy"].reshape(()), t["logp"], t["labels"]
        total = torch.tensor(float(rows))

        def both():
            d = aten.nll_loss_backward(one, logp, labels, None, 1, -100, total)
            return aten._log_softmax_backward_data(d, logp, 1, torch.float32)
        return both
    x = f32(rows, classes)
    logp = (x - np.log(np.exp(x).sum(1, keepdims=True))).astype(np.float32)
    return Case(f"cross-entropy {rows}x{classes}", [("SoftmaxLossGrad", ["dy", "labels", "", "logp"], ["dx"], {})],
                {"dy": np.array(1, np.float32), "labels": seeded.integers(0, classes, rows), "logp": logp}, ["dx"], run)


def layer_norm(rows, width, rms=False):
    def run(t):
        dy, x, scale = t["dy"], t["x"], t["scale"]
        if rms:  # PyTorch has no operator for its gradient: what autograd composes
            x.requires_grad_(), scale.requires_grad_()
            with torch.enable_grad():
                y = torch.nn.functional.rms_norm(x, [width], scale, 1e-5)
            return lambda: torch.autograd.grad(y, [x, scale], dy, retain_graph=True)
        _, mean, inv = aten.native_layer_norm(x, [width], scale, t["shift"], 1e-5)
        return lambda: aten.native_layer_norm_backward(dy, x, [width], mean, inv, scale, t["shift"], [True, True, True])
    outputs = ["dx", "dscale", "dshift"][:3 - rms]
    return Case(f"{'RMS' if rms else 'layer'} normalisation {rows}x{width}", [("LayerNormGrad", ["dy", "x", "scale"], ["dx", "dscale", "dshift"], {"rms": int(rms)})],
                {"dy": f32(rows, width), "x": f32(rows, width), "scale": f32(width), "shift": f32(width)}, outputs, run, ("shift",))


def max_pool(batch, channels, size, kernel, stride, pad):
    """Both sides read where the forward pass has found the largest elements."""
    out = (size + 2 * pad - kernel) // stride + 1
    x, window = f32(batch, size, size, channels), ([kernel] * 2, [stride] * 2, [pad] * 2)
    _, at = aten.max_pool2d_with_indices(channels_first(torch.from_numpy(x)), *window)
    corner = torch.arange(out) * stride - pad
    places = (at // size - corner[:, None]) * kernel + at % size - corner

    def run(t):
        x, dy = channels_first(t["x"]), channels_first(t["dy"])
        return lambda: aten.max_pool2d_with_indices_backward(dy, x, *window, [1, 1], False, at)
    attrs = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4}
    return Case(f"max pool {kernel}x{kernel} s{stride} {channels}@{size} batch {batch}", [("NhwcMaxPlacesGrad", ["dy", "places", "shape"], ["dx"], attrs)],
                {"dy": f32(batch, out, out, channels), "x": x, "places": places.permute(0, 2, 3, 1).to(torch.uint8).contiguous().numpy(),
                 "shape": ints(batch, channels, size, size)}, ["dx"], run, ("x", "shape"))


def average_pool(batch, channels, size, kernel, stride):
    out = (size - kernel) // stride + 1

    def run(t):
        x, dy = channels_first(t["x"]), channels_first(t["dy"])
        return lambda: aten.avg_pool2d_backward(dy, x, [kernel] * 2, [stride] * 2, [0, 0], False, True, None)
    attrs = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
    return Case(f"average pool {kernel}x{kernel} s{stride} {channels}@{size} batch {batch}", [("NhwcAveragePoolGrad", ["dy", "shape"], ["dx"], attrs)],
                {"dy": f32(batch, out, out, channels), "x": f32(batch, size, size, channels), "shape": ints(batch, channels, size, size)}, ["dx"], run, ("x", "shape"))


def group_norm(batch, channels, size, groups):
    """With as many groups as channels it is an instance normalisation. The channels are second on both sides."""
    def run(t):
        dy, x, scale = t["dy"], t["x"], t["scale"]
        _, mean, inv = aten.native_group_norm(x, scale, t["shift"], batch, channels, size * size, groups, 1e-5)
        return lambda: aten.native_group_norm_backward(dy, x, mean, inv, scale, batch, channels, size * size, groups, [True, True, True])
    shape = (batch, channels, size, size)
    return Case(f"group normalisation {channels}@{size} batch {batch}, {groups} groups", [("GroupNormGrad", ["dy", "x", "scale"], ["dx", "dscale", "dshift"], {"groups": groups})],
                {"dy": f32(*shape), "x": f32(*shape), "scale": f32(channels), "shift": f32(channels)}, ["dx", "dscale", "dshift"], run, ("shift",))


def batch_norm(batch, channels, size):
    def run(t):
        dy, x, scale = channels_first(t["dy"]), channels_first(t["x"]), t["scale"]
        return lambda: aten.native_batch_norm_backward(dy, x, scale, None, None, t["mean"], t["inv"], True, 1e-5, [True, True, True])
    x = f32(batch, size, size, channels)
    inv = (1 / np.sqrt(x.var((0, 1, 2)) + 1e-5)).astype(np.float32)
    return Case(f"batch normalisation {channels}@{size} batch {batch}", [("BatchNormGrad", ["dy", "x", "mean", "inv", "scale", "shift"], ["dx", "dscale", "dshift"], {"axis": -1})],
                {"dy": f32(batch, size, size, channels), "x": x, "mean": x.mean((0, 1, 2)), "inv": inv, "scale": f32(channels), "shift": f32(channels)},
                ["dx", "dscale", "dshift"], run)


def softmax(rows, width, log=False):
    y = torch.softmax(torch.from_numpy(f32(rows, width)), 1)
    y, run = (y.log(), aten._log_softmax_backward_data) if log else (y, aten._softmax_backward_data)
    return Case(f"{'log ' * log}softmax {rows}x{width}", [("SoftmaxGrad", ["dy", "y"], ["dx"], {"log": int(log)})],
                {"dy": f32(rows, width), "y": y.numpy()}, ["dx"], lambda t: lambda: run(t["dy"], t["y"], 1, torch.float32))


def differentiated(nodes, y, wrt):
    """Nodes, and those that make the gradients of some values for dy, the gradient of y, as training does."""
    return nodes + [("Mul", [y, "dy"], ["product"], {}, ""), ("ReduceSum", ["product"], ["loss"], {"keepdims": 0}, ""),
                    ("Gradient", wrt, ["d" + v for v in wrt], {"xs": wrt, "y": "loss"}, "ai.onnx.preview.training")]


def gelu(rows, width, approximate="none"):
    return Case(f"GELU{' (tanh)' * (approximate == 'tanh')} {rows}x{width}", differentiated([("Gelu", ["x"], ["y"], {"approximate": approximate}, "")], "y", ["x"]),
                {"dy": f32(rows, width), "x": f32(rows, width)}, ["dx"], lambda t: lambda: aten.gelu_backward(t["dy"], t["x"], approximate=approximate))


def attention(batch, length, heads, size, causal=False):
    """Heads lie where projections put them; PyTorch has the result and the log-sum-exp of the forward pass."""
    scale = size ** -0.5

    def run(t):
        q, k, v, dy = (t[n].view(batch, length, heads, size).transpose(1, 2) for n in ("q", "k", "v", "dy"))
        y, lse = aten._scaled_dot_product_flash_attention_for_cpu(q, k, v, 0.0, causal, scale=scale)
        return lambda: aten._scaled_dot_product_flash_attention_for_cpu_backward(dy, q, k, v, y, lse, 0.0, causal, scale=scale)
    view = [heads, size, 0, size]
    attrs = {"scale": scale, "fill": -math.inf, "empty_zero": 1, "causal": int(causal), "heads_first": 0, "q_view": view, "k_view": view, "v_view": view}
    return Case(f"attention {batch}x{length}, {heads} heads of {size}{', causal' * causal}", [("AttentionGrad", ["dy", "q", "k", "v"], ["dq", "dk", "dv"], attrs)],
                {n: f32(batch, length, heads * size) for n in ("dy", "q", "k", "v")}, ["dq", "dk", "dv"], run)


def conv_transpose(batch, channels, to, size):
    """Windows of 4 by 4 that move by two positions, as in generators of pictures."""
    x, w = (batch, channels, size, size), (channels, to, 4, 4)
    attrs = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1], "group": 1, "transposed": 1}

    def run(t):
        dy, x, w = channels_first(t["dy"]), channels_first(t["x"]), t["w"].to(memory_format=torch.channels_last)
        return lambda: aten.convolution_backward(dy, x, w, None, [2, 2], [1, 1], [1, 1], True, [0, 0], 1, [True, True, False])
    return Case(f"transposed convolution 4x4 s2 {channels}@{size} to {to} batch {batch}",
                [("NhwcConvGradX", ["dy", "w", "xs", "ws"], ["dx"], attrs), ("NhwcConvGradW", ["dy", "x", "xs", "ws"], ["dw"], attrs)],
                {"dy": f32(batch, 2 * size, 2 * size, to), "x": f32(batch, size, size, channels), "w": f32(*w), "xs": ints(*x), "ws": ints(*w)}, ["dx", "dw"], run, ("xs", "ws"))


def lstm(steps, batch, inputs, hidden):
    """Both passes: what the forward one keeps for the gradient is no tensor of PyTorch's."""
    def run(t):
        layer, x = torch.nn.LSTM(inputs, hidden), t["x"].requires_grad_()
        wrt = [x, *layer.parameters()]

        def both():
            with torch.enable_grad():
                return torch.autograd.grad(layer(x)[0], wrt, t["dy"].squeeze(1))
        return both
    weights = {"w": f32(1, 4 * hidden, inputs) / 8, "r": f32(1, 4 * hidden, hidden) / 8, "b": f32(1, 8 * hidden)}
    nodes = differentiated([("LSTM", ["x", "w", "r", "b"], ["y"], {"hidden_size": hidden}, "")], "y", ["x", "w", "r", "b"])
    return Case(f"LSTM {inputs} to {hidden}, {steps} steps of {batch}, both passes", nodes, {"dy": f32(steps, 1, batch, hidden), "x": f32(steps, batch, inputs), **weights},
                ["dx", "dw", "dr", "db"], run)


def cases():
    yield depthwise(8, 96, 56, 3, 1)
    yield depthwise(8, 144, 56, 3, 2)
    yield depthwise(8, 384, 14, 3, 1)
    yield depthwise(8, 240, 14, 5, 1)
    yield depthwise(8, 960, 7, 3, 1)
    yield depthwise(8, 96, 56, 7, 1)
    for rows in (True, False):
        yield embedding(30522, 384, 1024, rows)
        yield embedding(50257, 768, 1024, rows)
        yield embedding(1000, 256, 1024, rows)
    yield cross_entropy(256, 10)
    yield cross_entropy(64, 1000)
    yield cross_entropy(1024, 2000)
    yield cross_entropy(256, 30522)
    yield layer_norm(1024, 256)
    yield layer_norm(1024, 768)
    yield layer_norm(1024, 768, rms=True)
    yield gelu(1024, 1536)
    yield gelu(1024, 1536, "tanh")
    yield attention(8, 128, 12, 32)
    yield attention(8, 128, 4, 64)
    yield attention(1, 1024, 12, 64, causal=True)
    yield lstm(64, 16, 128, 128)
    yield max_pool(8, 64, 112, 3, 2, 1)
    yield max_pool(8, 64, 56, 2, 2, 0)
    yield average_pool(8, 64, 56, 2, 2)
    yield average_pool(8, 192, 35, 3, 2)
    yield group_norm(8, 256, 28, 32)
    yield group_norm(8, 64, 56, 64)
    yield batch_norm(8, 64, 56)
    yield batch_norm(8, 960, 7)
    yield softmax(1024, 1024)
    yield softmax(6144, 128)
    yield softmax(1024, 1024, log=True)
    yield convolution("convolution 3x3 64@56 batch 8", 8, 64, 56, 3, 1, 1)
    yield convolution("convolution 1x1 256@14 batch 8", 8, 256, 14, 1, 1, 1)
    yield conv_transpose(16, 256, 128, 8)
    yield conv_transpose(16, 64, 3, 32)
